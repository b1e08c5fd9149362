"""``blast_radius``: who may suffer, who may not, and what nobody looked at."""

from dataclasses import replace

import pytest

from harness.checkers.blast_radius import BlastRadius
from harness.events import Event, Parts, Sample
from harness.history import History
from harness.model import Outcome, Verdict
from tests.fake_runs import S, a_history, a_plan, act_ns, sealed, without

ACT = act_ns(a_plan())


def judged(history: History) -> Verdict:
    return BlastRadius().check(history)


def seen(on: str, value: str | None, from_s: float, to_s: float, every: int = 1) -> History:
    """Give the history with what every n-th look at one instance saw from so many seconds after the act on."""
    history, begin_ns, end_ns = a_history(), ACT + from_s * S, ACT + to_s * S
    looks = [one for one in history.samples("health", on) if begin_ns <= one.at_ns < end_ns][every - 1 :: every]
    changed: list[Event] = [replace(one, value=value) for one in looks]
    kept = [event for event in history.events if event not in looks]
    return replace(history, events=sealed(sorted([*kept, *changed], key=lambda event: event.at_ns)))


def test_what_lies_inside_may_suffer() -> None:
    """The primary and the storefronts are silent for half a minute."""
    verdict = judged(a_history())
    assert verdict.outcome is Outcome.PASS
    assert verdict.measured == {"unwell": 0, "unwell_looks": 0}


@pytest.mark.parametrize("value", ["silent", "refused"])
def test_what_lies_outside_may_not(value: str) -> None:
    verdict = judged(seen("etcd", value, 3, 5))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == "Outside the blast radius etcd did not answer for being well."
    assert verdict.examples == ("etcd: unwell at T+18.0 s",)


def test_each_instance_counts_by_itself() -> None:
    """The other storefront: only one of them is declared here."""
    history = a_history()
    history = replace(history, scenario=replace(history.scenario, blast_radius=("orders_db",)))
    assert "storefront-1, storefront-2" in judged(history).because


def test_one_look_may_be_lost_but_not_every_third() -> None:
    assert judged(seen("etcd", "silent", 3, 4)).outcome is Outcome.PASS
    assert judged(seen("etcd", "silent", 0, 40, every=3)).outcome is Outcome.FAIL


def test_before_the_act_it_is_not_about_the_fault() -> None:
    """What is not well then is the steady state's business."""
    assert judged(seen("etcd", "silent", -8, 0)).outcome is Outcome.PASS


def test_what_nobody_looked_at_is_not_known() -> None:
    """Misses, too few looks, no looks at one instance, no looks at all."""
    assert judged(seen("etcd", None, 5, 25)).outcome is Outcome.INCONCLUSIVE
    history = a_history()
    for gone in ({"etcd"}, {"lb", "db_route"}):
        kept = [event for event in history.events if not (isinstance(event, Sample) and event.on in gone)]
        verdict = judged(replace(history, events=sealed(kept)))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "was looked at only 0 times" in verdict.because
    assert judged(without(history, Sample)).outcome is Outcome.INCONCLUSIVE
    assert judged(without(history, Parts)).outcome is Outcome.INCONCLUSIVE


def test_a_time_in_which_nobody_saw_it_leaves_it_open() -> None:
    """Right after the act, when it matters most; there are looks enough over the whole."""
    verdict = judged(seen("etcd", None, 0, 7))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == "Nobody saw etcd for 7 s."
