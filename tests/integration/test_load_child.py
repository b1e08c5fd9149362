"""The real load child against a little server of our own: what it sends, when, how often, and how it ends."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.demand import Resend
from harness.errors import ControlError
from harness.history import ACKNOWLEDGED, ORDER, READ, REFUSED, SHED, UNKNOWN
from harness.load.ledger import read
from harness.load.schedule import SEND_ONCE, planned
from tests.integration.little_server import Reply, Server, answer_and_hang_up, half, nonsense, reset
from tests.integration.loads import LOAD, ROOT, SECOND, Flight, flying, never_sent_more_often_than_written, spec_for

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_every_planned_arrival_is_sent_once_and_in_time(tmp_path: Path) -> None:
    with Server() as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        rows = flight.stop_after(1.5)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert rows == len(ledger) == shop.requests
        assert (ledger.fate == ACKNOWLEDGED).all()
        assert (ledger.attempts == 1).all()
        assert set(ledger.status[ledger.kind == ORDER]) == {201}
        assert set(ledger.status[ledger.kind == READ]) == {200}
        assert len(set(ledger.order_id) - {""}) == np.count_nonzero(ledger.orders)
        assert np.median(ledger.late_ms) < 20
        assert flight.ticks[-1].offered >= flight.ticks[0].offered > 0
        assert flight.ticks[-1].last_bad_ns is None
        never_sent_more_often_than_written(shop, ledger)


def test_a_freeze_is_felt_by_all_who_arrive_meanwhile(tmp_path: Path) -> None:
    """The open model: arrivals go on, so waiting times of a freeze of 1 s fall evenly from 1 s to nothing."""
    with Server() as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        time.sleep(0.4)
        shop.freeze()
        time.sleep(1.0)
        shop.thaw()
        flight.stop_after(1.8)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        waited = ledger.latency_ms[ledger.latency_ms > 100]
        assert 800 < waited.max() < 1500
        assert 0.6 * 180 < len(waited) < 1.4 * 180
        assert 300 < np.median(waited) < 800


def test_a_stopped_generator_owns_up_to_being_late(tmp_path: Path) -> None:
    with Server() as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        time.sleep(0.3)
        os.kill(flight.generator.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(flight.generator.pid, signal.SIGCONT)
        flight.stop_after(1.7)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert ledger.recorded.all()
        assert 800 < ledger.late_ms.max() < 1500


@pytest.mark.parametrize(("reply", "fate"), [(reset, UNKNOWN), (half, UNKNOWN), (answer_and_hang_up, ACKNOWLEDGED)])
def test_no_order_is_sent_again_behind_the_ledger(tmp_path: Path, reply: Reply, fate: int) -> None:
    with Server(reply) as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        flight.stop_after(0.8)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert np.count_nonzero(ledger.fate == fate) >= 0.5 * len(ledger)
        assert set(ledger.fate) <= {fate, UNKNOWN}
        assert (ledger.attempts == 1).all()
        assert all(status == 0 for status in ledger.status[ledger.fate == UNKNOWN])
        never_sent_more_often_than_written(shop, ledger)


def test_resent_orders_are_one_row_of_two_attempts(tmp_path: Path) -> None:
    load = replace(LOAD, resend=Resend(ratio=0.5))
    with Server() as shop, flying(replace(spec_for(tmp_path, shop.url), load=load)) as flight:
        rows = flight.stop_after(0.8)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert rows == len(ledger)
        assert np.array_equal(ledger.attempts == 2, flight.plan.resend != SEND_ONCE)
        assert np.count_nonzero(ledger.attempts == 2) > 20
        assert (ledger.fate == ACKNOWLEDGED).all()
        never_sent_more_often_than_written(shop, ledger)


def test_nobody_listening_proves_that_nothing_was_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with flying(spec_for(tmp_path, url)) as flight:
        flight.stop_after(0.4)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert (ledger.fate == REFUSED).all()
        assert (ledger.attempts == 0).all()
        assert (ledger.status == 0).all()


def test_silence_is_unknown_and_too_many_at_once_are_shed(tmp_path: Path) -> None:
    with Server() as shop:
        shop.freeze()
        with flying(replace(spec_for(tmp_path, shop.url), timeout_s=0.5, in_flight_max=40)) as flight:
            flight.stop_after(0.8)
            ledger, doubts = flight.ledger()
            assert doubts == ()
            assert set(ledger.fate) == {UNKNOWN, SHED}
            assert (ledger.fate[:40] == UNKNOWN).all()
            assert (ledger.sent_ns[ledger.fate == SHED] == -1).all()
            waited_ms = (ledger.done_ns - ledger.sent_ns)[ledger.fate == UNKNOWN] / 1e6
            assert 490 < waited_ms.min() <= waited_ms.max() < 1000
            never_sent_more_often_than_written(shop, ledger)


def test_it_ends_by_itself(tmp_path: Path) -> None:
    with Server() as shop, flying(replace(spec_for(tmp_path, shop.url), longest_s=0.4)) as flight:
        rows = flight.generator.wait(10)
        flight.until_ns = flight.begin_ns + SECOND * 4 // 10
        assert flight.ledger()[1] == ()
        assert rows == len(flight.plan)


def test_signals_of_the_terminal_are_the_harness_s_business_and_term_stops(tmp_path: Path) -> None:
    with Server() as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        os.kill(flight.generator.pid, signal.SIGINT)
        os.kill(flight.generator.pid, signal.SIGHUP)
        assert flight.generator.wait(0.4) is None
        os.kill(flight.generator.pid, signal.SIGTERM)
        with pytest.raises(ControlError, match="exit code 143"):
            flight.generator.wait(5)
        flight.until_ns = flight.begin_ns + SECOND
        ledger, doubts = flight.ledger()
        assert ledger.recorded.any()
        assert any("no seal" in doubt.because for doubt in doubts)
        with pytest.raises(ControlError, match="143"):
            flight.generator.stop_at(0)


def test_a_shopper_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="has no attribute 'Nobody'"):
        Flight(replace(spec_for(tmp_path, "http://127.0.0.1:9"), shopper="tests.fakes:Nobody"))


def test_a_shopper_that_raises_ends_the_load(tmp_path: Path) -> None:
    with (
        Server(nonsense) as shop,
        flying(spec_for(tmp_path, shop.url)) as flight,
        pytest.raises(ControlError, match="DecodeError"),
    ):
        flight.generator.wait(5)


def test_a_full_disk_ends_the_load_with_one_sentence(tmp_path: Path) -> None:
    with Server() as shop, flying(spec_for(tmp_path, shop.url)) as flight:
        resource.prlimit(flight.generator.pid, resource.RLIMIT_FSIZE, (5_000, 5_000))
        with pytest.raises(ControlError, match="the ledger cannot be written") as told:
            flight.generator.wait(5)
    assert "Traceback" not in str(told.value)


HARNESS = """
import sys, time, msgspec
from harness.load.generator import Generator
from harness.load.spec import LoadSpec
generator = Generator.start(msgspec.json.decode(sys.stdin.read(), type=LoadSpec), lambda tick: None)
print(generator.pid, generator.begin_ns, flush=True)
time.sleep(60)
"""


def test_the_load_dies_with_its_harness_and_keeps_what_is_known(tmp_path: Path) -> None:
    with Server() as shop:
        spec = spec_for(tmp_path, shop.url)
        harness = subprocess.Popen([sys.executable, "-c", HARNESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert harness.stdin
        assert harness.stdout
        with harness.stdin, harness.stdout:
            harness.stdin.write(msgspec.json.encode(spec))
            harness.stdin.close()
            pid, begin_ns = map(int, harness.stdout.readline().split())
            pidfd = os.pidfd_open(pid)
            time.sleep(0.5)
            harness.kill()
            harness.wait(5)
        assert select.select([pidfd], [], [], 5)[0]
        os.close(pidfd)
        until_ns = begin_ns + SECOND
        plan = planned(spec.load, spec.seed, spec.scale, until_ns - begin_ns)
        ledger, doubts = read(Path(spec.ledger), plan, begin_ns, until_ns)
        assert any("no seal" in doubt.because for doubt in doubts)
        assert ledger.recorded.any()
