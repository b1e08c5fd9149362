"""The program of the helper that holds packets back, without a kernel: when each is let in, and in which order."""

from harness.drivers.delayer import Waiting

MS = 0.001


class Packet:
    """Notes when it was let in."""

    def __init__(self, clock: list[float]) -> None:
        self._clock, self.in_s = clock, -1.0

    def accept(self) -> None:
        """Take note."""
        self.in_s = self._clock[0]


def played(came_s: list[float], ms: float, jitter_ms: float, seed: int = 7) -> list[float]:
    """Let packets come at these times, and look whenever the program would; give when each was let in."""
    clock = [0.0]
    waiting, packets = Waiting(ms, jitter_ms, seed, lambda: clock[0]), [Packet(clock) for _ in came_s]
    assert waiting.let_in() is None, "nothing waits"
    for at_s, packet in zip(came_s, packets, strict=True):
        while (left_s := waiting.let_in()) is not None and clock[0] + left_s <= at_s:
            clock[0] += left_s + 1e-9
        clock[0] = max(clock[0], at_s)
        waiting.take(packet)
    while (left_s := waiting.let_in()) is not None:
        clock[0] += left_s + 1e-9
    return [packet.in_s for packet in packets]


def test_each_is_let_in_when_it_is_time() -> None:
    came_s = [0.0, 0.001, 0.05, 0.3]
    assert [round(in_s - at_s, 6) for in_s, at_s in zip(played(came_s, 100, 0), came_s, strict=True)] == [0.1] * 4


def test_jitter_is_within_its_bounds_and_follows_from_the_seed() -> None:
    came_s = [0.5 * number for number in range(200)]
    held_ms = [(in_s - at_s) / MS for in_s, at_s in zip(played(came_s, 100, 20), came_s, strict=True)]
    assert 80 <= min(held_ms) < 85
    assert 115 < max(held_ms) <= 120.001
    assert played(came_s, 100, 20) == played(came_s, 100, 20) != played(came_s, 100, 20, seed=8)


def test_none_overtakes_another() -> None:
    """As on a line: so on a busy one jitter adds more than it takes away."""
    came_s = [0.001 * number for number in range(300)]
    let_in_s = played(came_s, 100, 50)
    assert let_in_s == sorted(let_in_s)
    held_ms = [(in_s - at_s) / MS for in_s, at_s in zip(let_in_s, came_s, strict=True)]
    assert sum(held_ms[100:]) / 200 > 120
