"""The undo log: on disk before the act, played backwards and harmlessly twice, written only by the holder of its lock."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from harness import lines, undo
from harness.clock import monotonic_ns, pause
from harness.errors import ControlError, SetupError
from harness.model import Break, Undo
from harness.undo import Lock, Open, UndoLog, held, machine_lock, overdue, play, still_open, take_machine

NOBODY = 65534
THAW = Undo(verb="unpause", on="id-1", args={"instance": "orders_db-1"})
START = Undo(verb="start", on="id-2", args={"instance": "orders_db-2"})


def broken(*undos: Undo, act: Any = lambda: None) -> Break:
    return Break(undo=undos, act=act)


def perform(log: UndoLog, breaking: Break, step: str = "step1") -> int:
    """Break with a deadline at 99, at the time 7."""
    return log.perform(step, breaking, 99, lambda: None, lambda: 7)


def kinds(path: Path) -> list[str]:
    """Name what stands in the log."""
    with path.open("rb") as stream:
        return [line["kind"] if line else "torn" for line in lines.scan(stream)]


def test_the_undo_is_forced_to_disk_before_the_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order: written, forced to disk, told, clock read, acted, written; so a crash anywhere can be mended."""
    log, story, force = UndoLog(tmp_path / "undo"), list[str](), os.fsync

    def forced(fd: int) -> None:
        force(fd)
        story.append(f"forced {kinds(log.path)[-1]}")

    def now() -> int:
        story.append("clock")
        return 7

    monkeypatch.setattr(os, "fsync", forced)
    t0 = log.perform("step1", broken(THAW, act=lambda: story.append("act")), 99, lambda: story.append("told"), now)
    assert t0 == 7
    assert story == ["forced intended", "told", "clock", "act", "forced acted"]
    assert still_open(log.path) == (Open(step="step1", undo=(THAW,), deadline_ns=99),)


def test_an_act_that_raises_stays_open(tmp_path: Path) -> None:
    """It may have happened all the same: its undo must be played."""
    log = UndoLog(tmp_path / "undo")

    def fail() -> None:
        raise ControlError("no answer")

    with pytest.raises(ControlError):
        perform(log, broken(THAW, act=fail))
    assert [one.undo for one in still_open(log.path)] == [(THAW,)]


def test_closed_acts_are_not_open_and_the_others_keep_their_order(tmp_path: Path) -> None:
    log = UndoLog(tmp_path / "undo")
    for step in ("one", "two", "three"):
        perform(log, broken(THAW), step)
    log.close_step("two")
    log.put_off("three", None)
    log.put_off("two", 5)
    assert [(one.step, one.deadline_ns) for one in still_open(log.path)] == [("one", 99), ("three", None)]


def test_without_a_log_nothing_is_open(tmp_path: Path) -> None:
    assert still_open(tmp_path / "none") == ()


def test_a_torn_last_line_never_acted_and_every_cut_can_be_read(tmp_path: Path) -> None:
    """Cut the log at every byte: the act is open from the whole line on, until the line that closes it is whole."""
    log = UndoLog(tmp_path / "undo")
    perform(log, broken(THAW))
    log.close_step("step1")
    whole = log.path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        log.path.write_bytes(whole[:cut])
        assert bool(still_open(log.path)) == (ends[0] <= cut < ends[2]), cut


def test_what_is_written_after_a_torn_line_is_read(tmp_path: Path) -> None:
    """The harness died in the middle of *acted*; its guardian's *closed* must not be lost with it."""
    path = tmp_path / "undo"
    perform(UndoLog(path), broken(THAW))
    path.write_bytes(path.read_bytes()[:-9])
    UndoLog(path).close_step("step1")
    assert kinds(path) == ["intended", "torn", "closed"]
    assert still_open(path) == ()


@pytest.mark.parametrize(("call", "why"), [("write", "No space left"), ("fsync", "No space left"), ("half", "only a part")])
def test_a_log_that_cannot_be_written_lets_nothing_happen(
    call: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a disk that fails late, a disk that takes half a line: no act, and what to do."""

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    log, acts = UndoLog(tmp_path / "undo"), list[str]()
    monkeypatch.setattr(os, "write" if call == "half" else call, (lambda *_: 3) if call == "half" else fail)
    with pytest.raises(SetupError, match=why) as raised:
        perform(log, broken(THAW, act=lambda: acts.append("act")))
    assert "free some space" in str(raised.value)
    assert acts == []


def test_a_log_that_cannot_be_opened_says_that_nothing_is_broken(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nothing is broken without it"):
        UndoLog(tmp_path)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    log = UndoLog(tmp_path / "undo")
    Lock(tmp_path / "lock").close()
    assert log.path.stat().st_mode & 0o777 == (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_undos_are_played_backwards_and_each_is_tried() -> None:
    """Also after one that failed, and with one that nobody knows."""
    played: list[str] = []

    def fail(undo: Undo) -> None:
        played.append(undo.on)
        raise ControlError("the engine does not answer")

    strange = Undo(verb="limit", on="id-3", args={})
    told = play((START, strange, THAW), {"unpause": fail, "start": lambda undo: played.append(undo.on)})
    assert played == ["id-1", "id-2"]
    assert [one.undo for one in told] == [THAW, strange, START]
    assert [one.error for one in told] == ["the engine does not answer", "nobody here knows how to limit id-3", None]


def test_an_unknown_verb_is_no_undo() -> None:
    with pytest.raises(ValueError, match="'explode' is no verb"):
        Undo(verb="explode", on="id-1", args={})


def test_a_lock_is_taken_once_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not held(path)
    with Lock(path) as lock:
        assert held(path)
        with pytest.raises(SetupError, match="held by a living process"):
            Lock(path)
    lock.close()
    assert not held(path)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_lock_that_cannot_be_looked_at_counts_as_held(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder may be another user, whose folder nobody else may enter."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, "stat", refuse)
    assert held(tmp_path / "lock")


def test_a_lock_below_what_is_no_folder_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not held(tmp_path / "file" / "lock")


@pytest.fixture
def for_all(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a temporary folder that belongs to everybody, and put the machine's lock there."""
    with tempfile.TemporaryDirectory(prefix="machine-") as place:
        Path(place).chmod(0o1777)
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield machine_lock()


@contextmanager
def another_user() -> Iterator[None]:
    """Be somebody else meanwhile."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_the_machine_is_for_every_user(for_all: Path) -> None:
    """Whoever measured first, and with whatever umask: the next one may, and learns whether somebody still does."""
    umask = os.umask(0o077)
    try:
        first = take_machine(wait=False)
    finally:
        os.umask(umask)
    with another_user():
        with pytest.raises(SetupError, match="another run is measuring on this machine: windtunnel run --wait"):
            take_machine(wait=False)
        first.close()
        take_machine(wait=False).close()
        take_machine(wait=True).close()


def test_whoever_waits_for_the_machine_says_so_and_for_whom(for_all: Path) -> None:
    """Once, and until it is free; with what somebody else may have written into the file, nobody's terminal is told."""
    assert not for_all.exists()
    for run, named in (("20261128t080000-calm-ab12", " (20261128t080000-calm-ab12)"), ("\x1b[2J", ""), ("", "")):
        said = SimpleQueue[str]()
        first = take_machine(run, wait=False)
        with ThreadPoolExecutor(1) as others:
            taken = others.submit(take_machine, "next", wait=True, say=said.put)
            told = said.get(timeout=5)
            pause(2 * undo.AGAIN_S)
            first.close()
            taken.result(5).close()
        assert told == f"{for_all}: another run is measuring on this machine{named}; waiting for it, 30 min at most"
        assert said.empty()


def test_nobody_waits_for_the_machine_for_ever(for_all: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "WAIT_S", 0.6)
    with take_machine("run1", wait=False), pytest.raises(SetupError, match=r"\(run1\), and still is .*: windtunnel status"):
        take_machine(wait=True, say=lambda _: None)
    assert for_all.exists()


def test_a_machine_that_another_user_keeps_to_himself_is_told_with_what_to_type(for_all: Path) -> None:
    """Nobody measures there, perhaps: that it cannot be opened is no word of that, and to wait does not help."""
    for_all.touch(mode=0o600)
    for wait in (False, True):
        with another_user(), pytest.raises(SetupError, match=f"cannot be opened.*: chmod 666 {for_all}, as its owner"):
            take_machine(wait=wait)
    for_all.chmod(0o666)
    with another_user():
        take_machine(wait=False).close()


def test_a_lock_that_is_there_is_opened_and_not_created(for_all: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder like /tmp the kernel refuses to create another user's file, even where it may be opened."""
    for_all.touch()
    flags, opened = list[int](), os.open

    def noted(path: Path, how: int, *mode: int) -> int:
        flags.append(how)
        return opened(path, how, *mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", noted)
        take_machine(wait=False).close()
    assert [how & os.O_CREAT for how in flags] == [0]


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    """Else a load that outlives its harness would keep the guardian from healing."""
    path = tmp_path / "lock"
    lock = Lock(path)
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lock.close()
        assert not held(path)
        child.communicate(b"\n")


def test_a_deadline_is_passed_only_beyond_the_watchers_own_sleep() -> None:
    late = Open(step="late", undo=(THAW,), deadline_ns=monotonic_ns() - 1_000_000_000)
    never = Open(step="never", undo=(THAW,), deadline_ns=None)
    assert overdue((late, never), 0) == (late,)
    assert overdue((late, never), 3_600_000_000_000) == ()


def test_the_verbs_of_all_drivers_are_verbs_of_an_undo() -> None:
    from harness.drivers import DRIVERS, driver  # noqa: PLC0415 -- the only test here that needs an engine's library

    assert all(set(driver(name).MENDERS) <= Undo.VERBS for name in DRIVERS)
