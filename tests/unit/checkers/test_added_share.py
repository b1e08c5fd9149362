"""``added_share``: its part of the orders soon after it was ready, and from then on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.added_share import AddedShare
from harness.events import Acted, Bitten, Healing, Looked, NotBitten
from harness.judge import judge
from harness.model import Outcome
from harness.planned import Objective
from tests.fake_runs import STEP, S, a_history, a_plan, also, without
from tests.fake_scaling import adding

CHECK = AddedShare(budget_s=5, min_ratio=0.2)
SEEN: dict[str, tuple[Callable[[float], float | None], Outcome, float]] = {
    "soon": (lambda at_s: 0.33 if at_s > 2.5 else 0.0, Outcome.PASS, 2.9),
    "a little at first": (lambda at_s: min(0.3, at_s / 10), Outcome.PASS, 2.9),
    "now and then less": (lambda at_s: 0.1 if int(at_s) % 3 == 0 else 0.3, Outcome.PASS, 1.9),
    "too late": (lambda at_s: 0.33 if at_s > 8 else 0.0, Outcome.FAIL, 8.9),
    "never enough": (lambda at_s: 0.15 * (at_s > 0), Outcome.FAIL, 24.9),
    "never any": (lambda _: 0.0, Outcome.FAIL, 24.9),
    "only for a moment": (lambda at_s: 0.33 if 0 < at_s < 4 else 0.01, Outcome.FAIL, 0.1),
    "unseen": (lambda _: None, Outcome.INCONCLUSIVE, 0),
    "unseen within the budget": (lambda at_s: 0.33 if at_s > 8 else None, Outcome.INCONCLUSIVE, 0),
    "unseen later": (lambda at_s: 0.33 if at_s < 3 else None, Outcome.INCONCLUSIVE, 0.1),
    "half of the time": (lambda at_s: 0.33 if int(at_s) % 2 else 0.1, Outcome.INCONCLUSIVE, 0),
    "unseen when it was due": (lambda at_s: 0.33 if at_s > 8 else 0.0 if at_s < 2 else None, Outcome.INCONCLUSIVE, 0),
    "seen now and then": (lambda at_s: 0.33 if int(at_s) % 2 else None, Outcome.INCONCLUSIVE, 0),
}


@pytest.mark.parametrize("row", SEEN)
def test_what_was_seen_decides(row: str) -> None:
    share, outcome, took_s = SEEN[row]
    verdict = CHECK.check(adding(a_history(), share))
    assert verdict.outcome is outcome, verdict.because
    if took_s:
        assert verdict.measured["took_s"] == pytest.approx(took_s)


@pytest.mark.parametrize("gone", [Acted, Looked])
def test_without_the_records_it_is_inconclusive(gone: type[Acted]) -> None:
    assert CHECK.check(without(adding(a_history(), lambda _: 0.3), gone)).outcome is Outcome.INCONCLUSIVE


def test_what_was_seen_after_the_heal_does_not_count() -> None:
    heal_s = 24.9
    assert CHECK.check(adding(a_history(), lambda at_s: 0.3 if at_s >= heal_s else 0.0)).outcome is Outcome.FAIL
    unhealed = without(adding(a_history(), lambda _: 0.3), Healing)
    assert CHECK.check(unhealed).outcome is Outcome.PASS, "then to the end of the load, most of which was seen"


def test_an_instance_that_nobody_sends_anything_to_fails_in_a_whole_judgement() -> None:
    """Although its step was not seen to bite, which is what was to be found out."""
    plan = a_plan()
    only = Objective(id="joins", kind="added_share", when="all", checker=CHECK)
    history = adding(a_history(plan), lambda _: 0.0)
    act = next(history.all(Acted)).at_ns
    unseen = NotBitten(at_ns=act + 5 * S, step=STEP, because="it was given nothing")
    judged = judge(replace(plan, objectives=(only,)), also(without(history, Bitten), unseen))
    assert judged.verdicts[0].outcome is Outcome.FAIL, judged.verdicts[0].because


@given(share=st.lists(st.sampled_from([0.0, 0.1, 0.33]), min_size=26, max_size=26), kept=st.sets(st.integers(0, 80)))
def test_no_look_that_is_lost_makes_a_pass(share: list[float], kept: set[int]) -> None:
    whole = adding(a_history(), lambda at_s: share[int(at_s)] if 0 < at_s < len(share) else 0.0)
    looks = [event for event in whole.events if isinstance(event, Looked)]
    lost = [look for number, look in enumerate(looks) if number not in kept]
    poorer = replace(whole, events=tuple(event for event in whole.events if event not in lost))
    if CHECK.check(poorer).outcome is Outcome.PASS:
        assert CHECK.check(whole).outcome is Outcome.PASS


def test_a_run_that_adds_nothing_proves_nothing() -> None:
    assert CHECK.check(a_history()).outcome is Outcome.INCONCLUSIVE
