"""The load as the harness sees it: a child process that is started, listened to, told to stop, and waited for."""

import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from signal import SIGKILL, pidfd_send_signal
from typing import IO

import msgspec

from harness.errors import ControlError
from harness.events import LoadTick
from harness.load.spec import LoadSpec, Said, Stop

READY_S, JOINED_S = 30.0, 120.0
DEATH_S = 5.0
LAST_BYTES = 4_000


class Generator:
    """One running load. ``pidfd`` becomes readable when the child ends, so that a wait can watch it.

    ``begin_ns`` is when schedule zero really is. Made by ``start``; ended by ``wait`` or ``kill``.
    """

    def __init__(
        self, spec: LoadSpec, on_tick: Callable[[LoadTick], None], on_lost: Callable[[str], None] | None = None
    ) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the child
        self._child = subprocess.Popen(
            [sys.executable, "-m", "harness.load.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        if self._child.stdin is None or self._child.stdout is None:
            raise ControlError("the load child has no pipes")
        self._stdin, self._stdout = self._child.stdin, self._child.stdout
        self.pid = self._child.pid
        self.pidfd = os.pidfd_open(self.pid)
        self.begin_ns = spec.begin_ns
        self._ready_s = JOINED_S if spec.gather else READY_S
        self._on_tick, self._on_lost = on_tick, on_lost
        self._began: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._rows: int | None = None
        self._reader = threading.Thread(target=self._listen, name="load-ticks", daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls, spec: LoadSpec, on_tick: Callable[[LoadTick], None], on_lost: Callable[[str], None] | None = None
    ) -> "Generator":
        """Start the child and return once it stands ready; arrivals follow from ``begin_ns`` on, which is never past.

        ``on_tick`` is called from a thread of its own, ``on_lost`` too, where one of several generators is lost. Call from a
        thread that lives as long as the load: the child stops when either dies. Raises ``ControlError`` with the child's
        last words if it is not ready within 30 s, or 120 s where generators join from elsewhere.
        """
        generator = cls(spec, on_tick, on_lost)
        try:
            generator._tell(msgspec.json.encode(spec))
            generator.begin_ns = generator._await_begin()
        except BaseException:
            generator.kill()
            raise
        return generator

    def stop_at(self, until_ns: int) -> None:
        """Let no arrival be intended at or after ``until_ns`` (run's time); what was sent is still waited for.

        Choose it 0.5 s ahead: rows of arrivals that were already sent after it would raise a doubt. Raises
        ``ControlError`` if the child is gone.
        """
        self._tell(msgspec.json.encode(Stop(until_ns=until_ns)))

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the child's end; give the number of rows in the sealed ledger, or None if it still runs.

        Raises ``ControlError`` with its last words if it ended without sealing the ledger.
        """
        try:
            code = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(DEATH_S)
        if code != 0 or self._rows is None:
            raise ControlError(self._last_words())
        self._close()
        return self._rows

    def kill(self) -> None:
        """End the child at once and reap it; twice is harmless. The ledger stays as it is, unsealed.

        Raises ``ControlError`` if the kernel does not let it end.
        """
        if self._child.returncode is None:
            with suppress(ProcessLookupError):
                pidfd_send_signal(self.pidfd, SIGKILL)
            try:
                self._child.wait(DEATH_S)
            except subprocess.TimeoutExpired as error:
                raise ControlError(f"the load child (pid {self.pid}) does not end, not even by SIGKILL") from error
        self._close()

    def _await_begin(self) -> int:
        try:
            begin_ns = self._began.get(timeout=self._ready_s)
        except queue.Empty:
            raise ControlError(
                f"the load child was not ready within {self._ready_s:.0f} s; is the machine overloaded?"
            ) from None
        if begin_ns is None:
            raise ControlError(self._last_words())
        return begin_ns

    def _tell(self, line: bytes) -> None:
        try:
            self._stdin.write(line + b"\n")
            self._stdin.flush()
        except (BrokenPipeError, ValueError) as error:  # ValueError: closed, as the child has ended
            raise ControlError(self._last_words()) from error

    def _listen(self) -> None:
        """Hear the child until it ends; runs in a thread of its own."""
        for line in self._stdout:
            with suppress(msgspec.DecodeError):  # a child that is killed may leave half a line
                said = msgspec.json.decode(line, type=Said)
                if said.tick is not None:
                    self._on_tick(said.tick)
                elif said.lost is not None and self._on_lost is not None:
                    self._on_lost(said.lost)
                elif said.begin_ns is not None:
                    self._began.put(said.begin_ns)
                elif said.rows is not None:
                    self._rows = said.rows
        self._began.put(None)

    def _last_words(self) -> str:
        """Say how the child ended, with the end of what it wrote to stderr."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(DEATH_S)
        if self._errors.closed:
            return "the load child has already ended"
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_BYTES))
        words = self._errors.read().decode(errors="replace").strip()
        return f"the load child ended early, exit code {self._child.returncode}; its last words: {words or 'none'}"

    def _close(self) -> None:
        self._reader.join(DEATH_S)
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        with suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()
        self._errors.close()
