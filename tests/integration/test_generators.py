"""Several generators that share one load: nothing is sent twice or left out, and one that is lost leaves a doubt."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import host
from harness.demand import Arrivals, Load
from harness.errors import ControlError
from harness.history import ACKNOWLEDGED, ORDER
from harness.load.spec import LoadSpec
from tests.integration.little_server import Server
from tests.integration.loads import ROOT, Flight, flying, never_sent_more_often_than_written, spec_for

pytestmark = pytest.mark.slow
TWO = Load(arrivals=Arrivals(orders_per_s=150), warm_up_s=0, baseline_s=1, products_per_s=30)


def shared(tmp_path: Path, url: str, gather: str = "") -> LoadSpec:
    return replace(spec_for(tmp_path, url), load=TWO, generators=2, gather=gather)


def workers(flight: Flight) -> list[int]:
    """Find the processes that send, by the machine's own word."""
    found = []
    for pid in host.session(flight.generator.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"harness.load.worker" in words:
            found.append(pid)
    return sorted(found)


@pytest.mark.alone
def test_two_send_each_arrival_once_and_in_time_and_write_one_ledger(tmp_path: Path) -> None:
    with Server() as shop, flying(shared(tmp_path, shop.url)) as flight:
        assert len(workers(flight)) == 2
        rows = flight.stop_after(3)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert flight.lost == []
        assert rows == len(ledger) == shop.requests
        assert (ledger.fate == ACKNOWLEDGED).all()
        assert (ledger.attempts == 1).all()
        assert len(set(ledger.order_id) - {""}) == np.count_nonzero(ledger.kind == ORDER)
        assert np.median(ledger.late_ms) < 20
        assert flight.ticks[-1].offered > flight.ticks[0].offered
        never_sent_more_often_than_written(shop, ledger)


def test_one_that_is_lost_is_named_and_its_arrivals_have_no_record(tmp_path: Path) -> None:
    """The other one goes on with its own part, and with that alone."""
    with Server() as shop, flying(replace(shared(tmp_path, shop.url), longest_s=30)) as flight:
        time.sleep(1.5)
        os.kill(workers(flight)[0], signal.SIGKILL)
        rows = flight.stop_after(9)
        ledger, doubts = flight.ledger()
        assert len(flight.lost) == 1
        assert "of 2 was lost" in flight.lost[0]
        assert any("have no credible row" in doubt.because for doubt in doubts)
        late = ledger.intended_ns > flight.begin_ns + 3_000_000_000
        gone = set((ledger.seq[late & ~ledger.recorded] % 2).tolist())
        assert len(gone) == 1
        assert (ledger.seq[late & ledger.recorded] % 2 != gone.pop()).all()
        assert ledger.recorded[ledger.seq % 2 != (ledger.seq[late & ~ledger.recorded][0] % 2)].all()
        assert rows == np.count_nonzero(ledger.recorded)
        assert max(shop.keys.values()) == 1, "nobody takes over what the lost one may have sent"


@contextmanager
def joining(where: str, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Let generators join as from elsewhere, by the command that people type there."""
    typed = [str(Path(sys.executable).with_name("windtunnel")), "generator", where]
    started = [subprocess.Popen(typed, cwd=ROOT) for _ in range(count)]
    try:
        yield started
    finally:
        for one in started:
            one.kill()
            one.wait()


def free_port() -> int:
    """Find a port of an address that is this test's own."""
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


HOST = f"127.77.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"


def test_generators_from_elsewhere_join_and_go_home_when_it_is_over(tmp_path: Path) -> None:
    where = f"{HOST}:{free_port()}"
    with Server() as shop, joining(where, 2) as others, flying(shared(tmp_path, shop.url, gather=where)) as flight:
        assert workers(flight) == []
        flight.stop_after(2)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert (ledger.fate == ACKNOWLEDGED).all()
        never_sent_more_often_than_written(shop, ledger)
        assert [one.wait(15) for one in others] == [0, 0]


def test_who_waits_for_nobody_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.load.generator.JOINED_S", 2.0)
    with pytest.raises(ControlError, match="not ready within 2 s"), Server() as shop:
        Flight(shared(tmp_path, shop.url, gather=f"{HOST}:{free_port()}"))


def test_all_of_them_end_with_the_load_child(tmp_path: Path) -> None:
    with Server() as shop, flying(shared(tmp_path, shop.url)) as flight:
        own = workers(flight)
        flight.generator.kill()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in own):
            assert time.monotonic() < deadline, "a generator outlived its master"
            time.sleep(0.1)
