"""One wait for everything: time, and whatever can be read meanwhile."""

import ctypes
import os
import struct
from collections.abc import Iterator

import pytest

from harness.clock import MachineClock, S, Watch, monotonic_ns, pause, synchronised
from tests.fakes import FakeClock


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe's two ends."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_all_clocks_of_a_run_share_its_zero() -> None:
    """A process that is told the zero reads the same time."""
    first = MachineClock()
    second = MachineClock(first.zero_ns)
    assert 0 <= first.now_ns() <= second.now_ns() < first.now_ns() + S
    assert abs(first.zero_ns + first.now_ns() - monotonic_ns()) < S


def test_a_wait_ends_at_its_time_and_not_before() -> None:
    clock = MachineClock()
    until_ns = clock.now_ns() + S // 20
    assert clock.wait(until_ns, []) == []
    assert clock.now_ns() >= until_ns
    assert clock.wait(0, []) == [], "a time that has passed is no wait"


def test_a_wait_ends_early_for_what_can_be_read(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    clock = MachineClock()
    os.write(writer, b"!")
    assert clock.wait(clock.now_ns() + 3600 * S, [reader]) == [reader]


def test_what_can_be_read_is_served_and_the_wait_goes_on(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    clock, heard = MachineClock(), list[bytes]()
    watch = Watch(clock)
    watch.on(reader, lambda: heard.append(os.read(reader, 1)))
    os.write(writer, b"ab")
    watch.sleep(0.05)
    assert heard == [b"a", b"b"]


def test_it_serves_at_least_once_also_when_time_is_up() -> None:
    """Else a run that is always late would never hear of a signal."""
    clock, heard = FakeClock(), list[str]()
    watch = Watch(clock)
    clock.now, clock.rings[7] = 10 * S, 0
    watch.on(7, lambda: heard.append("served"))
    watch.until(0)
    assert heard == ["served"]


def test_what_is_no_longer_watched_is_not_served() -> None:
    """Also where the one before it, in the same wait, has ended the watching."""
    clock, heard = FakeClock(), list[int]()
    watch = Watch(clock)
    clock.rings |= {7: 0, 8: 0}

    def first() -> None:
        heard.append(7)
        watch.off(8)
        watch.off(7)

    watch.on(7, first)
    watch.on(8, lambda: heard.append(8))
    watch.sleep(5)
    watch.off(99)
    assert (heard, clock.now) == ([7], 5 * S)


def test_what_a_callback_raises_ends_the_wait() -> None:
    clock = FakeClock()
    watch = Watch(clock)
    clock.rings[7] = 3 * S

    def stop() -> None:
        raise KeyboardInterrupt

    watch.on(7, stop)
    with pytest.raises(KeyboardInterrupt):
        watch.until(60 * S)
    assert clock.now == 3 * S


def test_a_pause_is_a_pause() -> None:
    began = monotonic_ns()
    pause(0.02)
    assert monotonic_ns() - began >= 0.02 * S


@pytest.mark.parametrize(
    ("state", "status", "kept"),
    [(0, 0x2001, True), (5, 0x40, False), (0, 0x40, False), (5, 0x2001, False), (-1, 0, None)],
    ids=["kept", "not kept", "by its flag", "by its state", "not allowed to ask"],
)
def test_the_kernel_is_believed_about_the_wall_clock(
    state: int,
    status: int,
    kept: bool | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Library:
        """A C library whose kernel answers like this."""

        @staticmethod
        def adjtimex(told: "ctypes.Array[ctypes.c_char]") -> int:
            """Ask it; nothing is to be set."""
            assert struct.unpack_from("@I", told) == (0,)
            struct.pack_into("@Illlli", told, 0, 0, 1, 2, 3, 4, status)
            return state

    with monkeypatch.context() as changed:
        changed.setattr(ctypes, "CDLL", lambda _: Library)
        assert synchronised() is kept
    assert synchronised() in (True, False, None)
