"""The bound of a share: as the tables give it, above what was seen, and never below what could well be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bounds import at_most, so_few


@pytest.mark.parametrize(
    ("events", "trials", "bound"),
    [
        (0, 1, 0.95),
        (0, 14, 1 - 0.05 ** (1 / 14)),
        (0, 300, 1 - 0.05 ** (1 / 300)),
        (1, 2, 0.95**0.5),  # of two trials at most one: 1 - p^2 = 0.05
        (1, 10, 0.3942),  # Beta(2, 9) at 0.95, as tables of the beta distribution give it
        (14, 14, 1.0),
        (0, 0, 1.0),
    ],
)
def test_it_is_the_one_of_clopper_and_pearson(events: int, trials: int, bound: float) -> None:
    assert at_most(events, trials) == pytest.approx(bound, abs=5e-5)


def test_without_an_event_it_is_a_little_less_than_the_rule_of_three() -> None:
    for trials in (10, 100, 10_000):
        assert 0.85 * 3 / trials < at_most(0, trials) < 3 / trials


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_at_the_bound_so_few_events_are_just_as_rare_as_was_said(seen: tuple[int, int]) -> None:
    """Anything lower would be no bound, anything higher no use."""
    bound = at_most(*seen)
    assert so_few(*seen, bound) == pytest.approx(0.05, rel=1e-6)
    assert seen[0] / seen[1] < bound < 1


@pytest.mark.parametrize(("events", "trials"), [(-1, 3), (4, 3)])
def test_what_cannot_have_been_counted_is_refused(events: int, trials: int) -> None:
    with pytest.raises(ValueError, match="events in 3 trials"):
        at_most(events, trials)
