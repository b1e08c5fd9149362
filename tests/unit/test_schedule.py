"""The schedule: exact counts, sorted, the same on every machine, and a shorter plan begins a longer one."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.demand import Arrivals, Load, Resend, Sessions
from harness.history import ORDER, READ, SESSION
from harness.load.schedule import (
    BLOCK_NS,
    BLOCK_S,
    SEND_AGAIN_AFTER,
    SEND_ONCE,
    SEND_TWICE_AT_ONCE,
    Planned,
    block,
    chosen,
    planned,
)

rates = st.one_of(st.integers(1, 40), st.floats(0.01, 40).map(lambda rate: round(rate, 3)))
seeds = st.integers(-(2**63), 2**63)
seconds = st.integers(0, 45 * 10**9)
loads = st.builds(
    Load,
    arrivals=st.builds(Arrivals, orders_per_s=rates),
    warm_up_s=st.just(0.0),
    baseline_s=st.just(1.0),
    products_per_s=st.one_of(st.just(0.0), rates),
    last_pieces_one_in=st.integers(0, 7),
    resend=st.none() | st.builds(Resend, ratio=st.floats(0, 1), same_moment=st.floats(0, 1)),
    sessions=st.none() | st.builds(Sessions, per_s=rates),
)


def same(left: Planned, right: Planned, upto: int) -> bool:
    return all(np.array_equal(getattr(left, f.name)[:upto], getattr(right, f.name)[:upto]) for f in fields(Planned))


@given(load=loads, seed=seeds, blocks=st.integers(1, 5), scale=st.sampled_from([0.1, 0.5, 1.0, 1 / 3]))
def test_whole_blocks_hold_exactly_their_share(load: Load, seed: int, blocks: int, scale: float) -> None:
    plan = planned(load, seed, scale, blocks * BLOCK_NS)
    sessions_per_s = load.sessions.per_s if load.sessions else 0
    for kind, rate in ((ORDER, load.arrivals.orders_per_s), (READ, load.products_per_s), (SESSION, sessions_per_s)):
        share = Fraction(str(rate)) * Fraction(str(scale)) * BLOCK_S * blocks
        assert np.count_nonzero(plan.kind == kind) == int(share)


@given(load=loads, seed=seeds, length=seconds)
def test_arrivals_are_numbered_in_the_order_of_time_and_before_the_end(load: Load, seed: int, length: int) -> None:
    plan = planned(load, seed, 1.0, length)
    assert np.array_equal(plan.seq, np.arange(len(plan)))
    assert np.all(np.diff(plan.intended_ns) >= 0)
    assert len(plan) == 0 or (plan.intended_ns[0] >= 0 and plan.intended_ns[-1] < length)


@given(load=loads, seed=seeds, lengths=st.tuples(seconds, seconds))
def test_a_shorter_plan_is_the_beginning_of_a_longer_one(load: Load, seed: int, lengths: tuple[int, int]) -> None:
    shorter, longer = (planned(load, seed, 1.0, length) for length in sorted(lengths))
    assert same(shorter, longer, len(shorter))
    later = longer.intended_ns[len(shorter) :]
    assert np.all(later >= min(lengths))


@given(load=loads, seed=seeds)
def test_blocks_are_the_plan_in_pieces(load: Load, seed: int) -> None:
    plan, first, second = planned(load, seed, 1.0, 2 * BLOCK_NS), block(load, seed, 1.0, 0), block(load, seed, 1.0, 1)
    assert same(plan, first, len(first))
    assert np.array_equal(plan.intended_ns[len(first) :], second.intended_ns)
    assert np.array_equal(plan.seq[len(first) :], second.seq)


@given(load=loads, seed=seeds)
@settings(max_examples=30)
def test_every_nth_order_and_no_read_asks_for_the_last_piece(load: Load, seed: int) -> None:
    plan = planned(load, seed, 1.0, 3 * BLOCK_NS)
    orders = int(np.count_nonzero(plan.kind == ORDER))
    every = load.last_pieces_one_in
    assert np.count_nonzero(plan.last_piece) == (orders // every if every else 0)
    assert not np.any(plan.last_piece & (plan.kind != ORDER))
    assert not np.any((plan.resend != SEND_ONCE) & (plan.kind != ORDER))


def test_resends_come_near_their_ratios() -> None:
    load = Load(arrivals=Arrivals(orders_per_s=1000), warm_up_s=0, baseline_s=1, resend=Resend(ratio=0.1, same_moment=0.25))
    plan = planned(load, 5, 1.0, 3 * BLOCK_NS)
    assert 600 < np.count_nonzero(plan.resend == SEND_TWICE_AT_ONCE) < 900
    assert 2000 < np.count_nonzero(plan.resend == SEND_AGAIN_AFTER) < 2500


def test_the_seed_and_nothing_else_decides() -> None:
    """The numbers are written out: if they change on any machine or NumPy, stored runs can no longer be judged."""
    load = Load(arrivals=Arrivals(orders_per_s=0.3), warm_up_s=0, baseline_s=1, products_per_s=0.2)
    plan = planned(load, 7, 1.0, BLOCK_NS)
    assert plan.intended_ns.tolist() == [4092348043, 5885938325, 7313560901, 7315733314, 9591826786]
    assert plan.kind.tolist() == [ORDER, ORDER, READ, READ, ORDER]
    assert planned(load, 8, 1.0, BLOCK_NS).intended_ns.tolist() != plan.intended_ns.tolist()


def test_instants_are_uniform_over_the_block() -> None:
    """A coarse look at the distribution: each tenth of the time holds a tenth of the arrivals, within five sigma."""
    load = Load(arrivals=Arrivals(orders_per_s=1000), warm_up_s=0, baseline_s=1)
    tenths = np.bincount(planned(load, 1, 1.0, 10 * BLOCK_NS).intended_ns // BLOCK_NS)
    assert tenths.tolist() == [10_000] * 10
    within = np.bincount(block(load, 1, 1.0, 0).intended_ns * 10 // BLOCK_NS, minlength=10)
    assert np.all(np.abs(within - 1000) < 5 * np.sqrt(1000 * 0.9))


@given(ratio=st.floats(0, 1), begin=st.integers(0, 10**7))
def test_so_many_of_those_who_come_are_chosen_at_any_time(ratio: float, begin: int) -> None:
    count = sum(chosen(ratio, seq) for seq in range(begin, begin + 1000))
    assert abs(count - 1000 * ratio) <= 5
    assert ratio not in {0, 1} or count == 1000 * ratio
