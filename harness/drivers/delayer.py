"""The program of the helper that holds packets back: ``python3 -c <this file> QUEUE MS JITTER_MS SEED``.

It runs alone in a container, where there is nothing but the standard library and the bindings of netfilter's queues. Each
packet of the queue is let in MS milliseconds after it came, give or take up to JITTER_MS, drawn from SEED. All keep their
order: one that would overtake another waits for it, so on a busy link jitter adds more than it takes away.
"""

import select
import sys
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Protocol

QUEUE = 57
READY = "holding packets back"
DEPTH = 65_535  # packets; those that come while so many wait are lost
SOCKET_BYTES = 16_000_000


class Packet(Protocol):
    """A packet that waits for a verdict."""

    def accept(self) -> None:
        """Let it in."""
        ...


class Waiting:
    """The packets that are held back, in the order in which they came. ``now_s`` is a clock that never goes back."""

    def __init__(self, ms: float, jitter_ms: float, seed: int, now_s: Callable[[], float]) -> None:
        self._ms, self._jitter_ms, self._now_s = ms, jitter_ms, now_s
        self._random = Random(seed)  # noqa: S311 -- no secret
        self._packets: deque[tuple[float, Packet]] = deque()
        self._last_s = 0.0

    def take(self, packet: Packet) -> None:
        """Hold one more back."""
        held_s = (self._ms + self._random.uniform(-self._jitter_ms, self._jitter_ms)) / 1000
        self._last_s = max(self._last_s, self._now_s() + held_s)
        self._packets.append((self._last_s, packet))

    def let_in(self) -> float | None:
        """Let in those whose time has come; give the seconds until the next one's, None where none waits."""
        while self._packets and self._packets[0][0] <= self._now_s():
            self._packets.popleft()[1].accept()
        return max(0.0, self._packets[0][0] - self._now_s()) if self._packets else None


def main() -> None:
    """Hold packets back until killed."""
    from netfilterqueue import COPY_META, NetfilterQueue  # noqa: PLC0415 -- only in the helper

    number, ms, jitter_ms, seed = (int(argument) for argument in sys.argv[1:5])
    waiting, queue = Waiting(ms, jitter_ms, seed, time.monotonic), NetfilterQueue()
    queue.bind(number, waiting.take, DEPTH, mode=COPY_META, sock_len=SOCKET_BYTES)
    print(READY, flush=True)
    left_s: float | None = None
    while True:
        if select.select([queue.get_fd()], [], [], left_s)[0]:
            queue.run(block=False)
        left_s = waiting.let_in()


if __name__ == "__main__":
    main()
