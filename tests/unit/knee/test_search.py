"""The search for the knee, on rungs that are made up: where it ends, what it names, and when it stays open."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.cost import GENERATOR
from harness.knee.page import sentences
from harness.knee.rungs import Rung
from harness.knee.search import FINE, HIGHEST, Gave, found, gave_way, next_rates
from harness.model import Outcome

BUSY: Mapping[str, float] = {GENERATOR: 0.4, "storefront": 0.5, "orders_db": 0.3, "lb": 0.15}


def a_rung(
    per_s: int,
    outcome: Outcome = Outcome.PASS,
    cores: Mapping[str, float] = BUSY,
    throttled: Mapping[str, float] = MappingProxyType({}),
) -> Rung:
    return Rung(
        per_s=per_s,
        outcome=outcome,
        because="" if outcome is Outcome.PASS else f"Too slow at {per_s}.",
        served_per_s=float(per_s),
        latency_ms={50: 10.0, 95: 20.0, 99: inf},
        cores=cores,
        throttled=throttled,
    )


def searched(says: Callable[[int], Outcome], first: int) -> tuple[tuple[Rung, ...], int]:
    """Search until the search has no more to ask; give the rungs, and how many ladders that took."""
    seen: tuple[Rung, ...] = ()
    for ladders in range(10):
        rates = next_rates(seen, first)
        if not rates:
            return seen, ladders
        assert list(rates) == sorted(set(rates))
        assert not set(rates) & {one.per_s for one in seen}, "nothing is tried twice"
        seen = tuple(sorted((*seen, *(a_rung(rate, says(rate)) for rate in rates)), key=lambda one: one.per_s))
    raise AssertionError("it does not end")


@given(some.integers(20, 8000), some.integers(20, 8000))
def test_a_search_comes_to_within_a_twentieth_wherever_it_begins(knee: int, first: int) -> None:
    def says(per_s: int) -> Outcome:
        return Outcome.PASS if per_s <= knee else Outcome.FAIL

    seen, ladders = searched(says, first)
    sought = found(seen, 1)
    assert sought.outcome is Outcome.PASS, sought
    assert knee / FINE**1.5 - 1.5 <= sought.per_s <= knee
    assert ladders <= 6
    assert sought.beyond is not None or 2 * sought.per_s > HIGHEST


def test_two_searches_from_elsewhere_agree_within_a_tenth() -> None:
    sought = [
        found(searched(lambda per_s: Outcome.PASS if per_s <= 1337 else Outcome.FAIL, first)[0], 1) for first in (100, 777)
    ]
    assert max(one.per_s for one in sought) <= 1.1 * min(one.per_s for one in sought)


def test_a_shop_that_holds_everything_that_can_be_sent_has_no_knee_here() -> None:
    seen, _ = searched(lambda _: Outcome.PASS, 5000)
    assert max(one.per_s for one in seen) <= HIGHEST
    sought = found(seen, 1)
    assert (sought.outcome, sought.gave) == (Outcome.INCONCLUSIVE, None)
    assert "nothing higher was tried" in sought.because


def test_a_shop_that_holds_nothing_has_none_either() -> None:
    sought = found(searched(lambda _: Outcome.FAIL, 40)[0], 1)
    assert (sought.per_s, sought.outcome) == (0, Outcome.INCONCLUSIVE)


def test_a_shop_is_looked_at_beyond_its_knee_too() -> None:
    rungs = (a_rung(1000), a_rung(1040, Outcome.FAIL))
    assert next_rates(rungs, 1) == (2000,)
    beyond = replace(a_rung(2000, Outcome.FAIL), served_per_s=870.0)
    assert next_rates((*rungs, beyond), 1) == (), "once"
    sought = found((*rungs, beyond), 1)
    assert (sought.per_s, sought.beyond) == (1000, beyond)
    assert "Offered 2.0 times that, 2,000/s, 870/s were good: 87% of it." in sentences(sought)
    assert found(rungs, 1).beyond is None


def test_nothing_tried_is_nothing_found() -> None:
    assert found((), 1).outcome is Outcome.INCONCLUSIVE


def test_what_was_not_proved_above_leaves_it_open_and_is_never_called_a_knee() -> None:
    """As where the generator itself was late."""
    sought = found((a_rung(100), a_rung(150, Outcome.INCONCLUSIVE)), 1)
    assert (sought.per_s, sought.outcome) == (100, Outcome.INCONCLUSIVE)
    assert "was not shown to hold 150: Too slow at 150." in sought.because
    assert sought.gave is None, "nor is anything named that gave way"


def test_a_rate_that_held_above_one_that_did_not_counts_for_nothing() -> None:
    assert found((a_rung(100), a_rung(150, Outcome.FAIL), a_rung(200)), 1).per_s == 100


def test_the_part_that_used_up_its_quota_gives_way_first() -> None:
    full = a_rung(9, Outcome.FAIL, throttled={"lb": 0.05, "orders_db-1": 0.6})
    assert gave_way(full, 1) == Gave(part="orders_db-1", because="orders_db-1 had used up its CPU quota for 60% of the time")


def test_where_all_cores_are_busy_the_part_that_uses_most_gives_way_and_the_generator_is_no_part() -> None:
    assert gave_way(a_rung(9, cores={**BUSY, GENERATOR: 1.0}), 1).part == "storefront"
    assert "0.95 of its 1 core busy, and storefront most of that: 53%" in gave_way(a_rung(9), 1).because


def test_where_somebody_s_cpu_time_was_not_read_nobody_is_named_and_that_is_said() -> None:
    gave = gave_way(replace(a_rung(9, throttled={"lb": 0.9}), unread="Nobody read the CPU time of lb at all."), 1)
    assert gave == Gave(part="", because="Nobody read the CPU time of lb at all")


@pytest.mark.parametrize("cores", [{GENERATOR: 1.0}, {GENERATOR: 1.0, "storefront": 0.3}])
def test_where_nobody_ran_out_of_cpu_no_part_is_named(cores: dict[str, float]) -> None:
    gave = gave_way(a_rung(9, cores=cores, throttled={"lb": 0.05}), 1)
    assert gave.part == ""
    assert "no part ran out of CPU" in gave.because
