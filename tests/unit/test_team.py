"""What several generators say to each other: words that arrive whole or not at all, and what the time is."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.events import LoadTick
from harness.load.team import Clock, Done, Moment, Rows, Stands, ahead, unwrapped, wrapped

ROW = (1, 0, 5, 6, 7, 0, 201, 1, "o1", "d1")
HIT = (1, 0, 1, 0, 5, 6, 200, 1, "cdn_a", "0" * 16, "")
NS = some.integers(0, 50_000_000)


class Elsewhere:
    """Another machine: its clock differs from ours by so much, and every way there and back takes its time."""

    def __init__(self, differs_ns: int, ways_ns: list[tuple[int, int]]) -> None:
        self.now, self._differs, self._ways = 1_000_000_000, differs_ns, ways_ns

    def ask(self, number: int) -> int:
        """Answer with its time."""
        there, back = self._ways[number % len(self._ways)]
        self.now += there
        told = self.now - self._differs
        self.now += back
        return told


@given(some.integers(-(10**12), 10**12), some.lists(some.tuples(NS, NS), min_size=1, max_size=20))
def test_another_clock_is_known_as_well_as_is_said(differs_ns: int, ways_ns: list[tuple[int, int]]) -> None:
    other = Elsewhere(differs_ns, ways_ns)
    offset_ns, error_ns = ahead(other.ask, lambda: other.now)
    assert abs(offset_ns - differs_ns) <= 2 * error_ns + 1
    assert error_ns <= max((there + back + 1) // 2 for there, back in ways_ns)
    if abs(offset_ns) > 0:
        assert abs(offset_ns - differs_ns) <= error_ns + 1


def test_the_same_clock_is_taken_as_it_is() -> None:
    other = Elsewhere(0, [(300, 9_000), (1_000, 10)])
    assert ahead(other.ask, lambda: other.now) == (0, 505)


@pytest.mark.parametrize(
    "word",
    [
        Moment(at_ns=5),
        Clock(number=1, at_ns=2),
        Stands(refused="no"),
        Rows(orders=(ROW,), sessions=(HIT,)),
        Done(),
        LoadTick(
            at_ns=1, offered=1, acknowledged=1, refused=0, unknown=0, shed=0, in_flight=0, late_ms_p99=0, last_bad_ns=None
        ),
    ],
)
def test_a_word_arrives_as_it_was_said(word: Moment | Clock | Stands | Rows | Done | LoadTick) -> None:
    assert unwrapped(wrapped(word), type(word)) == word


@pytest.mark.parametrize(
    "data", [None, {}, [], {"json": 5}, {"json": b"{"}, {"json": b"{}"}, {"json": b'{"orders":[[1,2]],"sessions":[]}'}]
)
def test_anything_else_is_no_word(data: object) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        unwrapped(data, Rows)
