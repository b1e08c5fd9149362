"""The undo log: every act has its undo on disk before it happens, and whoever holds the lock can play it.

One file of lines (see ``lines``): *intended* → the act → *acted* → *put off* → *closed*. Only the holder of ``undo.lock``
may act or mend. The harness, Ctrl-C, the guardian and ``windtunnel heal`` all mend through ``play``.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from harness import lines
from harness.clock import S, monotonic_ns, pause
from harness.errors import ControlError, SetupError
from harness.model import Break, Undo, noun

MACHINE_LOCK = "windtunnel.lock"
WAIT_S, AGAIN_S = 1800.0, 0.5  # how long to wait for the machine at most, and how often to look
Mender = Callable[[Undo], None]


@noun
class Open:
    """An act that may have happened and was not seen healed.

    ``deadline_ns`` is when the guardian steps in, on the machine's monotonic clock; None where there is nothing to undo, or
    where the harness has given up and said so.
    """

    step: str
    undo: tuple[Undo, ...]
    deadline_ns: int | None


@noun
class Played:
    """One undo was played; ``error`` says what its mender reported, None if nothing."""

    undo: Undo
    error: str | None


class Lock:
    """An exclusive lock on a file, held until closed or until the process ends. Children do not inherit it."""

    def __init__(self, path: Path, *, wait: bool = False, mode: int = 0o600) -> None:
        """Take it. Raises ``SetupError``; where somebody else holds it and ``wait`` is False, by a ``BlockingIOError``.

        ``mode`` says who may take it, where the file is made now.
        """
        try:
            self._fd = _opened(path, mode)
        except OSError as error:
            raise SetupError(f"{path}: cannot be opened: {error}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            os.close(self._fd)
            raise SetupError(f"{path}: held by a living process") from error

    def sign(self, name: str) -> None:
        """Write into the file who holds it, for those who wait. A disk that refuses is no hindrance."""
        with suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, name.encode(), 0)

    def close(self) -> None:
        """Release it; twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _opened(path: Path, mode: int) -> int:
    """Open a lock file, and make it where there is none. Raises ``OSError``.

    Never both at once: below /tmp the kernel may refuse to create what another user has made (fs.protected_regular).
    """
    flags = os.O_RDWR | os.O_CLOEXEC
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    try:
        made = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:  # somebody was quicker
        return os.open(path, flags)
    os.fchmod(made, mode)  # whatever the umask leaves of it
    return made


def machine_lock() -> Path:
    """Name the file that one measuring run at a time holds, whoever started it."""
    return Path(tempfile.gettempdir()) / MACHINE_LOCK


def take_machine(run: str = "", *, wait: bool, say: Callable[[str], None] = print) -> Lock:
    """Take the machine for a run: two measuring runs at a time would measure each other.

    ``wait``: while another run has it, ``say`` once that we wait, and for whom. Raises ``SetupError`` with what to type
    where it cannot be had, or not within half an hour.
    """
    path, waiting = machine_lock(), False
    give_up_ns = monotonic_ns() + int(WAIT_S * S)
    while True:
        try:
            lock = Lock(path, mode=0o666)
        except SetupError as error:
            why = error.__cause__
            if not (wait and isinstance(why, BlockingIOError)):
                raise SetupError(f"{_not_taken(path, why)}: {unlocked_by(path, why)}") from why
            if monotonic_ns() >= give_up_ns:
                after = f"still is after {WAIT_S / 60:g} min: windtunnel status, then windtunnel stop RUN"
                raise SetupError(f"{_not_taken(path, why)}, and {after}") from why
            if not waiting:
                say(f"{_not_taken(path, why)}; waiting for it, {WAIT_S / 60:g} min at most")
            waiting = True
            pause(AGAIN_S)
        else:
            lock.sign(run)
            return lock


def _not_taken(path: Path, why: BaseException | None) -> str:
    if isinstance(why, BlockingIOError):
        return f"{path}: another run is measuring on this machine{_holder(path)}"
    return f"{path}: cannot be opened, so nobody can tell whether another run is measuring: {why}"


def _holder(path: Path) -> str:
    """Name in brackets who signed a lock that is held; nothing where nobody did, or what stands there is no run's name."""
    with suppress(OSError, ValueError), path.open(encoding="utf-8") as file:
        if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{,62}", name := file.read(64)):
            return f" ({name})"
    return ""


def unlocked_by(path: Path, why: BaseException | None) -> str:
    """Say what to type where the machine's lock could not be taken for this reason."""
    if isinstance(why, BlockingIOError):
        return "windtunnel run --wait, or windtunnel status"
    if isinstance(why, PermissionError) and path.exists():
        return f"chmod 666 {path}, as its owner or root"  # harmless also while somebody holds it
    return f"ls -ld {path.parent} {path}"


def held(path: Path) -> bool:
    """Say whether a living process holds the lock, or may: one that cannot be looked at counts as held.

    A lock file that is not there is held by nobody.
    """
    try:
        path.stat()
        Lock(path).close()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, SetupError):  # such as a folder of another user
        return True
    return False


class UndoLog:
    """The undo log of one run. Constructing it to write does not take the lock: see ``Lock``."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SetupError(f"{path}: the undo log cannot be written: {error}; nothing is broken without it") from error
        self.path, self._number = path, 0
        size = os.fstat(self._fd).st_size
        self._torn = size > 0 and os.pread(self._fd, 1, size - 1) != b"\n"

    def perform(
        self, step: str, breaking: Break, deadline_ns: int | None, intended: Callable[[], None], before: Callable[[], int]
    ) -> int:
        """Append *intended*, act, append *acted*; give t0, the instant just before the act.

        ``intended`` is called once the undo is on disk, ``before`` reads the clock. Raises ``SetupError`` before anything
        has happened if the log cannot be written, and what the act raises (the undo then stays open).
        """
        undo = [msgspec.to_builtins(one) for one in breaking.undo]
        self._append("intended", {"step": step, "undo": undo, "deadline_ns": deadline_ns})
        intended()
        t0 = before()
        breaking.act()
        self._append("acted", {"step": step})
        return t0

    def put_off(self, step: str, deadline_ns: int | None) -> None:
        """Append *put off*: the undo was played and is waited for until ``deadline_ns``, or (None) people must look."""
        self._append("put_off", {"step": step, "deadline_ns": deadline_ns})

    def close_step(self, step: str) -> None:
        """Append *closed*: the step was seen healed, or judged whole by the fingerprint."""
        self._append("closed", {"step": step})

    def _append(self, kind: str, body: Mapping[str, object]) -> None:
        """Write one line and see it on the disk. Raises ``SetupError`` where that fails."""
        line = b"\n" * self._torn + lines.encode(self._number, kind, body)  # one that was torn must not take this one along
        self._torn = True
        try:
            written = os.write(self._fd, line)
            os.fsync(self._fd)
        except OSError as error:
            written, why = 0, str(error)
        else:
            why = "the disk took only a part of a line"
        if written != len(line):
            raise SetupError(f"{self.path}: the undo log cannot be written: {why}; free some space, then `windtunnel heal`")
        self._torn = False
        self._number += 1


def still_open(path: Path) -> tuple[Open, ...]:
    """Give the acts of an undo log that are not closed, oldest first. A torn last line never acted.

    Never raises: whoever mends must not stumble over a line, or a file, that nobody understands.
    """
    found: dict[str, Open] = {}
    with suppress(OSError), path.open("rb") as stream:
        for line in lines.scan(stream):
            with suppress(KeyError, TypeError, ValueError):  # msgspec's errors are ValueErrors
                _follow(found, line or {"kind": "torn"})
    return tuple(found.values())


def _follow(found: dict[str, Open], line: Mapping[str, Any]) -> None:
    """Take one line of an undo log into account."""
    if line["kind"] == "intended":
        one = msgspec.convert(line, type=Open)
        found[one.step] = one
    elif line["kind"] == "put_off" and line["step"] in found:
        deadline_ns = msgspec.convert(line["deadline_ns"], type=int | None)
        found[line["step"]] = replace(found[line["step"]], deadline_ns=deadline_ns)
    elif line["kind"] == "closed":
        found.pop(line["step"], None)


def play(undos: Sequence[Undo], menders: Mapping[str, Mender]) -> tuple[Played, ...]:
    """Mend in reverse order, each undo tried even if another failed; give what each mender reported."""
    return tuple(Played(undo=undo, error=_mend(undo, menders)) for undo in reversed(undos))


def _mend(undo: Undo, menders: Mapping[str, Mender]) -> str | None:
    mender = menders.get(undo.verb)
    if mender is None:
        return f"nobody here knows how to {undo.verb} {undo.on}"
    try:
        mender(undo)
    except (ControlError, SetupError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- whatever one mender stumbles over, the other undos must be played
        return f"{type(error).__name__}: {error}"
    return None


def overdue(opened: Sequence[Open], oversleep_ns: int) -> tuple[Open, ...]:
    """Which open acts have passed their deadline, ``oversleep_ns`` being granted for the watcher's own sleep."""
    now = monotonic_ns()
    return tuple(one for one in opened if one.deadline_ns is not None and now > one.deadline_ns + oversleep_ns)
