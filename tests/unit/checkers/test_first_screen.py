"""``first_screen``: what never showed counts as for ever, what nobody saw decides nothing that it could have decided."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.first_screen import FirstScreen
from harness.events import Acted, Healing, Intended, Phase
from harness.history import History
from harness.model import Outcome
from harness.plan import plan
from harness.scenario import parse
from harness.views import BLIND, BROKEN, CRASHED, ERRORS, NO_PICTURE, NO_VIEWS, OWN, STATUS, UNREACHED, Views
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO, a_history, act_ns, without
from tests.fake_sessions import BROWSING
from tests.fake_views import PAINT_MS, PICTURE_MS, reseen, unseen

S = 1_000_000_000
TEXT = SCENARIO.replace("warm_up_s", f"{BROWSING}\nwarm_up_s") + OBJECTIVES + KILL
TEXT = TEXT.replace("orders_db:primary", "cdn_a").replace('["orders_db"', '["cdn_a", "orders_db"')
TEXT = (
    TEXT.replace("baseline_s = 12", "baseline_s = 90")
    .replace("hold_s = 25", "hold_s = 90")
    .replace("give_up_s = 60", "give_up_s = 200")
)
MADE = plan(parse(TEXT, "made_up.toml"), DECLARATION)
GOOD = a_history(MADE)
ACT_NS = act_ns(MADE)
CHECK = FirstScreen()


def healthy(views: Views) -> np.ndarray:
    """Loads of the baseline."""
    return (views.due_ns >= ACT_NS - 90 * S) & (views.due_ns < ACT_NS - S)


def broken(views: Views) -> np.ndarray:
    """Loads while the edge is gone."""
    return (views.due_ns >= ACT_NS - S) & (views.due_ns < ACT_NS + 90 * S)


def first(count: int, edge: str, among: Callable[[Views], np.ndarray]) -> Callable[[Views], np.ndarray]:
    """Choose the first so many loads through an edge."""
    return lambda views: np.flatnonzero(among(views) & (views.edge == edge))[:count]


def test_a_good_run_passes_with_the_evidence_of_both_stretches() -> None:
    verdict = CHECK.check(GOOD)
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert verdict.evidence == verdict.measured["cdn_a_healthy_loads"] == 22
    assert verdict.measured["cdn_b_broken_loads"] >= 22
    assert verdict.measured["cdn_a_broken_p75_ms"] == PICTURE_MS
    assert verdict.measured["cdn_a_broken_paint_p75_ms"] == PAINT_MS


@pytest.mark.parametrize("among", [healthy, broken])
@pytest.mark.parametrize("edge", ["cdn_a", "cdn_b"])
@pytest.mark.parametrize(
    ("column", "value"), [("fcp_ms", 1201.0), ("picture_ms", 1201.0), ("fcp_ms", inf), ("picture_ms", inf)]
)
def test_more_than_a_quarter_that_show_it_late_or_never_fail_and_a_quarter_does_not(
    column: str, value: float, edge: str, among: Callable[[Views], np.ndarray]
) -> None:
    """Of 22 the 17th counts: five may be late, of 23 (the stretch of the act has one more) the 18th, so five too."""
    kept = CHECK.check(reseen(GOOD, first(5, edge, among), **{column: value}))
    assert kept.outcome is Outcome.PASS, kept.because
    verdict = CHECK.check(reseen(GOOD, first(6, edge, among), **{column: value}))
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert f"{edge}, {among.__name__}" in verdict.because
    assert ("never" in verdict.because) is (value == inf)


@pytest.mark.parametrize("error", [UNREACHED, STATUS, NO_PICTURE, BROKEN])
def test_what_is_no_page_of_the_shop_never_showed_however_fast_it_was_painted(error: str) -> None:
    fcp = PAINT_MS if error in (NO_PICTURE, BROKEN) else inf
    spoilt = reseen(GOOD, first(22, "cdn_b", healthy), error=error, fcp_ms=fcp, picture_ms=inf)
    verdict = CHECK.check(spoilt)
    assert verdict.outcome is Outcome.FAIL
    assert error in verdict.examples[0]


def test_fewer_loads_than_needed_decide_nothing() -> None:
    verdict = CHECK.check(unseen(GOOD, first(3, "cdn_a", healthy)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "only 19 loads of 22 are known; 20 are needed" in verdict.because


def test_loads_that_nobody_saw_decide_nothing_where_they_could_have_decided() -> None:
    """Four late and two not known: five late would pass, six would not."""
    late = reseen(GOOD, first(4, "cdn_a", healthy), picture_ms=inf)
    rest = np.flatnonzero(healthy(GOOD.views) & (GOOD.views.edge == "cdn_a"))[-2:]
    verdict = CHECK.check(unseen(late, lambda _: rest))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "2 of 22 loads are not known, which decide" in verdict.because
    assert CHECK.check(unseen(GOOD, lambda _: rest)).outcome is Outcome.PASS


def test_an_edge_that_hangs_fails_though_it_kept_the_browser_from_its_other_loads() -> None:
    """Each load that hangs costs the next one: 11 of 22 hung, of 11 nothing is known. Even so too many never showed."""
    hung = reseen(GOOD, lambda v: np.flatnonzero(broken(v))[::2], fcp_ms=inf, picture_ms=inf, error="unpainted")
    verdict = CHECK.check(unseen(hung, lambda v: np.flatnonzero(broken(v))[1::2]))
    assert verdict.outcome is Outcome.FAIL
    assert "cdn_a, broken" in verdict.because


@pytest.mark.parametrize("error", OWN)
def test_a_browser_that_crashes_or_sees_nothing_itself_neither_fails_nor_passes(error: str) -> None:
    spoilt = reseen(GOOD, first(22, "cdn_b", broken), error=error, fcp_ms=inf, picture_ms=inf)
    verdict = CHECK.check(spoilt)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert ("crashed" in verdict.because) is (error == CRASHED)


def test_one_crash_is_enough_to_leave_it_open() -> None:
    verdict = CHECK.check(reseen(GOOD, lambda v: [len(v) - 1], error=CRASHED, fcp_ms=inf, picture_ms=inf))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "The browser crashed (1 time)" in verdict.because


def test_an_edge_that_was_never_looked_through_is_no_evidence_for_it() -> None:
    """Its cookie was there, and another one served: nobody knows how it would have been."""
    elsewhere = reseen(GOOD, first(3, "cdn_a", healthy), served="cdn_b")
    verdict = CHECK.check(elsewhere)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cdn_a itself served only 19 loads; 20 are needed" in verdict.because


def test_who_serves_while_an_edge_is_gone_does_not_matter() -> None:
    assert set(GOOD.views.served[broken(GOOD.views) & (GOOD.views.edge == "cdn_a")].tolist()) == {"cdn_b", "cdn_a"}
    assert CHECK.check(reseen(GOOD, broken, served="cdn_b")).outcome is Outcome.PASS


def test_a_run_without_a_fault_is_judged_by_its_baseline() -> None:
    calm = plan(parse(TEXT[: TEXT.index("rto =")], "made_up.toml"), DECLARATION)
    history = a_history(calm)
    verdict = CHECK.check(history)
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert "cdn_a_broken_loads" not in verdict.measured
    assert CHECK.check(reseen(history, lambda v: v.edge == "cdn_a", picture_ms=2000.0)).outcome is Outcome.FAIL


@pytest.mark.parametrize("gone", [Phase, Intended])
def test_without_knowing_when_nothing_passes(gone: type[Phase | Intended]) -> None:
    poor = without(GOOD, gone, Acted) if gone is Intended else without(GOOD, gone)
    assert CHECK.check(poor).outcome is Outcome.INCONCLUSIVE


def test_without_a_heal_the_browser_is_judged_to_the_end_of_the_load() -> None:
    late = reseen(GOOD, lambda v: v.due_ns > ACT_NS + 60 * S, picture_ms=inf)
    assert CHECK.check(without(late, Healing)).outcome is Outcome.FAIL


def test_no_browser_is_no_evidence() -> None:
    verdict = CHECK.check(replace(GOOD, views=NO_VIEWS))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "No browser was to look" in verdict.because


@given(st.data())
def test_losing_or_spoiling_loads_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    late = data.draw(st.integers(0, 22))
    history: History = reseen(GOOD, first(late, "cdn_a", healthy), picture_ms=inf)
    before = CHECK.check(history).outcome
    rows = data.draw(st.lists(st.integers(0, len(GOOD.views) - 1), max_size=60, unique=True))
    error = data.draw(st.sampled_from([*ERRORS, ""]))
    poorer = (
        reseen(history, lambda _: rows, error=error, fcp_ms=inf, picture_ms=inf)
        if error
        else unseen(history, lambda _: rows)
    )
    after = CHECK.check(poorer).outcome
    assert after is not Outcome.PASS or before is Outcome.PASS
    if not error or error in (BLIND, CRASHED):
        assert after is not Outcome.FAIL or before is Outcome.FAIL
