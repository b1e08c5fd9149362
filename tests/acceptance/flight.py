"""One ``windtunnel run`` as a child process, seen from outside: its journal as it grows, its end, its run folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from harness import lines
from harness.events import KINDS, Event
from harness.store import HARNESS, JOURNAL, LOAD, Process

ROOT = Path(__file__).parents[2]
WINDTUNNEL = (sys.executable, "-m", "harness")
LOOK_S = 0.02
COMMAND_S = 120.0
When = Callable[[Event], bool]


class NotAsRequired(AssertionError):  # noqa: N818 -- it says what a row found, and a test fails by it
    """A row did not get the answer that it requires."""


def must(condition: object, otherwise: str) -> None:
    """Require something. Raises ``NotAsRequired``."""
    if not condition:
        raise NotAsRequired(otherwise)


def windtunnel(
    *words: str, env: Mapping[str, str] | None = None, within_s: float = COMMAND_S, cwd: Path = ROOT
) -> tuple[int, str]:
    """Type one command to its end; give its exit code and all that it printed."""
    done = subprocess.run(
        [*WINDTUNNEL, *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=within_s,
    )
    return done.returncode, done.stdout


class Journal:
    """The records of a journal, read while they are written."""

    def __init__(self, path: Path) -> None:
        self._path, self._rest, self._at = path, b"", 0
        self.records: list[Event] = []

    def grow(self) -> list[Event]:
        """Read what is new; give the new records."""
        with suppress(FileNotFoundError), self._path.open("rb") as stream:
            stream.seek(self._at)
            fresh = stream.read()
            self._at += len(fresh)
            *whole, self._rest = (self._rest + fresh).split(b"\n")
            grown = [event for line in whole if (event := _event(line + b"\n")) is not None]
            self.records += grown
            return grown
        return []


def _event(line: bytes) -> Event | None:
    found: Any = lines.decode(line)
    return None if found is None else msgspec.convert(found, type=KINDS[found["kind"]])


class Flight:
    """A run on its way. ``command`` are the words before those of windtunnel: itself, or a wrapper that spoils something."""

    def __init__(
        self, command: Sequence[str], words: Sequence[str], out: Path, printed: Path, env: Mapping[str, str]
    ) -> None:
        self._out, self._printed = out, printed
        self._before = {path.name for path in out.glob("*")}
        self.began = time.time()
        with printed.open("wb") as file:
            self._child = subprocess.Popen(
                [*command, *words],
                cwd=ROOT,
                env={**os.environ, "COLUMNS": "120", **env},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._child.pid
        self._journal: Journal | None = None

    @property
    def printed(self) -> str:
        """All that it printed so far, as one line where the terminal's width broke it."""
        return " ".join(self._printed.read_text(encoding="utf-8", errors="replace").split())

    @property
    def folders(self) -> tuple[Path, ...]:
        """The run folders that it has made so far, oldest first: those whose harness is our child."""
        made = sorted(path for path in self._out.glob("*") if path.name not in self._before)
        return tuple(folder for folder in made if _harness(folder) == self.pid)

    @property
    def folder(self) -> Path:
        """Its run folder, the last one of a series. Raises ``NotAsRequired`` where it made none."""
        must(self.folders, f"no run folder was made; it said: {self.printed[-600:]}")
        return self.folders[-1]

    @property
    def run(self) -> str:
        """The run's id."""
        return self.folder.name

    @property
    def records(self) -> list[Event]:
        """The journal of its run folder, as far as it is written."""
        if self._journal is None:
            self._journal = Journal(self.folder / JOURNAL)
        self._journal.grow()
        return self._journal.records

    def take_off(self, within_s: float) -> None:
        """Wait until it has the machine and a run folder: another run may be measuring."""
        self._until(lambda: bool(self.folders), within_s, "a run folder")

    def see(self, when: When, within_s: float) -> Event:
        """Wait for a record; give the first that fits. Raises ``NotAsRequired`` if the run ends before, or time does."""
        self._until(lambda: any(map(when, self.records)), within_s, "a record")
        return next(event for event in self.records if when(event))

    def ended(self) -> bool:
        """Say whether the process has ended."""
        return self._child.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Signal the harness alone, never its group."""
        self._child.send_signal(number)

    def wait(self, within_s: float) -> int:
        """Wait for its end; give the exit code (negative: the signal that ended it)."""
        try:
            return self._child.wait(within_s)
        except subprocess.TimeoutExpired:
            raise NotAsRequired(f"no end within {within_s:g} s; it said: {self.printed[-600:]}") from None

    def load_pid(self) -> int:
        """The pid of the load child."""
        return int(msgspec.json.decode((self.folder / LOAD).read_bytes())["pid"])

    def guardian_pid(self) -> int:
        """The pid of the run's guardian, from the table of processes. Raises ``NotAsRequired`` where there is none."""
        found = guardians(self.run)
        must(found, f"{self.run} has no guardian")
        return found[0]

    def _until(self, so: Callable[[], bool], within_s: float, what: str) -> None:
        give_up = time.monotonic() + within_s
        while not so():
            must(not self.ended() or so(), f"it ended before {what} came; it said: {self.printed[-600:]}")
            must(time.monotonic() < give_up, f"{what} did not come within {within_s:g} s; it said: {self.printed[-600:]}")
            time.sleep(LOOK_S)


def _harness(folder: Path) -> int:
    try:
        return msgspec.json.decode((folder / HARNESS).read_bytes(), type=Process).pid
    except (OSError, msgspec.DecodeError):
        return 0


def guardians(run: str) -> list[int]:
    """Give the pids of the processes that guard a run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"harness.guardian" in words and run.encode() in words:
                found.append(int(process.name))
    return found
