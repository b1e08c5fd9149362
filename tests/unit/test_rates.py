"""The course of the rate: as usual, each stage, as usual again; and what is due by when, exactly."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import rates
from harness.demand import Arrivals, Load, Stage
from harness.history import ORDER, READ
from harness.load.schedule import BLOCK_NS, planned

NS = 1_000_000_000
EVENING = Load(
    arrivals=Arrivals(orders_per_s=100),
    warm_up_s=2,
    baseline_s=6,
    products_per_s=20,
    stages=(
        Stage(name="midnight", orders_per_s=1000, for_s=11, ramp_s=1),
        Stage(name="ebb", orders_per_s=50, for_s=10, ramp_s=10),
        Stage(name="lull", orders_per_s=10, for_s=5),
    ),
)
stages = st.lists(
    st.builds(
        lambda rate, for_s, part: Stage(name="s", orders_per_s=rate, for_s=for_s, ramp_s=round(for_s * part, 3)),
        st.integers(1, 200),
        st.floats(0.1, 15).map(lambda seconds: round(seconds, 2)),
        st.floats(0, 1),
    ),
    max_size=4,
).map(lambda found: tuple(replace(one, name=f"s{number}") for number, one in enumerate(found)))


@pytest.mark.parametrize(
    ("until_s", "due"),
    [(0, 0), (8, 800), (9, 800 + 550), (19, 800 + 550 + 10_000), (29, 11_350 + 5_250), (34, 16_650), (44, 17_650)],
)
def test_what_is_due_by_when(until_s: int, due: int) -> None:
    assert rates.due(EVENING, Fraction(until_s)) == due


def test_each_stage_has_its_place() -> None:
    found = {name: (int(begin), int(end)) for name, (begin, end) in rates.courses(EVENING).items()}
    assert found == {"midnight": (8, 19), "ebb": (19, 29), "lull": (29, 34)}
    assert rates.stages_s(EVENING) == 26


@given(stages=stages, scale=st.sampled_from([0.1, 1.0, 1 / 3]), blocks=st.integers(1, 5))
def test_every_block_has_exactly_what_is_due_in_it(stages: tuple[Stage, ...], scale: float, blocks: int) -> None:
    load = Load(arrivals=Arrivals(orders_per_s=20), warm_up_s=1, baseline_s=2, stages=stages)
    plan = planned(load, 7, scale, blocks * BLOCK_NS)
    due = rates.due(load, Fraction(blocks * 10)) * rates.exact(scale)
    assert len(plan) == int(due)
    assert np.all(np.diff(plan.intended_ns) >= 0)
    assert not len(plan) or 0 <= plan.intended_ns[0] <= plan.intended_ns[-1] < blocks * BLOCK_NS


def test_orders_come_as_the_rate_goes_and_others_evenly() -> None:
    """Each second has what is due in it, give or take four times the square root of that."""
    plan = planned(EVENING, 3, 1.0, 40 * NS)
    orders = [float(rates.due(EVENING, Fraction(second))) for second in range(41)]
    for kind, due in ((ORDER, np.diff(orders)), (READ, np.full(40, 20.0))):
        counted, _ = np.histogram(plan.intended_ns[plan.kind == kind], bins=np.arange(41) * NS)
        assert np.all(np.abs(counted - due) <= 4 * np.sqrt(due) + 1)


def test_a_stage_has_a_rush_of_its_own() -> None:
    """Every other order of the sale asks for what is scarce, every tenth of the others."""
    sale = Stage(name="sale", orders_per_s=300, for_s=10, last_pieces_one_in=2)
    load = Load(arrivals=Arrivals(orders_per_s=100), warm_up_s=0, baseline_s=10, last_pieces_one_in=10, stages=(sale,))
    plan = planned(load, 5, 1.0, 30 * NS)
    for begin_s, one_in, orders in ((0, 10, 1000), (10, 2, 3000), (20, 10, 1000)):
        there = (plan.intended_ns >= begin_s * NS) & (plan.intended_ns < (begin_s + 10) * NS)
        assert np.count_nonzero(there) == orders
        assert np.count_nonzero(plan.last_piece & there) == pytest.approx(orders / one_in, abs=1)


def test_a_load_without_stages_is_planned_as_ever() -> None:
    """Stored runs are judged again by the same arrivals."""
    plain = Load(arrivals=Arrivals(orders_per_s=100), warm_up_s=2, baseline_s=6)
    assert planned(plain, 3, 1.0, NS).intended_ns[:3].tolist() == [4_028_089, 25_373_851, 47_147_323]
