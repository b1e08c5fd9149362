"""Doubts: each reason not to believe a run, and that a good run gives none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import events
from harness.audited import Audit
from harness.doubts import doubts
from harness.events import Event
from harness.history import SHED, UNKNOWN, History
from harness.model import Doubt, Outcome, Reading
from harness.plan import plan
from harness.scenario import load
from sut.shop import ReferenceShop
from tests.fake_monitoring import PRIMARY
from tests.fake_runs import STEP, S, a_history, a_plan, act_ns, also, sealed, with_audit, without

PLAN = a_plan()
Edit = Callable[[History], History]
ACT = act_ns(PLAN)


def of(history: History) -> tuple[Doubt, ...]:
    return doubts(PLAN, history)


def changed(history: History, edit: Callable[[Event], Event]) -> History:
    return replace(history, events=tuple(edit(event) for event in history.events))


def ledger_with(history: History, first: int, **columns: int) -> History:
    """Write values into the first rows of some columns of the ledger."""
    edited = {name: getattr(history.ledger, name).copy() for name in columns}
    for name, value in columns.items():
        edited[name][:first] = value
    return replace(history, ledger=replace(history.ledger, **edited))


@pytest.mark.parametrize("calm", [False, True])
def test_a_good_run_is_not_doubted(calm: bool) -> None:
    made = a_plan(calm=calm)
    assert doubts(made, a_history(made)) == ()


def test_doubts_found_while_reading_come_first_and_once() -> None:
    found = Doubt(because="a line is torn", voids=frozenset({Outcome.PASS}))
    assert of(replace(a_history(), integrity=(found, found))) == (found,)


@pytest.mark.parametrize(
    ("off_s", "from_s", "to_s", "doubted"),
    [
        (25, 20, 99, True),
        (-20, 20, 99, True),
        (0.6, 30, 40, True),
        (0.4, 20, 99, False),
        (3, 20, 22, False),  # we were stopped between the two times of some pairs
    ],
)
def test_a_wall_clock_that_was_set_is_doubted(off_s: float, from_s: int, to_s: int, doubted: bool) -> None:
    pairs = [
        events.ClockPair(at_ns=at * S, wall_ns=(10**9 + at) * S + round(off_s * S) * (from_s <= at < to_s))
        for at in range(60)
    ]
    found = of(also(a_history(), *pairs))
    assert [one.voids for one in found if "wall clock was set" in one.because] == [
        frozenset({Outcome.PASS}),
        frozenset({Outcome.FAIL}),
    ] * doubted
    assert bool(found) is doubted


def looked(at_ns: int, stage: str, value: float | str | None, *, bitten: bool | None) -> events.Looked:
    reading = Reading(at_ns=at_ns, value=value)
    return events.Looked(at_ns=at_ns, step=STEP, instance=PRIMARY, stage=stage, reading=reading, bitten=bitten)


def samples_gone(history: History, probe: str, from_s: float, to_s: float) -> History:
    return replace(
        history,
        events=sealed(
            event
            for event in history.events
            if not (isinstance(event, events.Sample) and event.probe == probe and from_s * S <= event.at_ns - ACT < to_s * S)
        ),
    )


def looks_gone(history: History, stage: str, keep: int = 0) -> History:
    gone = [event for event in history.all(events.Looked) if event.stage == stage][keep:]
    return replace(history, events=sealed(event for event in history.events if event not in gone))


def healed_after(history: History, hold_s: float) -> History:
    return changed(history, lambda e: replace(e, at_ns=ACT + round(hold_s * S)) if isinstance(e, events.Healing) else e)


def an_audit(history: History) -> Audit:
    assert history.audit is not None
    return history.audit


HIDING: dict[str, Edit] = {
    "journal does not begin": lambda h: without(h, events.Run),
    "not closed": lambda h: replace(h, events=h.events[:-1]),
    "seal counts": lambda h: replace(h, events=h.events[1:]),
    "phases of the run": lambda h: without(h, events.Phase),
    "stopped before its end": lambda h: also(h, events.Interrupted(at_ns=ACT, by="SIGINT")),
    "could not be watched": lambda h: also(h, events.Gap(at_ns=ACT, what="the engine's events")),
    "no step of the plan": lambda h: also(h, events.Acted(at_ns=ACT, step="step9", t0_ns=ACT)),
    "never acted": lambda h: without(h, events.Acted),
    "not seen to bite": lambda h: without(h, events.Bitten),
    "it never died": lambda h: also(h, events.NotBitten(at_ns=ACT + S, step=STEP, because="it never died")),
    "well only 4 times": lambda h: looks_gone(h, "baseline", keep=4),
    "saw its instance silent": lambda h: also(h, looked(ACT - S, "baseline", "silent", bitten=False)),
    "nothing is known of the heal": lambda h: without(h, events.Healing),
    "healed by itself": lambda h: also(h, looked(ACT + 9 * S, "held", 2.0, bitten=False)),
    "could not tell": lambda h: also(h, looked(ACT + 9 * S, "held", None, bitten=None)),
    "nobody looked for more than 5 s": lambda h: looks_gone(h, "held"),
    "held for only 24.0 s": lambda h: healed_after(h, 24),
    "when the load began and ended": lambda h: without(h, events.LoadStopped),
    "did not close its ledger": lambda h: changed(
        h, lambda e: replace(e, rows=None) if isinstance(e, events.LoadStopped) else e
    ),
    "the ledger holds": lambda h: ledger_with(h, 1, recorded=False),
    "planned arrivals in their order": lambda h: ledger_with(h, 1, seq=1),
    "no audit of a primary": lambda h: with_audit(h, None),
    "the journal says": lambda h: replace(h, audit=replace(an_audit(h), nodes=an_audit(h).nodes[1:])),
    "did not send": lambda h: ledger_with(h, 40, fate=SHED, sent_ns=-1, done_ns=-1),
    "have no record": lambda h: ledger_with(h, 40, recorded=False, fate=UNKNOWN, sent_ns=-1, done_ns=-1),
    "nobody looked at redundancy": lambda h: samples_gone(h, "redundancy", 10, 16),
    "nobody looked at role": lambda h: without(h, events.Sample),
}


@pytest.mark.parametrize("because", HIDING)
def test_what_may_hide_a_failure_voids_every_pass(because: str) -> None:
    found = [doubt for doubt in of(HIDING[because](a_history())) if because in doubt.because]
    assert any(doubt.voids == {Outcome.PASS} and not doubt.timing_only and not doubt.reaction_only for doubt in found)


@pytest.mark.parametrize("kind", [events.Acted, events.Intended, events.Bitten])
def test_a_fault_without_effect_also_voids_failures_to_react(kind: type[Event]) -> None:
    found = [doubt for doubt in of(without(a_history(), kind)) if Outcome.FAIL in doubt.voids]
    assert found
    assert all(doubt.reaction_only for doubt in found)


def busy(history: History) -> History:
    return changed(
        history, lambda e: replace(e, value=0.2) if isinstance(e, events.Sample) and e.probe == "foreign_cpu" else e
    )


def late(history: History) -> History:
    """Stop the generator for three seconds: what was due then is sent at their end."""
    ledger = history.ledger
    since, until = ACT - 8 * S, ACT - 5 * S
    sent = np.where((ledger.intended_ns >= since) & (ledger.intended_ns < until), until, ledger.sent_ns)
    return replace(history, ledger=replace(ledger, sent_ns=sent))


FAKING: dict[str, Edit] = {
    "others used 20% of the machine": busy,
    "how busy the machine was": lambda h: samples_gone(h, "foreign_cpu", -100, 30),
    "the generator was late": late,
    "have no record": lambda h: ledger_with(h, 40, recorded=False, fate=UNKNOWN, sent_ns=-1, done_ns=-1),
}


@pytest.mark.parametrize("because", FAKING)
def test_what_may_fake_slowness_voids_failures_of_timing_checks_only(because: str) -> None:
    found = [doubt for doubt in of(FAKING[because](a_history())) if because in doubt.because]
    assert any(doubt.voids == {Outcome.FAIL} and doubt.timing_only for doubt in found)


def test_orders_never_sent_are_no_lateness() -> None:
    """A shop that is silent makes the generator shed; that must not void the shop's own failure."""
    found = of(ledger_with(a_history(), 400, fate=SHED, sent_ns=-1, done_ns=-1))
    assert all(doubt.voids == {Outcome.PASS} for doubt in found)


def test_a_calm_run_expects_no_steps() -> None:
    calm = a_plan(calm=True)
    assert any("phases" in doubt.because for doubt in doubts(calm, a_history()))


SCENARIOS = Path(__file__).parents[2] / "scenarios"
ENDS = plan(load(SCENARIOS / "db_replication_cut_2s_then_primary_lost.toml"), ReferenceShop().declaration)
CUT, LOST = (step.id for step in ENDS.steps)


@pytest.mark.parametrize(("lost_s", "seen_s", "doubted"), [(2.0, 0.6, False), (2.0, 2.4, True), (0.0, 0.4, True)])
def test_a_link_bites_by_itself_or_nobody_can_tell(lost_s: float, seen_s: float, doubted: bool) -> None:
    """A primary that is lost too keeps everything from coming across: the cut beside it may have done nothing."""
    acts = [events.Acted(at_ns=at, step=name, t0_ns=at) for name, at in ((CUT, ACT), (LOST, ACT + round(lost_s * S)))]
    bite = events.Bitten(at_ns=ACT + round(seen_s * S), step=CUT)
    history = replace(without(without(a_history(), events.Acted), events.Bitten), events=sealed([*acts, bite]))
    found = [doubt for doubt in doubts(ENDS, history) if "nobody can tell whose work" in doubt.because]
    assert bool(found) is doubted
    assert all(f"{CUT} was seen to bite only after {LOST} had acted too" in doubt.because for doubt in found)
