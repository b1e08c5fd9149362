"""The guardian: who may end it, what makes it act, and that it fences before it heals."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import guardian
from harness.clock import S, monotonic_ns, pause
from harness.errors import SetupError
from harness.events import Fingerprint
from harness.guardian import Guardian
from harness.model import Break, Undo
from harness.store import GUARDIAN, HARNESS, LOCK, UNDO, read_journal
from harness.undo import Lock, UndoLog

THAW = Undo(verb="signal", on="db-1", args={"pid": 2**22 + 1, "start_ticks": 1, "signal": "SIGCONT"})


@pytest.fixture
def guarding(tmp_path: Path) -> Iterator[Guardian]:
    one = Guardian(tmp_path, "run1", "process", keep=False, longest_s=600)
    yield one
    one.dismiss()


@pytest.fixture
def harness() -> Iterator[subprocess.Popen[bytes]]:
    """Start a stand-in for a harness."""
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


def hold_open(folder: Path, deadline_ns: int | None) -> None:
    """Leave an act open."""
    UndoLog(folder / UNDO).perform("step1", Break(undo=(THAW,), act=lambda: None), deadline_ns, lambda: None, lambda: 0)


def test_it_lives_until_it_is_dismissed(guarding: Guardian) -> None:
    assert guarding.lives()
    for _ in range(2):
        guarding.dismiss()
        assert not guarding.lives()
    assert guarding._child.returncode == 0


def test_one_that_died_is_missed_and_can_be_dismissed(guarding: Guardian) -> None:
    os.kill(guarding.pid, signal.SIGKILL)
    guarding._child.wait(5)
    assert not guarding.lives()


def test_what_ends_a_harness_does_not_end_it(guarding: Guardian) -> None:
    """Ctrl-C and a closed terminal reach neither it nor its session."""
    assert os.getsid(guarding.pid) == guarding.pid
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(guarding.pid, number)
    pause(0.2)
    assert guarding.lives()


def test_its_environment_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI runners kill every process that carries theirs."""
    monkeypatch.setenv("BUILD_ID", "17")
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere")
    one = Guardian(tmp_path, "run1", "process", keep=False, longest_s=600)
    names = {line.partition(b"=")[0] for line in Path(f"/proc/{one.pid}/environ").read_bytes().split(b"\0")}
    one.dismiss()
    assert b"BUILD_ID" not in names
    assert {b"PATH", b"DOCKER_HOST"} <= names


def test_one_that_does_not_come_up_is_an_error_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SetupError, match="nothing was broken"):
        Guardian(tmp_path, "run1", "process", keep=False, longest_s=600)


def watch(folder: Path, harness: subprocess.Popen[bytes], longest_s: float = 600) -> bool:
    """Watch as the guardian's process does; give whether it is to heal."""
    pidfd = os.pidfd_open(harness.pid)
    try:
        return guardian.watch(folder, pidfd, longest_s)
    finally:
        os.close(pidfd)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the guardian's standard input say nothing, and end."""
    real = select.select

    def deaf(readers: list[int], *rest: Any) -> object:
        return real([fd for fd in readers if fd != 0], [], [], rest[-1])

    monkeypatch.setattr(select, "select", deaf)


def test_a_harness_that_dies_is_healed_after(tmp_path: Path, harness: subprocess.Popen[bytes], silent: None) -> None:
    threading.Timer(0.2, harness.kill).start()
    assert watch(tmp_path, harness)


def test_a_harness_that_passes_its_deadline_is_killed_first(
    tmp_path: Path, harness: subprocess.Popen[bytes], silent: None
) -> None:
    """Fence before you heal: two must never act at the same time."""
    hold_open(tmp_path, monotonic_ns() - S)
    assert watch(tmp_path, harness)
    assert harness.wait(5) == -signal.SIGKILL


def test_a_run_that_lasts_longer_than_any_planned_is_killed(
    tmp_path: Path, harness: subprocess.Popen[bytes], silent: None
) -> None:
    """A sense that hangs in the baseline has no undo with a deadline: the run as a whole has one."""
    assert watch(tmp_path, harness, longest_s=0.2)
    assert harness.wait(5) == -signal.SIGKILL


def test_it_takes_over_from_a_harness_that_lives_on(tmp_path: Path) -> None:
    """It waits for the lock, mends, and ends nobody."""
    with Lock(tmp_path / LOCK):
        one = Guardian(tmp_path, "run1", "process", keep=False, longest_s=600)
        one.take_over()
        pause(0.5)
        assert one.lives()
    assert one._child.wait(20) == 0
    assert [event.residue for event in read_journal(tmp_path / GUARDIAN)[0] if isinstance(event, Fingerprint)] == [()]
    one.dismiss()


@pytest.mark.parametrize("deadline_ns", [None, 2**62])
def test_a_deadline_that_has_not_passed_ends_nobody(
    deadline_ns: int | None, tmp_path: Path, harness: subprocess.Popen[bytes], silent: None
) -> None:
    """Nor one that waits for people."""
    hold_open(tmp_path, deadline_ns)
    threading.Timer(1.3, harness.terminate).start()
    assert watch(tmp_path, harness)
    assert harness.wait(5) == -signal.SIGTERM


@pytest.mark.parametrize("text", [b'{"pid":1,"start_ticks":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_damaged_note_of_the_harness_hinders_no_mending(text: bytes, tmp_path: Path) -> None:
    """The zero of its time is lost, and nothing else."""
    (tmp_path / HARNESS).write_bytes(text)
    assert guardian.mend(tmp_path, "run1", "process", keep=True) == 0


def test_it_waits_for_the_lock_of_the_dead_before_it_heals(tmp_path: Path) -> None:
    """Whoever holds it may still be acting."""
    lock = Lock(tmp_path / LOCK)
    healing = threading.Thread(target=guardian.mend, args=(tmp_path, "run1", "process"), kwargs={"keep": True})
    healing.start()
    pause(0.3)
    assert not (tmp_path / GUARDIAN).exists()
    lock.close()
    healing.join(10)
    assert [type(event).__name__ for event in read_journal(tmp_path / GUARDIAN)[0]] == ["Fingerprint"]
