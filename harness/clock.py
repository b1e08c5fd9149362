"""The only place that reads time or sleeps (but for the load child, which has its own world)."""

import ctypes
import select
import struct
import time
from collections.abc import Callable
from typing import Protocol

S = 1_000_000_000
TIME_ERROR, STA_UNSYNC = 5, 0x40  # adjtimex(2)


class Clock(Protocol):
    """Time of a run. ``zero_ns`` is its zero on the machine's monotonic clock, shared by all processes of the machine."""

    zero_ns: int

    def now_ns(self) -> int:
        """Nanoseconds since the run's zero."""
        ...

    def wall_ns(self) -> int:
        """Wall time in nanoseconds since 1970, UTC."""
        ...

    def wait(self, until_ns: int, fds: list[int]) -> list[int]:
        """Wait until the run's time is ``until_ns`` or one of ``fds`` can be read; give those that can."""
        ...


class MachineClock:
    """The machine's own clock."""

    def __init__(self, zero_ns: int | None = None) -> None:
        self.zero_ns = time.monotonic_ns() if zero_ns is None else zero_ns

    def now_ns(self) -> int:
        """Nanoseconds since the run's zero."""
        return time.monotonic_ns() - self.zero_ns

    def wall_ns(self) -> int:
        """Wall time in nanoseconds since 1970, UTC."""
        return time.time_ns()

    def wait(self, until_ns: int, fds: list[int]) -> list[int]:
        """Wait in one ``select`` for the time or the first readable descriptor."""
        left_s = max(0.0, (until_ns - self.now_ns()) / S)
        return select.select(fds, [], [], left_s)[0]


class Watch:
    """One wait for everything that can happen: the guardian's end, the load's end, a signal, and time.

    ``on`` names a descriptor and what to do when it can be read; the callback may raise, which ends the wait.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._on: dict[int, Callable[[], None]] = {}

    def on(self, fd: int, then: Callable[[], None]) -> None:
        """From now on, call ``then`` in ``until`` when ``fd`` can be read."""
        self._on[fd] = then

    def off(self, fd: int) -> None:
        """Watch a descriptor no longer."""
        self._on.pop(fd, None)

    def until(self, at_ns: int) -> None:
        """Wait until the run's time is ``at_ns``, serving what happens meanwhile; serves at least once."""
        while True:
            for fd in self.clock.wait(at_ns, list(self._on)):
                if fd in self._on:
                    self._on[fd]()
            if self.clock.now_ns() >= at_ns:
                return

    def sleep(self, seconds: float) -> None:
        """Wait for a while, serving what happens meanwhile."""
        self.until(self.clock.now_ns() + int(seconds * S))


def pause(seconds: float) -> None:
    """Sleep, in a thread or process that has nothing to watch."""
    time.sleep(seconds)


def monotonic_ns() -> int:
    """The machine's monotonic clock, for deadlines that several processes share."""
    return time.monotonic_ns()


def synchronised() -> bool | None:
    """Say whether something has set this machine's wall clock right, as the kernel knows it; None where it does not tell.

    Source: adjtimex(2), which is only asked and sets nothing; ``status`` stands behind the modes and four numbers.
    """
    told = ctypes.create_string_buffer(512)  # more than any kernel's struct timex
    state = ctypes.CDLL(None).adjtimex(told)
    if state < 0:
        return None
    status: int = struct.unpack_from("@Illlli", told)[5]
    return state != TIME_ERROR and not status & STA_UNSYNC
