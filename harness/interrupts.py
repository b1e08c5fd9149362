"""Signals, turned into one orderly interruption: the first heals, the second leaves the healing to the guardian."""

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from harness.clock import Watch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
NAMES = {signal.SIGINT: "SIGINT", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP", signal.SIGUSR1: "stop"}
EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "stop": 11}


class InterruptedRun(BaseException):
    """The run is to end now, healed. ``by``: SIGINT, SIGTERM, SIGHUP, or stop (SIGUSR1, sent by ``windtunnel stop``)."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Interrupts:
    """While entered, the first signal raises ``InterruptedRun`` at the next wait of ``watch``, or at once after ``hurry``.

    A second signal ends the process on the spot and leaves the healing to the guardian, unless ``guarded`` says that there
    is none. ``caught`` names the first signal, also one that came after the last wait.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch, self._hurried, self._raised = watch, False, False
        self.guarded: Callable[[], bool] = lambda: True  # before there is a guardian, there is nothing to heal
        self.caught: str | None = None
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        self._watch.on(self._read, self._raise)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._watch.off(self._read)
        os.close(self._read)
        os.close(self._write)

    def hurry(self) -> None:
        """Let a signal raise at once, one that came before too.

        For stretches without waits, such as starting the shop; never for an act, which must not be torn from its record.
        """
        self._hurried = True
        if self.caught is not None and not self._raised:
            self._raise()

    def bide(self) -> None:
        """Let a signal raise in the next wait."""
        self._hurried = False

    def calm(self) -> None:
        """Let no signal raise any more: the run is on its way out already, and healing must not be torn."""
        self._hurried = False
        self._watch.off(self._read)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.caught is not None:
            if self.guarded():
                os._exit(128 + number)
            return
        self.caught = NAMES[signal.Signals(number)]
        os.write(self._write, b"!")
        if self._hurried:
            self._raise()

    def _raise(self) -> None:
        self._raised = True
        self.calm()
        raise InterruptedRun(self.caught or "")
