"""Headless Chromium by its own debugging pipe: JSON messages ended by NUL, on its descriptors 3 and 4. No driver needed.

Source: the DevTools protocol, https://chromedevtools.github.io/devtools-protocol/, and ``--remote-debugging-pipe``.
"""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.clock import S, monotonic_ns
from harness.errors import ControlError, SetupError

PROGRAM = "chromium"
LIMIT_S = 60.0
END_S = 5.0
VERSION_S = 10.0
LAST_BYTES = 2_000
INSTALL = "python3 harness/prepare.py --browser"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --disable-breakpad --disable-dev-shm-usage "
    "--mute-audio --hide-scrollbars --no-proxy-server --remote-debugging-pipe"
)
_EXEC = 'program="$0"; exec "$program" "$@" 3<&{into} 4>&{out}'


class GoneError(ControlError):
    """The browser has ended, or its pipe has broken: it crashed, or somebody ended it."""


def found() -> str:
    """Give the browser's program. Raises ``SetupError``, with what to type, where there is none."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise SetupError(f"no {PROGRAM} on PATH, and a real browser is to look. Type: {INSTALL}")
    return program


def version() -> str:
    """Give the browser's version in its own words. Raises ``SetupError``, with what to type, where none works."""
    program = found()
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SetupError(f"{program} does not say its version: {error}. Type: {INSTALL}") from error
    return done.stdout.decode(errors="replace").strip()


class Chromium:
    """One browser. Calls wait for their answers; what comes meanwhile is kept for ``message``, in its order."""

    def __init__(self, home: Path, flags: Sequence[str] = ()) -> None:
        """Start it with a profile of its own in ``home``. Raises ``SetupError`` where there is none."""
        program = found()
        into, self._write = _pipe()
        self._read, out = _pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the browser
        words = [program, *FLAGS.split(), f"--user-data-dir={home}", *flags]
        self._process = subprocess.Popen(
            ["bash", "-c", _EXEC.format(into=into, out=out), *words],
            pass_fds=(into, out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        os.close(into)
        os.close(out)
        self._buffer, self._number = b"", 0
        self._kept: list[Mapping[str, Any]] = []

    def end(self) -> None:
        """Close its pipe, which ends it; kill it if it does not."""
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_S)
        self._errors.close()

    def send(self, method: str, session: str = "", **params: Any) -> int:
        """Send a command, to a page where a session is named; give its number. Raises ``GoneError``."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._write, data) :]
        except OSError as error:
            raise GoneError(self.last_words()) from error
        return self._number

    def call(self, method: str, session: str = "", limit_s: float = LIMIT_S, **params: Any) -> Mapping[str, Any]:
        """Send a command and give its result. Raises ``ControlError`` where it fails or is late, ``GoneError``."""
        number, deadline_ns = self.send(method, session, **params), monotonic_ns() + int(limit_s * S)
        passed: list[Mapping[str, Any]] = []
        while (answer := self.message(deadline_ns)) is not None:
            if answer.get("id") != number:
                passed.append(answer)
                continue
            self._kept[:0] = passed
            if "error" in answer:
                raise ControlError(f"{PROGRAM}: {method}: {answer['error'].get('message')}")
            result: Mapping[str, Any] = answer["result"]
            return result
        self._kept[:0] = passed
        raise ControlError(f"{PROGRAM} did not answer {method} within {limit_s:g} s")

    def message(self, deadline_ns: int) -> Mapping[str, Any] | None:
        """Give the next message, answer or event; None where none has come by the deadline. Raises ``GoneError``."""
        if self._kept:
            return self._kept.pop(0)
        while b"\0" not in self._buffer:
            left_s = max(0.0, (deadline_ns - monotonic_ns()) / S)
            if not select.select([self._read], [], [], left_s)[0]:
                return None
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise GoneError(self.last_words())
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: Mapping[str, Any] = json.loads(line)
        return message

    def forget(self) -> None:
        """Drop what has come and was not asked for."""
        self._kept.clear()

    def last_words(self) -> str:
        """Say how it ended, with the end of what it wrote to stderr."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_BYTES))
        words = self._errors.read().decode(errors="replace").strip()
        return f"{PROGRAM} ended, exit code {self._process.returncode}; its last words: {words or 'none'}"


def _pipe() -> tuple[int, int]:
    """A pipe whose ends have high numbers, so that the browser's own 3 and 4 are free."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]
