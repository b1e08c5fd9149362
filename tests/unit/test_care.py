"""Runs seen from any shell: which live, which left something, how one is stopped, and how a dead one is mended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import care, mark, mend
from harness.drivers import Leftover, process
from harness.errors import ControlError, SetupError, UsageError
from harness.mark import Standing
from harness.model import Break, Undo
from harness.shop import Residence, Thing
from harness.store import HARNESS, LOCK, UNDO, Process, write_site
from harness.undo import Lock, UndoLog, still_open

NAME = "orders_db-1"
THAW = Undo(verb="signal", on=NAME, args={"pid": 2**22 + 1, "start_ticks": 1, "signal": "SIGCONT"})
HARNESSES = """
import os, select, signal, sys
from pathlib import Path
from harness.undo import Lock
lock = Lock(Path(sys.argv[1]))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(11))
print(flush=True)
select.select([], [], [], 60)
"""


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at processes only, and wait for no late acts."""
    monkeypatch.setattr(care, "DRIVERS", {"process": "harness.drivers.process"})
    monkeypatch.setattr(mend, "CONTROL_S", 0.1)


def a_run(runs: Path, name: str) -> Path:
    folder = runs / name
    (folder / "pids").mkdir(parents=True)
    return folder


def leave_open(folder: Path, breaking: Break) -> None:
    UndoLog(folder / UNDO).perform("step1", breaking, 0, lambda: None, lambda: 0)


@contextmanager
def a_harness(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Let a process hold the run's lock, and end with 11 when it is told to stop."""
    command = [sys.executable, "-c", HARNESSES, str(folder / LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        note(folder, child.pid)
        yield child
        child.kill()


def note(folder: Path, pid: int, *, ticks: int = 0) -> None:
    """Write down who the harness is; ``ticks`` later than it started."""
    me = Process(pid=pid, start_ticks=process.started(pid) + ticks, zero_ns=0)
    (folder / HARNESS).write_bytes(msgspec.json.encode(me))


def test_runs_that_left_nothing_are_not_shown(tmp_path: Path) -> None:
    a_run(tmp_path, "ended")
    Lock(tmp_path / "ended" / LOCK).close()
    assert care.found(tmp_path) == ()
    assert care.found(tmp_path / "nowhere") == ()


def test_what_was_started_and_never_written_down_is_found_and_removed(tmp_path: Path) -> None:
    """Harness and guardian died together while the shop started: only the process itself knows whose it is."""
    folder = a_run(tmp_path, "starting")
    started = process.spawn(["sleep", "60"], folder / "pids" / "db.pid")
    (one,) = care.found(tmp_path)
    assert (one.alive, one.driver, one.things) == (False, "process", (f"process {started.pid}",))
    assert care.mend(one, lambda _: None) == ()
    assert process.await_state(started, "gone")
    assert care.found(tmp_path) == ()


def test_the_living_and_the_dead_are_told_apart(tmp_path: Path) -> None:
    """By the lock, which no dead process holds."""
    leave_open(a_run(tmp_path, "dead"), Break(undo=(THAW,), act=lambda: None))
    living = a_run(tmp_path, "living")
    with Lock(living / LOCK):
        found = {one.run: (one.alive, len(one.opened)) for one in care.found(tmp_path)}
    assert found == {"dead": (False, 1), "living": (True, 0)}


def test_a_run_that_only_the_machinery_knows_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder is gone or on another machine; the label on what it left names the lock that it would hold."""
    folder = a_run(tmp_path / "other", "far")
    known = Leftover(run="far", lock=folder / LOCK, things=("far-db",))
    lost = Leftover(run="lost", lock=tmp_path / "gone" / LOCK, things=("lost-db",))
    monkeypatch.setattr(process, "leftovers", lambda: (known, lost))
    with Lock(folder / LOCK):
        found = {one.run: (one.folder, one.alive, one.things) for one in care.found(tmp_path)}
    assert found == {"far": (folder, True, ("far-db",)), "lost": (None, False, ("lost-db",))}


def test_a_link_to_a_run_is_no_run_of_its_own(tmp_path: Path) -> None:
    leave_open(a_run(tmp_path, "dead"), Break(undo=(THAW,), act=lambda: None))
    (tmp_path / "latest").symlink_to(tmp_path / "dead")
    assert [one.run for one in care.found(tmp_path)] == ["dead"]


@pytest.mark.parametrize("label", ["moved", ""])
def test_a_run_of_a_moved_project_is_known_by_its_folder_here(
    label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its label names is not there any more, or it has only a network, without such a label."""
    folder = a_run(tmp_path, "up1")
    mark.write(folder, Standing(shop="a:Shop", defects=(), parts=(), url=""), ())
    leave_open(folder, Break(undo=(THAW,), act=lambda: None))
    known = Leftover(run="up1", lock=tmp_path / label / LOCK if label else Path(), things=("up1-db",))
    monkeypatch.setattr(process, "leftovers", lambda: (known,))
    (one,) = care.found(tmp_path)
    assert (one.folder, one.alive, one.stands, len(one.opened)) == (folder, False, True, 1)
    with Lock(folder / LOCK):
        assert care.found(tmp_path)[0].alive


def test_what_may_live_is_not_dead_by_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two projects have a run of one name: whoever removes that of the dead by its label removes that of the living."""
    here, other = a_run(tmp_path / "here", "run1"), a_run(tmp_path / "other", "run1")
    known = Leftover(run="run1", lock=other / LOCK, things=("run1-db",))
    monkeypatch.setattr(process, "leftovers", lambda: (known,))
    with Lock(here / LOCK):
        (one,) = care.found(tmp_path / "here")
    assert (one.folder, one.alive) == (other, True)
    assert not care.found(tmp_path / "here")[0].alive


def test_a_name_that_is_a_path_names_no_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(tmp_path, "other")
    monkeypatch.setattr(process, "leftovers", lambda: (Leftover(run="../other", lock=Path(), things=("db",)),))
    (tmp_path / "runs").mkdir()
    assert care.found(tmp_path / "runs")[0].folder is None


def test_the_run_of_another_user_counts_as_living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its lock nor its folder can be looked at, here or where its label says."""
    runs = tmp_path / "runs"
    here, there = a_run(runs, "theirs"), a_run(tmp_path / "other", "far")
    real = os.stat

    def stat(path: Any, **how: Any) -> os.stat_result:
        if {here, there.parent} & set(Path(path).parents if isinstance(path, str | Path) else ()):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **how)

    monkeypatch.setattr(process, "leftovers", lambda: (Leftover(run="far", lock=there / LOCK, things=("db",)),))
    monkeypatch.setattr(os, "stat", stat)
    found = {one.run: (one.folder, one.alive, one.stands) for one in care.found(runs)}
    assert found == {"theirs": (here, True, False), "far": (None, True, False)}


def test_without_an_engine_nothing_of_ours_runs_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> tuple[Leftover, ...]:
        raise SetupError("no engine answers")

    monkeypatch.setattr(process, "leftovers", none)
    assert care.found(tmp_path) == ()


def test_a_living_run_is_told_to_stop_and_waited_for(tmp_path: Path) -> None:
    folder = a_run(tmp_path, "living")
    with a_harness(folder) as child:
        care.stop(folder)
        assert child.wait(5) == 11


def test_a_run_that_ended_without_healing_was_not_just_stopped(tmp_path: Path) -> None:
    folder = a_run(tmp_path, "living")
    leave_open(folder, Break(undo=(THAW,), act=lambda: None))
    with a_harness(folder), pytest.raises(ControlError, match="step1 not yet seen healed"):
        care.stop(folder)


def test_a_run_that_does_not_stop_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "STOP_S", 0.2)
    folder = a_run(tmp_path, "living")
    with a_harness(folder) as child:
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(ControlError, match="kill it, its guardian heals"):
            care.stop(folder)


def test_what_does_not_live_cannot_be_stopped(tmp_path: Path) -> None:
    folder = a_run(tmp_path, "dead")
    with pytest.raises(UsageError, match="windtunnel status"):
        care.stop(folder)
    with Lock(folder / LOCK), pytest.raises(UsageError, match="windtunnel heal"):
        care.stop(folder)


@pytest.mark.parametrize("pid", ["0", "-1", "4194305", "9" * 30, '"\xff"', "[" * 100_000])
def test_a_harness_whose_number_cannot_be_read_is_not_stopped(pid: str, tmp_path: Path) -> None:
    """No process has such a number, or the file is damaged: neither a crash nor a signal to somebody else."""
    folder = a_run(tmp_path, "living")
    (folder / HARNESS).write_bytes(f'{{"start_ticks": 1, "zero_ns": 0, "pid": {pid}}}'.encode("latin-1"))
    with Lock(folder / LOCK), pytest.raises(UsageError, match="its process cannot be found"):
        care.stop(folder)


def test_a_stranger_with_the_number_of_a_dead_harness_is_not_told_to_stop(tmp_path: Path) -> None:
    """Its guardian holds the lock; the number of the harness belongs to somebody else by now, whom SIGUSR1 would kill."""
    folder = a_run(tmp_path, "dying")
    with Lock(folder / LOCK), subprocess.Popen(["sleep", "60"]) as stranger:
        note(folder, stranger.pid, ticks=-1)
        with pytest.raises(UsageError, match="its guardian is healing"):
            care.stop(folder)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("log", [True, False])
def test_a_dead_run_is_mended_and_removed(log: bool, tmp_path: Path) -> None:
    """By its undo log, or without one by what is seen."""
    folder, said = a_run(tmp_path, "dead"), list[str]()
    pid_file = folder / "pids" / f"{NAME}.pid"
    process.spawn(["sleep", "60"], pid_file)
    thing = Thing(name=NAME, ref=str(pid_file), state={})
    write_site(folder, Residence(run="dead", driver="process", things=(thing,)))
    pausing = process.ProcessPowers(NAME, pid_file).pause()
    if log:
        leave_open(folder, pausing)
    else:
        pausing.act()
    (one,) = care.found(tmp_path)
    assert (one.alive, one.things) == (False, (NAME,))
    assert care.mend(one, said.append) == ()
    assert said == [f"dead: {'step1' if log else 'fingerprint'}: signal {NAME}: ok", "dead: mended and removed"]
    assert process.labelled(folder) == ()
    assert still_open(folder / UNDO) == ()
    assert care.found(tmp_path) == ()


@pytest.mark.parametrize("folder", [True, False])
def test_what_the_engine_makes_late_is_removed_too(
    folder: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nobody has written down what a run put on this machine, more of it may come while we look."""
    there, swept = ["db"], list[str]()

    def sweep(*_: object) -> tuple[str, ...]:
        swept.extend(there)
        there.clear()
        return ()

    monkeypatch.setattr(process, "sweep", sweep)
    monkeypatch.setattr(mend, "pause", lambda _: there.append("late"))
    run = tmp_path if folder else None
    one = care.Found(run="dead", folder=run, alive=False, opened=(), things=("db",), driver="process")
    assert care.mend(one, print) == ()
    assert (swept, there) == (["db", "late"], [])


def test_a_run_that_lives_after_all_is_not_mended(tmp_path: Path) -> None:
    """It was dead when it was looked at, and its lock is held now."""
    leave_open(a_run(tmp_path, "dead"), Break(undo=(THAW,), act=lambda: None))
    (one,) = care.found(tmp_path)
    with Lock(tmp_path / "dead" / LOCK), pytest.raises(SetupError, match="held by a living process"):
        care.mend(one, print)
