"""The guardian: a process of its own that outlives the harness and mends what it leaves behind.

It holds a pidfd of the harness and reads the deadlines of the open undos. The harness dies → it takes the lock and heals. A
deadline passes → it kills the harness, takes the lock and heals: fence before you heal. There is no heartbeat, so a starved
machine trips nothing, and its own oversleep is granted to every deadline.

    python -m harness.guardian FOLDER RUN DRIVER PIDFD KEEP LONGEST_S

It says ``ready`` on its standard output, and reads ``dismiss`` from its standard input when the run has ended well.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec

from harness.clock import S, monotonic_ns
from harness.drivers import driver as driver_named
from harness.errors import SetupError
from harness.events import Event, Fingerprint, Healing
from harness.mend import end_load, heal, recorded, remove, twice
from harness.store import GUARDIAN, HARNESS, LOCK, UNDO, JournalWriter, Process, read_site
from harness.undo import Lock, overdue, still_open

LOOK_S = 0.5
READY_S = 10.0
SPARED = ("PATH", "HOME", "LANG", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")


class Guardian:
    """The harness's side: starts the guardian, can tell whether it lives, and dismisses it."""

    def __init__(self, folder: Path, run: str, driver: str, *, keep: bool, longest_s: float) -> None:
        """Start it and wait until it is ready. Raises ``SetupError`` if it does not come up within ``READY_S``.

        A run that lasts longer than ``longest_s`` hangs. It gets a clean environment: CI runners kill every process that
        carries theirs.
        """
        try:
            self._child = _started(folder, [str(folder), run, driver], [str(int(keep)), str(longest_s)])
        except OSError as error:
            raise SetupError(f"the guardian cannot be started: {error}; nothing was broken") from error
        self.pid = self._child.pid
        self.pidfd = os.pidfd_open(self.pid)
        assert self._child.stdout is not None  # noqa: S101 -- asked for with PIPE
        ready, _, _ = select.select([self._child.stdout], [], [], READY_S)
        if not ready or self._child.stdout.readline() != b"ready\n":
            self._child.kill()
            self._release()
            raise SetupError(f"the guardian did not start; see {folder / 'guardian.out'}; nothing was broken")

    def lives(self) -> bool:
        """Say whether it still runs: without it, nothing may be broken."""
        return self.pidfd >= 0 and not select.select([self.pidfd], [], [], 0)[0]

    def dismiss(self) -> None:
        """Send it home: the run has ended and everything is mended. Twice is harmless."""
        if self.pidfd < 0:
            return
        try:
            self._child.communicate(b"dismiss\n", READY_S)
        except (OSError, subprocess.TimeoutExpired):
            self._child.kill()
        self._release()

    def take_over(self) -> None:
        """Let it mend and remove at once, as if we had died; it waits until we have let go of the run's lock."""
        if self.pidfd >= 0 and self._child.stdin is not None:
            with suppress(OSError):  # it has died: `windtunnel heal` is left
                self._child.stdin.write(b"take over\n")
                self._child.stdin.flush()

    def _release(self) -> None:
        """Reap it, and let go of what we held of it."""
        with self._child:
            pidfd, self.pidfd = self.pidfd, -1
            os.close(pidfd)


def _started(folder: Path, whom: Sequence[str], how: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a guardian that knows us by a descriptor of our own process. Raises ``OSError``."""
    environment = {name: value for name, value in os.environ.items() if name in SPARED or name.startswith("DOCKER_")}
    mine = os.pidfd_open(os.getpid())
    try:
        with (folder / "guardian.out").open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "harness.guardian", *whom, str(mine), *how],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                env=environment,
                pass_fds=(mine,),
                start_new_session=True,
            )
    finally:
        os.close(mine)


def watch(folder: Path, harness: int, longest_s: float) -> bool:
    """Wait until dismissed (False), or until the harness is dead, killed by us if a deadline passed, or gives up (True).

    The deadlines are those of the open undos, and ``longest_s`` for the run as a whole.
    """
    oversleep_ns, stdin_open = 0, True
    over_ns = monotonic_ns() + int(longest_s * S)
    while True:
        slept = monotonic_ns()
        readable, _, _ = select.select([harness, *([0] if stdin_open else [])], [], [], LOOK_S)
        oversleep_ns += max(0, monotonic_ns() - slept - int(2 * LOOK_S * S))
        if harness in readable:
            return True
        if 0 in readable:
            word = os.read(0, 64)
            if word.startswith(b"dismiss"):
                return False
            if word.startswith(b"take over"):
                return True
            stdin_open = bool(word)
        if overdue(still_open(folder / UNDO), oversleep_ns) or monotonic_ns() > over_ns + oversleep_ns:
            signal.pidfd_send_signal(harness, signal.SIGKILL)
            select.select([harness], [], [], READY_S)
            return True


def mend(folder: Path, run: str, driver: str, *, keep: bool) -> int:
    """Take the lock of the dead, heal, collect the logs, remove what is left of the run. Gives the exit code."""
    with Lock(folder / LOCK, wait=True), _diary(folder) as write:
        end_load(folder)
        begin = _zero(folder)
        residence = read_site(folder)
        left: list[str] = []
        if residence is not None:
            for one in still_open(folder / UNDO):
                write(Healing(at_ns=monotonic_ns() - begin, step=one.step, reason="guardian"))
            said = recorded(write, lambda: monotonic_ns() - begin)
            left += [f"{residue.on}: {residue.what}" for residue in heal(folder, residence, said)]
        write(Fingerprint(at_ns=monotonic_ns() - begin, residue=tuple(left)))
        if not keep:
            sweep = partial(remove, folder, run, driver_named(driver))
            left += sweep() if residence is not None else twice(sweep)
        return 13 if left else 0


@contextmanager
def _diary(folder: Path) -> Iterator[Callable[[Event], None]]:
    """Give what writes the guardian's records. What cannot be written is left out: that stops no mending."""
    journal: JournalWriter | None = None
    with suppress(SetupError):
        journal = JournalWriter(folder / GUARDIAN)

    def write(event: Event) -> None:
        with suppress(SetupError, ValueError):  # a full disk, a text that cannot be encoded
            if journal is not None:
                journal.append(event)

    yield write
    if journal is not None:
        journal.close()


def _zero(folder: Path) -> int:
    """The run's zero on the machine's monotonic clock, so that the guardian's records share the run's time."""
    try:
        return msgspec.json.decode((folder / HARNESS).read_bytes(), type=Process).zero_ns
    except (OSError, ValueError, RecursionError):
        return monotonic_ns()


def main() -> int:
    """Guard one run; see the module's text for the arguments."""
    folder, run, driver, pidfd, keep = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "1"
    longest_s = float(sys.argv[6])
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    driver_named(driver)  # imported now: the disk may be full or gone when it is needed
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        return mend(folder, run, driver, keep=keep) if watch(folder, pidfd, longest_s) else 0
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
