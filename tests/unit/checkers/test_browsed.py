"""``browsed``: who only looks is served too; none of it hides behind the orders, nor one kind of it behind another."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checkers.browsed import Browsed
from harness.history import LOG, READ, REFUSED, History, Window
from harness.model import Outcome
from harness.plan import plan
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import BEGIN_NS, OBJECTIVES, SCENARIO, S, Trouble, a_history, a_plan

CALM = a_plan(calm=True)
BOTH = SCENARIO.replace("products_per_s = 10", "products_per_s = 50\nlogs_per_s = 5").replace("e_s = 12", "e_s = 60")
BOTH_PLAN = plan(parse(BOTH + OBJECTIVES, "made_up.toml"), DECLARATION)
CHECK = Browsed(min_ratio=0.99)


def refusing(history: History, kind: int) -> History:
    """Let a shop refuse one kind of reads, and serve all others."""
    ledger = history.ledger
    fate = np.where(np.equal(ledger.kind, kind), REFUSED, ledger.fate).astype(np.int8)
    return replace(history, ledger=replace(ledger, fate=fate))


def test_a_shop_in_which_everybody_may_look_around_passes() -> None:
    verdict = CHECK.check(a_history(CALM))
    assert (verdict.outcome, verdict.measured["ratio"]) == (Outcome.PASS, 1.0), verdict
    assert 10 <= verdict.measured["p95_ms"] <= 20
    assert verdict.evidence == verdict.measured["due"] > 500


def test_a_shop_that_takes_orders_and_shows_nothing_fails() -> None:
    """No check of orders would see it."""
    verdict = CHECK.check(refusing(a_history(CALM), READ))
    assert (verdict.outcome, verdict.measured["ratio"]) == (Outcome.FAIL, 0.0), verdict
    assert "Only 0 of" in verdict.because


@pytest.mark.parametrize("kind", [READ, LOG])
def test_no_kind_hides_behind_another(kind: int) -> None:
    """One in eleven looks at a log: refused altogether, that is a tenth of all."""
    history = a_history(BOTH_PLAN)
    assert CHECK.check(history).outcome is Outcome.PASS
    verdict = Browsed(min_ratio=0.8).check(refusing(history, kind))
    assert verdict.outcome is Outcome.FAIL
    assert ("logs" if kind == LOG else "products") in verdict.because


def test_what_comes_late_is_not_there() -> None:
    slow = a_history(CALM, [Trouble(from_s=-20, to_s=-15, silent=True)])
    assert CHECK.check(slow).outcome is Outcome.FAIL
    assert Browsed(min_ratio=0.99, within_ms=6000).check(slow).outcome is Outcome.PASS


def test_too_little_proves_nothing() -> None:
    history = a_history(BOTH_PLAN)
    short = history.within(Window(start_ns=BEGIN_NS + 3 * S, end_ns=BEGIN_NS + 5 * S))
    verdict = CHECK.check(short)
    assert (verdict.outcome, "logs were due" in verdict.because) == (Outcome.INCONCLUSIVE, True), verdict
    assert CHECK.check(refusing(short, READ)).outcome is Outcome.FAIL, "of these there were enough"
    gone = replace(history.scenario, load=replace(history.scenario.load, products_per_s=0.0, logs_per_s=0.0))
    assert CHECK.check(replace(history, scenario=gone)).outcome is Outcome.INCONCLUSIVE
