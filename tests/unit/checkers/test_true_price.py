"""Prices as shown: wrong for a moment is forgiven, wrong for longer is found, and what nobody saw is never well."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.capabilities import Truthful
from harness.checkers.true_price import TruePrice
from harness.errors import PlanError
from harness.events import Event, Sample
from harness.history import History
from harness.model import Outcome
from harness.plan import plan
from harness.scenario import parse
from sut.shop import ReferenceShop
from tests.fake_runs import a_history, a_plan, act_ns, sealed

S = 1_000_000_000
MADE = a_plan()
ACT_NS = act_ns(MADE)
CHECK = TruePrice(stale_max_s=4)
STALE = Path(__file__).parents[3] / "scenarios" / "cdn_serves_stale_price.toml"


def shown(value: float | str | None, to_s: float, every: int = 1, by: str = "storefront-2") -> History:
    """Give a good run in which pages of one instance show something else from the act on, at every so many looks."""
    history, told, count = a_history(MADE), list[Event](), 0
    until_ns = ACT_NS + round(to_s * S)
    for event in history.events:
        if isinstance(event, Sample) and (event.probe, event.on) == ("price", by) and ACT_NS <= event.at_ns < until_ns:
            count += 1
            told.append(
                event if count % every else replace(event, value=value, why=None if value is not None else "no route")
            )
        else:
            told.append(event)
    return replace(history, events=sealed(told))


def test_right_prices_pass() -> None:
    verdict = CHECK.check(a_history(MADE))
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert verdict.measured["wrong_s"] == 0


@pytest.mark.parametrize(
    ("value", "to_s", "outcome", "wrong_s"),
    [
        ("wrong", 4, Outcome.PASS, 3),
        ("wrong", 5, Outcome.PASS, 4),
        ("wrong", 6, Outcome.FAIL, 5),
        (3_999.0, 6, Outcome.PASS, 0),
        (4_001.0, 1, Outcome.FAIL, 0),
        (None, 4, Outcome.PASS, 0),
        (None, 8, Outcome.INCONCLUSIVE, 0),
        ("silent", 8, Outcome.INCONCLUSIVE, 0),
        ("refused", 8, Outcome.INCONCLUSIVE, 0),
    ],
)
def test_what_is_shown_is_judged_by_how_long(
    value: float | str | None, to_s: float, outcome: Outcome, wrong_s: float
) -> None:
    verdict = CHECK.check(shown(value, to_s))
    assert verdict.outcome is outcome, verdict.because
    assert verdict.measured["wrong_s"] == wrong_s


@pytest.mark.parametrize("by", ["storefront-1", "storefront-2"])
def test_each_instance_is_looked_at_by_itself(by: str) -> None:
    """What one shows rightly does not make up for what another shows wrongly, in the other half of all pages."""
    verdict = CHECK.check(shown("wrong", 20, by=by))
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert f"{by} showed a wrong price" in verdict.because


@pytest.mark.parametrize("every", [2, 3, 4])
def test_wrong_and_right_by_turns_is_one_stretch(every: int) -> None:
    verdict = CHECK.check(shown("wrong", 20, every=every))
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert verdict.measured["wrong_s"] > 10


@pytest.mark.parametrize("stale_max_s", [0.2, 0.99, 1.0, 2.0])
def test_wrong_at_every_look_is_one_stretch_however_little_is_forgiven(stale_max_s: float) -> None:
    """Also where less is forgiven than lies between two looks."""
    verdict = TruePrice(stale_max_s=stale_max_s).check(shown("wrong", 20))
    assert verdict.outcome is Outcome.FAIL, verdict.because
    assert verdict.measured["wrong_s"] >= 18


def test_what_was_right_for_as_long_as_is_stated_is_over() -> None:
    """Stock that runs out now and then is shown late each time, and never for long."""
    verdict = CHECK.check(shown("wrong", 20, every=5))
    assert verdict.outcome is Outcome.PASS, verdict.because
    assert verdict.measured["wrong_s"] == 0
    assert verdict.measured["wrong_looks"] >= 4


@pytest.mark.parametrize("kept", [0, 5])
def test_an_instance_that_nobody_looked_at_long_enough_leaves_it_open(kept: int) -> None:
    """Also one at which nobody looked at all, though it was there."""
    history, left, told = a_history(MADE), kept, list[Event]()
    for event in history.events:
        if isinstance(event, Sample) and (event.probe, event.on) == ("price", "storefront-2"):
            left -= 1
            if left < 0:
                continue
        told.append(event)
    verdict = CHECK.check(replace(history, events=sealed(told)))
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.because
    assert "storefront-2" in verdict.because


def elsewhere(value: float | str | None) -> History:
    """Give a good run in which a second place shows something else after the act, between the looks at the first."""
    history = a_history(MADE)
    told: list[Event] = []
    for event in history.events:
        told.append(event)
        if isinstance(event, Sample) and event.probe == "price":
            seen = value if event.at_ns >= ACT_NS else 1.0
            why = None if seen is not None else "no route"
            told.append(replace(event, on="steering", value=seen, why=why, at_ns=event.at_ns + S // 2))
    return replace(history, events=sealed(told))


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(1.0, Outcome.PASS), ("wrong", Outcome.FAIL), (4_001.0, Outcome.FAIL), (None, Outcome.INCONCLUSIVE)],
)
def test_each_place_is_judged_by_its_own_looks(value: float | str | None, outcome: Outcome) -> None:
    """Right ones at another place, between them, end no stretch and are no evidence."""
    verdict = CHECK.check(elsewhere(value))
    assert verdict.outcome is outcome, verdict.because


def test_a_place_that_ran_and_was_never_looked_at_leaves_it_open() -> None:
    history = a_history(MADE)
    lb = next(one for one in history.declaration.components if one.name == "lb")
    others = tuple(one for one in history.declaration.components if one is not lb)
    showing = replace(lb, abilities=lb.abilities | {Truthful})
    verdict = CHECK.check(replace(history, declaration=replace(history.declaration, components=(showing, *others))))
    assert verdict.outcome is Outcome.INCONCLUSIVE, verdict.because
    assert verdict.evidence == 0


def test_wrong_looks_far_apart_prove_nothing_of_what_was_between() -> None:
    history = shown("wrong", 20)
    told = [
        event
        for event in history.events
        if not (isinstance(event, Sample) and event.probe == "price" and ACT_NS + S < event.at_ns < ACT_NS + 19 * S)
    ]
    verdict = CHECK.check(replace(history, events=sealed(told)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.measured["wrong_s"] <= 1


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        ("hold_s = 30", "hold_s = 16", "our own heal would end what is stale .* write hold_s = 17 or more"),
        ("stable_s  = 20", "stable_s  = 16", "the load could end before stale_max_s is over; write stable_s = 17 or more"),
    ],
)
def test_what_would_be_over_before_it_is_too_old_is_refused(old: str, new: str, because: str) -> None:
    text, shop = STALE.read_text(encoding="utf-8"), ReferenceShop().declaration
    with pytest.raises(PlanError, match=because):
        plan(parse(text.replace(old, new), STALE.name), shop)
    plan(parse(text.replace(old, new.replace("16", "17")), STALE.name), shop)
