"""Whom a step on an edge has moved: what other steps do, or our own heal, is no evidence of it."""

from dataclasses import replace

import pytest

from harness import events
from harness.checkers.failed_sessions import FailedSessions
from harness.model import Outcome
from harness.sessions import exposures
from tests.fake_runs import S, act_ns, also, without
from tests.unit.test_sessions import good, the_plan


def test_what_one_step_moved_is_no_evidence_of_another() -> None:
    """The second hits the other edge, which by then carries all, and does nothing to anybody: nobody has to move."""
    scenario = the_plan().scenario
    step = scenario.steps[0]
    again = replace(step, id="step2", at_s=10.0, fault=replace(step.fault, params={"target": "cdn_b"}))
    later = act_ns(the_plan()) + 10 * S
    more: list[events.Event] = [replace(one, at_ns=later, step="step2") for one in good().all(events.Intended)]
    more += [replace(one, at_ns=later, t0_ns=later, step="step2") for one in good().all(events.Acted)]
    twice = replace(also(good(), *more), scenario=replace(scenario, steps=(step, again)))
    first, second = exposures(twice)
    assert len(first.moved) > 10
    assert (second.edge, second.share, len(second.moved)) == ("cdn_b", 1.0, 0)
    assert len(second.exposed) > 10
    checker = FailedSessions(sessions=100, exposed=10, moved=10)
    assert checker.check(good()).outcome is Outcome.PASS
    verdict = checker.check(twice)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == "Only 0 of those on cdn_b when step2 hit it were moved; 10 are needed."


@pytest.mark.parametrize("ends", ["with the next act", "with its own heal"])
def test_what_comes_later_is_no_evidence_of_what_was_before(ends: str) -> None:
    """A step that does nothing to anybody, 2 s before shoppers move: that is the next one's work, or that of our heal."""
    scenario, act = the_plan().scenario, act_ns(the_plan())
    (step,) = scenario.steps
    idle: list[events.Event] = [replace(one, at_ns=act - 2 * S, step="idle") for one in good().all(events.Intended)]
    idle += [events.Acted(at_ns=act - 2 * S, t0_ns=act - 2 * S, step="idle")]
    steps, history = [replace(step, id="idle"), step], good()
    if ends == "with its own heal":
        idle += [events.Healing(at_ns=act - S, step="idle", reason="planned")]
        history, steps = without(history, events.Intended, events.Acted), steps[:1]
    first, *others = exposures(replace(also(history, *idle), scenario=replace(scenario, steps=tuple(steps))))
    assert (len(first.exposed) > 10, len(first.moved)) == (True, 0)
    assert all(len(one.moved) > 10 for one in others)
