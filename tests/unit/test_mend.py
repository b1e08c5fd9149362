"""Mending comes before writing about it: a disk that takes nothing more hinders no healing and no removal."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import guardian, mend
from harness.drivers import process
from harness.model import Break
from harness.shop import Residence, Thing
from harness.store import GUARDIAN, LOAD, UNDO, write_site
from harness.undo import UndoLog, still_open

RUN, NAME = "run1", "orders_db-1"
FULL = Path("/dev/full")


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder of a dead run whose one process it left frozen, on a disk that is full by now."""
    monkeypatch.setattr(mend, "CONTROL_S", 0.1)
    (tmp_path / "pids").mkdir()
    pid_file = tmp_path / "pids" / f"{NAME}.pid"
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, process.LABEL: str(tmp_path)}, start_new_session=True)
    process.note(child.pid, pid_file, ["sleep", "60"])
    thing = Thing(name=NAME, ref=str(pid_file), state={})
    write_site(tmp_path, Residence(run=RUN, driver="process", things=(thing,)))
    pausing: Break = process.ProcessPowers(NAME, pid_file).pause()
    UndoLog(tmp_path / UNDO).perform("step1", pausing, 0, lambda: None, lambda: 0)
    (tmp_path / GUARDIAN).symlink_to(FULL)
    (tmp_path / "logs").touch()  # in the place of a folder: no log can be written
    yield tmp_path
    child.kill()
    child.wait()


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the undo log take nothing more."""

    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", refuse)


def test_the_guardian_heals_on_a_full_disk(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full(monkeypatch)
    one = process.read(frozen / "pids" / f"{NAME}.pid")
    assert process.state(one) == "paused"
    assert guardian.mend(frozen, RUN, "process", keep=True) == 0
    assert process.state(one) == "running"


def test_the_guardian_removes_on_a_full_disk(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full(monkeypatch)
    one = process.read(frozen / "pids" / f"{NAME}.pid")
    assert guardian.mend(frozen, RUN, "process", keep=False) == 0
    assert process.state(one) == "gone"


@pytest.mark.parametrize(
    "text", [b"", b'{"pid":"\xff"}', b'{"x":' + b"[" * 100_000, b'{"argv":[],"pid":9999999999,"start_ticks":1}']
)
def test_a_damaged_pid_file_of_the_load_hinders_no_healing(text: bytes, frozen: Path) -> None:
    (frozen / LOAD).write_bytes(text)
    mend.end_load(frozen)
    assert guardian.mend(frozen, RUN, "process", keep=True) == 0
    assert process.state(process.read(frozen / "pids" / f"{NAME}.pid")) == "running"


def test_a_load_that_may_not_be_ended_hinders_no_healing(frozen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number belongs to another user by now."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(process, "send", refuse)
    process.note(os.getpid(), frozen / LOAD)
    mend.end_load(frozen)
    assert (frozen / LOAD).exists()


def test_what_the_engine_makes_after_its_caller_died_is_removed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that died before it had written down what it put on this machine."""
    (tmp_path / "pids").mkdir()
    sweep, late = process.sweep, [tmp_path / "pids" / "late.pid"]

    def sweep_in_time(run: str, folder: Path) -> tuple[str, ...]:
        left = sweep(run, folder)
        if late:
            process.spawn(["sleep", "60"], late.pop())
        return left

    monkeypatch.setattr(process, "sweep", sweep_in_time)
    monkeypatch.setattr(mend, "CONTROL_S", 0.1)
    assert guardian.mend(tmp_path, RUN, "process", keep=False) == 0
    assert process.labelled(tmp_path) == ()
    assert late == []


def test_a_healed_act_is_closed_where_there_is_room(frozen: Path) -> None:
    assert guardian.mend(frozen, RUN, "process", keep=True) == 0
    assert still_open(frozen / UNDO) == ()
