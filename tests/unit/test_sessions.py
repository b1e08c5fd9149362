"""Sessions, counted: which began, which came to their end, which were on the edge that was hit, and who can hide that."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness import events, registry
from harness.checkers.failed_sessions import FailedSessions
from harness.history import SHED, UNKNOWN, History
from harness.judge import judge
from harness.model import Outcome, Verdict
from harness.plan import plan
from harness.planned import Plan
from harness.scenario import Entry, asked_also
from harness.sessions import answers_needed, begun, ended, exposures, failed, first_pages_ms
from harness.visits import ASSET, CART, DIGEST, IDENTITY, OTHER_CART, PAGE
from tests.fake_declaration import DECLARATION
from tests.fake_runs import S, a_history, a_plan, act_ns, without
from tests.fake_sessions import picked, spoilt
from tests.unit.test_never_a_false_green import mixed_up, rows_of, told

ASKED = """
failed_sessions = { sessions = 100, exposed = 10, moved = 10 }
wrong_bytes = {}
carts_lost = {}
wrong_identity = {}
first_page = { p95_max_ms = 500 }
traffic_share = { edge = "cdn_a", step = "step1", max_ratio = 0.01 }
"""
CAUGHT: Mapping[str, Callable[[History], History]] = {
    "failed_sessions": lambda h: spoilt(h, PAGE, status=503),
    "wrong_bytes": lambda h: spoilt(h, ASSET, wrong=DIGEST),
    "carts_lost": lambda h: spoilt(h, CART, wrong=OTHER_CART),
    "wrong_identity": lambda h: spoilt(h, CART, wrong=IDENTITY),
    "first_page": lambda h: replace(h, visits=replace(h.visits, done_ns=h.visits.done_ns + S)),
    "traffic_share": lambda h: replace(
        h, visits=replace(h.visits, edge=np.where(h.visits.edge == "cdn_b", "cdn_a", h.visits.edge))
    ),
}


@cache
def the_plan() -> Plan:
    scenario = asked_also(a_plan(browsing=True).scenario, ASKED, "made_up.toml")
    return plan(scenario, DECLARATION)


@cache
def good() -> History:
    return replace(a_history(a_plan(browsing=True)), scenario=the_plan().scenario)


@cache
def bad(kind: str) -> History:
    return CAUGHT[kind](good())


def the_verdict(history: History) -> Verdict:
    return next(one for one in judge(the_plan(), history).verdicts if one.objective == "failed_sessions")


def not_passed(history: History) -> frozenset[str]:
    return frozenset(one.objective for one in judge(the_plan(), history).verdicts if one.outcome is not Outcome.PASS)


def test_a_good_run_passes_all() -> None:
    judgement = judge(the_plan(), good())
    assert judgement.outcome is Outcome.PASS, judgement


@pytest.mark.parametrize("kind", CAUGHT)
def test_each_bad_run_is_caught_by_its_objective(kind: str) -> None:
    outcomes = {one.objective: one.outcome for one in judge(the_plan(), bad(kind)).verdicts}
    assert outcomes[kind] is Outcome.FAIL
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.FAIL} <= {kind, "failed_sessions"}


@st.composite
def kept(draw: st.DrawFn, count: int) -> NDArray[np.intp]:
    """Draw which of ``count`` rows are left, and in which order."""
    return np.array(mixed_up(draw, count), dtype=np.intp)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_spoilt_requests_pass_nothing_that_did_not_pass(data: st.DataObject) -> None:
    history = bad(data.draw(st.sampled_from(sorted(CAUGHT))))
    rows = data.draw(kept(len(history.visits)))
    assert not not_passed(history) - not_passed(picked(history, rows))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_spoilt_ledger_of_sessions_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    history = bad(data.draw(st.sampled_from(sorted(CAUGHT))))
    poorer = rows_of(history, data.draw(kept(len(history.ledger))))
    counted = told(poorer, events.LoadStopped, rows=int(np.count_nonzero(poorer.ledger.recorded)))
    assert not not_passed(history) - not_passed(counted)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_requests_of_a_failed_session_cannot_be_left_out(data: st.DataObject) -> None:
    """Nor some of them, counted anew, nor its row in the ledger: what remains is doubted."""
    history = bad("failed_sessions")
    session = int(failed(history)[0])
    own = np.flatnonzero(history.visits.session == session).tolist()
    gone = data.draw(st.sets(st.sampled_from(own), min_size=1))
    rows = np.array([row for row in range(len(history.visits)) if row not in gone], dtype=np.intp)
    assert "failed_sessions" in not_passed(picked(history, rows))


def held_back(history: History, session: int) -> History:
    """Give the history as if the generator had held back something of a session."""
    fate = history.ledger.fate.copy()
    fate[session] = SHED
    return replace(history, ledger=replace(history.ledger, fate=fate))


def test_sessions_that_the_generator_held_back_are_no_evidence_and_no_failure() -> None:
    history = spoilt(good(), PAGE, status=0)
    (session,) = failed(history).tolist()
    unsent = history.visits.attempts.copy()
    unsent[history.visits.bad] = 0
    shed = held_back(replace(history, visits=replace(history.visits, attempts=unsent)), session)
    assert len(failed(shed)) == 0
    assert session not in begun(shed)
    assert session not in ended(shed)


@pytest.mark.parametrize(
    ("spoil", "objectives"),
    [
        ({"wrong": DIGEST}, {"failed_sessions", "wrong_bytes"}),
        ({"wrong": IDENTITY}, {"failed_sessions", "wrong_identity"}),
        ({"status": 503}, {"failed_sessions"}),
        ({"status": 0}, {"failed_sessions"}),
        ({"took_ns": 11 * S}, {"failed_sessions"}),
    ],
)
def test_what_failed_before_the_generator_held_its_session_back_counts(
    spoil: Mapping[str, Any], objectives: set[str]
) -> None:
    """Of sessions that never asked to pay: the audit of their orders would find out about the others."""
    never_paid = good().ledger.seq[good().ledger.sessions & (good().ledger.attempts == 0)]
    assets = good().visits.session[good().visits.what == ASSET]
    one = int(np.flatnonzero(np.isin(assets, never_paid))[0])
    history = held_back(spoilt(good(), ASSET, one=one, **spoil), int(assets[one]))
    assert {v.objective for v in judge(the_plan(), history).verdicts if v.outcome is Outcome.FAIL} == objectives


@pytest.mark.parametrize("kind", ["wrong_bytes", "carts_lost", "wrong_identity"])
def test_what_was_right_before_the_act_alone_passes_nothing(kind: str) -> None:
    """Nothing is answered any more after it: whatever was wrong then, nobody was shown it."""
    visits, act = good().visits, act_ns(the_plan())
    dead = replace(visits, status=np.where(visits.sent_ns >= act, 0, visits.status))
    said = {one.objective: one for one in judge(the_plan(), replace(good(), visits=dead)).verdicts}
    assert said[kind].outcome is Outcome.INCONCLUSIVE
    assert "Only 0 " in said[kind].because
    assert "since the last act" in said[kind].because


@pytest.mark.parametrize("kind", ["wrong_bytes", "carts_lost", "wrong_identity"])
def test_where_the_last_act_is_not_known_nothing_was_looked_at(kind: str) -> None:
    checker = registry.make("checkers", Entry(id=kind, kind=kind, params={}), "x.toml", "here")
    assert checker.check(good()).outcome is Outcome.PASS
    blind = checker.check(without(good(), events.Intended, events.Acted))
    assert (blind.outcome, blind.evidence) == (Outcome.INCONCLUSIVE, 0)


def test_a_small_load_needs_twenty_answers_all_the_same() -> None:
    small = told(good(), events.Run, scale=0.001)
    assert answers_needed(small, 1000, 3) == 20
    assert answers_needed(good(), 1000, 3) == 270


def test_who_went_home_when_the_load_ended_is_no_evidence() -> None:
    assert 100 < len(ended(good())) < len(begun(good()))


def test_who_was_on_the_edge_at_the_act_is_exposed_and_who_was_served_elsewhere_has_moved() -> None:
    (one,) = exposures(good())
    assert (one.step, one.edge, one.at_ns) == ("step1", "cdn_a", act_ns(the_plan()))
    assert 0.3 < one.share < 0.7
    assert 10 < len(one.moved) <= len(one.exposed) < 100
    visits = good().visits
    for session in one.exposed.tolist():
        own = visits.edge[visits.session == session]
        assert own[0] == "cdn_a"
    never = picked(good(), np.flatnonzero((visits.edge == "cdn_a") | (visits.done_ns <= (one.at_ns or 0))))
    assert len(exposures(never)[0].moved) == 0


@pytest.mark.parametrize(("asked", "needed"), [({}, (100, 10)), ({"exposed": 12, "moved": 3}, (12, 3))])
def test_a_small_load_needs_some_who_were_moved_all_the_same(asked: Mapping[str, int], needed: tuple[int, int]) -> None:
    verdict = FailedSessions(sessions=100, **asked).check(told(good(), events.Run, scale=0.01))
    assert (verdict.limit["exposed"], verdict.limit["moved"]) == needed
    assert verdict.outcome is (Outcome.PASS if asked else Outcome.INCONCLUSIVE)


def test_without_the_act_nobody_is_exposed_and_nothing_passes() -> None:
    blind = without(good(), events.Intended, events.Acted)
    (one,) = exposures(blind)
    assert (one.at_ns, len(one.exposed)) == (None, 0)
    verdict = the_verdict(blind)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "does not say when step1 hit" in verdict.because


def share_of(history: History) -> Verdict:
    return next(one for one in judge(the_plan(), history).verdicts if one.objective == "traffic_share")


def test_requests_that_no_edge_answered_may_have_gone_to_the_one_that_should_have_none() -> None:
    """Half the shoppers are still sent to an edge that is dead: of those that are answered, none is by it."""
    visits, act = good().visits, act_ns(the_plan())
    hit = (visits.sent_ns >= act) & (visits.session // 2 % 2 == 0)
    edge, status = np.where(hit, "", visits.edge), np.where(hit, 0, visits.status)
    verdict = share_of(replace(good(), visits=replace(visits, edge=edge, status=status)))
    assert verdict.measured["share_ratio"] == 0
    assert verdict.measured["unserved"] > 500
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "No edge answered" in verdict.because


def test_a_share_fails_and_passes_by_what_edges_answered_where_the_others_are_few() -> None:
    visits, act = good().visits, act_ns(the_plan())
    (after,) = np.nonzero(visits.sent_ns >= act)
    few = replace(visits, edge=visits.edge.copy(), status=visits.status.copy())
    few.edge[after[:3]], few.status[after[:3]] = "", 0
    assert share_of(replace(good(), visits=few)).outcome is Outcome.PASS
    unsent = replace(few, attempts=np.where(few.edge == "", 0, few.attempts))
    assert share_of(replace(good(), visits=unsent)).measured["unserved"] == 0
    few.edge[after[3:300]] = "cdn_a"
    assert share_of(replace(good(), visits=few)).outcome is Outcome.FAIL


def test_the_first_page_ends_with_its_last_asset() -> None:
    history = good()
    rows = np.flatnonzero(history.ledger.sessions)
    took = first_pages_ms(history, rows)
    assert took.max() <= 61 + 3 * 300  # whoever began on the edge just then
    assert took.min() == pytest.approx(61)
    late = spoilt(history, ASSET, took_ns=5 * S, one=1)
    assert np.count_nonzero(first_pages_ms(late, rows) > 4000) == 1
    broken = spoilt(history, ASSET, status=0, one=1)
    assert np.count_nonzero(np.isinf(first_pages_ms(broken, rows))) == 1
    assert np.isinf(first_pages_ms(picked(history, np.arange(0)), rows)).all()


def test_an_order_of_a_session_counts_in_the_audit() -> None:
    """Lost, refused and yet present, unknown: as any other order."""
    history = good()
    paid = np.flatnonzero(history.ledger.sessions & (history.ledger.attempts > 0))
    assert history.audit is not None
    assert history.audit.primary is not None
    assert f"run1:{paid[0]}" in history.audit.primary.key
    gone = a_history(a_plan(browsing=True), lost=3000)
    assert np.count_nonzero(gone.lost & gone.ledger.keyed) > 0
    denied = history.ledger.fate.copy()
    denied[paid[0]] = 1
    ghosts = replace(history, ledger=replace(history.ledger, fate=denied))
    assert {one.objective for one in judge(the_plan(), ghosts).verdicts if one.outcome is Outcome.FAIL} == {"ghosts"}
    unsure = history.ledger.fate.copy()
    unsure[paid[0]] = UNKNOWN
    legal = replace(history, ledger=replace(history.ledger, fate=unsure))
    assert judge(the_plan(), legal).outcome is Outcome.PASS
