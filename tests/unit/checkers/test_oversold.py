"""``oversold``: the books balance, product by product."""

from dataclasses import replace

import pytest

from harness.audited import StockLevel
from harness.checkers.oversold import Oversold
from harness.history import History
from harness.model import Outcome
from tests.fake_runs import SKUS, a_history, with_audit


def stocked(*levels: StockLevel, skus: int = SKUS) -> History:
    history = a_history()
    assert history.audit is not None
    stock = (*levels, *history.audit.stock[len(levels) :])
    return with_audit(history, replace(history.audit, stock=stock, skus=skus))


def level(final: int, sold: int) -> StockLevel:
    return StockLevel(sku="scarce", initial=500, final=final, sold=sold)


def test_balanced_books_pass_also_when_a_product_is_sold_out() -> None:
    verdict = Oversold().check(stocked(level(0, 500)))
    assert (verdict.outcome, verdict.measured["sold_out"]) == (Outcome.PASS, 1)
    assert verdict.evidence == SKUS


@pytest.mark.parametrize(("left", "outcome"), [(0, Outcome.PASS), (1, Outcome.INCONCLUSIVE), (-1, Outcome.FAIL)])
def test_where_nobody_wanted_the_last_pieces_nothing_is_proved(left: int, outcome: Outcome) -> None:
    history = stocked(level(left, 500 - left))
    scarce = replace(history.scenario, load=replace(history.scenario.load, last_pieces=500))
    assert Oversold().check(replace(history, scenario=scarce)).outcome is outcome


@pytest.mark.parametrize(("final", "sold"), [(-3, 503), (0, 503), (1, 500), (0, 499)])
def test_less_than_nothing_or_other_than_sold_fails(final: int, sold: int) -> None:
    verdict = Oversold().check(stocked(level(final, sold)))
    assert (verdict.outcome, verdict.measured["oversold"]) == (Outcome.FAIL, 1)
    assert verdict.examples == (f"scarce: began with 500, {final} left, {sold} sold",)


def test_a_product_that_was_not_read_is_inconclusive_unless_another_fails() -> None:
    assert Oversold().check(stocked(skus=SKUS + 1)).outcome is Outcome.INCONCLUSIVE
    assert Oversold().check(stocked(level(-1, 501), skus=SKUS + 1)).outcome is Outcome.FAIL


def test_the_same_product_read_twice_counts_once() -> None:
    assert Oversold().check(stocked(level(400, 100), level(400, 100))).outcome is Outcome.INCONCLUSIVE


def test_nothing_sold_proves_nothing() -> None:
    nothing = [StockLevel(sku=f"sku{number}", initial=5, final=5, sold=0) for number in range(SKUS)]
    assert Oversold().check(stocked(*nothing)).outcome is Outcome.INCONCLUSIVE
