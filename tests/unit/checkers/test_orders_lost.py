"""``orders_lost``: what was acknowledged is there at the end."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checkers.orders_lost import OrdersLost
from harness.history import UNKNOWN, History
from harness.model import Outcome
from tests.fake_runs import RUN, S, Trouble, a_history, a_plan, with_audit


def test_everything_found_passes() -> None:
    verdict = OrdersLost().check(a_history())
    assert (verdict.outcome, verdict.measured["orders_lost"]) == (Outcome.PASS, 0)
    assert verdict.evidence >= verdict.needed == 900


def test_lost_orders_fail_with_their_ids_and_the_age_of_the_oldest() -> None:
    history = a_history(lost=25)
    verdict = OrdersLost().check(history)
    assert (verdict.outcome, verdict.measured["orders_lost"]) == (Outcome.FAIL, 25)
    assert len(verdict.examples) == 20
    oldest = int(np.flatnonzero(history.lost)[0])
    assert verdict.examples[0] == f"o{oldest} ({RUN}:{oldest})"
    assert verdict.measured["oldest_lost_age_s"] == pytest.approx(57, abs=0.5)
    assert "s before the first act" in verdict.because


def test_an_order_with_other_lines_is_lost() -> None:
    history = a_history()
    assert history.audit is not None
    nodes = tuple(replace(node, digest=("other", *node.digest[1:])) for node in history.audit.nodes)
    verdict = OrdersLost().check(with_audit(history, replace(history.audit, nodes=nodes)))
    assert (verdict.outcome, verdict.measured["orders_lost"]) == (Outcome.FAIL, 1)


def test_some_may_be_lost_if_the_scenario_says_so() -> None:
    assert OrdersLost(max=25).check(a_history(lost=25)).outcome is Outcome.PASS


def test_unknown_orders_are_neither_lost_nor_saved_but_counted() -> None:
    history = a_history(troubles=[Trouble(from_s=0, to_s=20, silent=True)])
    unknown = history.ledger.orders & (history.ledger.fate == UNKNOWN)
    verdict = OrdersLost().check(history)
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured["unknown_absent"] == np.count_nonzero(unknown) > 900
    assert verdict.measured["unknown_present"] == 0


def test_a_node_that_was_not_read_leaves_a_pass_open_but_not_a_failure() -> None:
    def missing(history: History) -> History:
        assert history.audit is not None
        return with_audit(history, replace(history.audit, missing={"orders_db-1": "no answer"}))

    verdict = OrdersLost().check(missing(a_history()))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "orders_db-1 (no answer)" in verdict.because
    assert OrdersLost().check(missing(a_history(lost=1))).outcome is Outcome.FAIL


def test_no_loss_proves_nothing_where_nothing_was_sold_before_the_act() -> None:
    verdict = OrdersLost().check(a_history(troubles=[Trouble(from_s=-8, to_s=-1)]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "in the 10 s before the first act" in verdict.because


def test_an_audit_of_before_the_end_is_inconclusive() -> None:
    history = a_history()
    assert history.audit is not None
    early = with_audit(history, replace(history.audit, at_ns=history.window.end_ns - 1))
    assert OrdersLost().check(early).outcome is Outcome.INCONCLUSIVE


def test_what_was_acknowledged_after_the_audit_is_no_loss() -> None:
    history = a_history(lost=5)
    assert history.audit is not None
    early = with_audit(history, replace(history.audit, at_ns=2 * S))
    verdict = OrdersLost().check(early)
    assert (verdict.outcome, verdict.measured["orders_lost"]) == (Outcome.INCONCLUSIVE, 0)


def test_without_a_fault_the_whole_run_is_the_evidence() -> None:
    verdict = OrdersLost().check(a_history(a_plan(calm=True)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence > 6000


@pytest.mark.parametrize("lost", [0, 5])
def test_without_an_audit_or_a_primary_it_is_inconclusive(lost: int) -> None:
    history = a_history(lost=lost)
    assert history.audit is not None
    headless = replace(history.audit, nodes=history.audit.nodes[:1])
    for audit in (None, headless):
        assert OrdersLost().check(with_audit(history, audit)).outcome is Outcome.INCONCLUSIVE
