"""The browser as the harness sees it: a child process, started before the load, told its begin and end, waited for."""

import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

from harness import host
from harness.browser.spec import READY, BrowserSpec, Told
from harness.errors import SetupError

READY_S = 30.0
DEATH_S = 5.0
LAST_BYTES = 4_000


class Onlooker:
    """One browser that looks. Made by ``start``; ended by ``finish`` or ``kill``.

    Its early end stops no run: what it did not see is missing from its record, and without a seal that is doubted.
    """

    def __init__(self, spec: BrowserSpec) -> None:
        self._home = Path(spec.home)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the child
        self._child = subprocess.Popen(
            [sys.executable, "-m", "harness.browser.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self._tell(spec)

    @classmethod
    def start(cls, spec: BrowserSpec) -> "Onlooker":
        """Start the child, and return once its browser has painted a page of its own.

        Call from a thread that lives as long as the load: the child stops when either dies. Raises ``SetupError`` with its
        last words if it is not ready within 30 s.
        """
        onlooker = cls(spec)
        try:
            onlooker._await_ready()
        except BaseException:
            onlooker.kill()
            raise
        return onlooker

    def begin(self, begin_ns: int) -> None:
        """Let the first load be due at this time of the run, when the load begins."""
        self._tell(Told(begin_ns=begin_ns))

    def stop_at(self, until_ns: int) -> None:
        """Let no load be due at or after that."""
        self._tell(Told(until_ns=until_ns))

    def finish(self, timeout_s: float) -> None:
        """Wait until it has seen the last of its loads and sealed its record; where it does not, end it."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End the child at once, if it still lives, and reap it; its browser ends with the pipe. Twice is harmless."""
        if self._child.returncode is None:
            self._child.kill()
            self._child.wait(DEATH_S)
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._errors.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def pids(self) -> list[int]:
        """Give every process of the child's session: itself, and all that make up its browser."""
        return host.session(self._child.pid)

    def _tell(self, line: BrowserSpec | Told) -> None:
        if self._child.stdin is not None and not self._child.stdin.closed:
            with suppress(OSError):  # it has ended; its record says what it saw
                self._child.stdin.write(msgspec.json.encode(line) + b"\n")
                self._child.stdin.flush()

    def _await_ready(self) -> None:
        """Wait for its one line. Raises ``SetupError``."""
        voice = self._child.stdout
        if voice is None or not select.select([voice], [], [], READY_S)[0]:
            raise SetupError(f"the browser was not ready within {READY_S:.0f} s; is the machine overloaded?")
        if os.read(voice.fileno(), len(READY)) != READY:
            raise SetupError(self._last_words())

    def _last_words(self) -> str:
        """Say how the child ended, with the end of what it wrote to stderr."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(DEATH_S)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_BYTES))
        words = self._errors.read().decode(errors="replace").strip()
        return f"the browser's process ended, exit code {self._child.returncode}; its last words: {words or 'none'}"
