"""Reasons not to believe some outcomes of a run; pure. Doubts cut one way: they void PASS, FAIL or both, never make one.

What may hide a failure voids PASS; what may fake one voids FAIL, of timing checks where only slowness is faked, of checks
that expect a reaction where nothing may have been there to react to. Missing records are doubts too.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np

from harness.capabilities import Replicated
from harness.events import (
    Acted,
    Audited,
    Bitten,
    ClockPair,
    Gap,
    Healing,
    Intended,
    Interrupted,
    LoadStarted,
    LoadStopped,
    Looked,
    NotBitten,
    Phase,
    Sample,
    Sealed,
)
from harness.evidence import SHORTFALL
from harness.history import ACKNOWLEDGED, SHED, History, Window
from harness.load.schedule import planned
from harness.model import REFUSED, SILENT, Doubt, Outcome, Target
from harness.planned import Plan, PlannedStep
from harness.visits import complete

PHASES = ("warm_up", "baseline", "steps", "recovery", "settle", "audit")
ONLY_WITH_STEPS = {"steps", "recovery"}
AROUND = {"shop_up", "shop_down", "end"}
LOOKS = 5
GAP_NS = 5_000_000_000
EARLY_S = 0.5
LATE_MS = 20.0
FOREIGN = 0.10
CLOCK_S, CLOCK_PAIRS = 0.5, 5
_PASS, _FAIL = frozenset({Outcome.PASS}), frozenset({Outcome.FAIL})


def doubts(plan: Plan, history: History) -> tuple[Doubt, ...]:
    """Give all doubts about a run, each once: those found while reading it, then those its records give rise to."""
    steps = chain.from_iterable(chain(_step(step, history), _claimed(step, plan, history)) for step in plan.steps)
    found = chain(
        history.integrity, _journal(plan, history), steps, _ledger(history), _sessions(history), _generator(history)
    )
    return tuple(dict.fromkeys(chain(found, busy(history), _clock(history), _watching(plan, history))))


def _hides(because: str) -> Doubt:
    """Doubt that voids PASS of everything."""
    return Doubt(because=because, voids=_PASS)


def _journal(plan: Plan, history: History) -> Iterator[Doubt]:
    """Doubt a journal that is not whole, a run that was stopped, and what could not be watched."""
    if history.run is None:
        yield _hides("the journal does not begin with what runs")
    seals = [number for number, event in enumerate(history.events) if isinstance(event, Sealed)]
    if not seals:
        yield _hides("the journal was not closed: the run did not come to its end")
    for number in seals:
        seal = history.events[number]
        if isinstance(seal, Sealed) and seal.records != number:
            yield _hides(f"the journal's seal counts {seal.records} records, there are {number}")
    phases = [phase.name for phase in history.all(Phase) if phase.name not in AROUND]
    expected = [name for name in PHASES if plan.scenario.disturbed or name not in ONLY_WITH_STEPS]
    if phases != expected or any(later.at_ns < earlier.at_ns for earlier, later in pairwise(history.all(Phase))):
        yield _hides(f"the phases of the run are not {', '.join(expected)}, but {', '.join(phases) or 'none'}")
    for stop in history.all(Interrupted):
        yield _hides(f"the run was stopped before its end: {stop.by}")
    for gap in history.all(Gap):
        yield _hides(f"for a while something could not be watched: {gap.what}")
    carried_out = {event.step for event in history.all(Intended)} | {event.step for event in history.all(Acted)}
    for name in sorted(carried_out - {step.id for step in plan.steps}):
        yield _hides(f"{name} was carried out, but is no step of the plan")


def _step(step: PlannedStep, history: History) -> Iterator[Doubt]:
    """Doubt a step that did not act, was not seen to bite, or did not last as planned."""
    intended = next((event for event in history.all(Intended) if event.step == step.id), None)
    acted = next((event for event in history.all(Acted) if event.step == step.id), None)
    if intended is None or acted is None:
        yield from _without_effect(f"{step.id} never acted")
        return
    refuted = [event.because for event in history.all(NotBitten) if event.step == step.id]
    if refuted or all(event.step != step.id for event in history.all(Bitten)):
        yield from _without_effect(f"{step.id} was not seen to bite: {' '.join(refuted) or 'nobody saw it'}")
    looks = [look for look in history.all(Looked) if look.step == step.id and look.instance == intended.instance]
    yield from _baseline(step, looks)
    if step.hold_s is not None:
        yield from _hold(step, history, acted, looks)


def _claimed(step: PlannedStep, plan: Plan, history: History) -> Iterator[Doubt]:
    """Doubt the bite of a link that was seen only when one of its ends had been hit by another step too."""
    link = step.fault.target
    acts = {event.step: event.t0_ns for event in history.all(Acted)}
    seen_ns = min((event.at_ns for event in history.all(Bitten) if event.step == step.id), default=None)
    if link.peer is None or step.id not in acts or seen_ns is None:
        return
    others = [one.id for one in plan.steps if one.id != step.id and _at_an_end(one.fault.target, link)]
    meanwhile = [name for name in others if acts[step.id] <= acts.get(name, -1) < seen_ns]
    if meanwhile:
        yield from _without_effect(
            f"{step.id} was seen to bite only after {', '.join(meanwhile)} had acted too: nobody can tell whose work that is"
        )


def _at_an_end(other: Target, link: Target) -> bool:
    """Say whether what is hit may be an end of a link: its own component, unless another instance of it, or its peer."""
    known = None not in (other.index, link.index)
    return other.component == link.peer or (other.component == link.component and not (known and other.index != link.index))


def _without_effect(because: str) -> Iterator[Doubt]:
    """Doubt a fault that may have hit nothing: every PASS, and every FAIL for want of a reaction."""
    yield _hides(because)
    yield Doubt(because=because, voids=_FAIL, reaction_only=True)


def _baseline(step: PlannedStep, looks: list[Looked]) -> Iterator[Doubt]:
    """Doubt a witness that did not see its instance well in the last ``LOOKS`` looks before the act that saw anything."""
    before = sorted((look for look in looks if look.stage == "baseline"), key=lambda look: look.at_ns)
    seen = [look for look in before if look.reading.value is not None][-LOOKS:]
    ill = [look for look in seen if look.reading.value in (SILENT, REFUSED) or look.bitten]
    if len(seen) - len(ill) < LOOKS:
        yield _hides(
            f"the witness of {step.id} saw its instance well only {len(seen) - len(ill)} times before the act; "
            f"{LOOKS} are needed"
        )
    if ill:
        yield _hides(f"the witness of {step.id} saw its instance {ill[0].reading.value} before the act")


def _hold(step: PlannedStep, history: History, acted: Acted, looks: list[Looked]) -> Iterator[Doubt]:
    """Doubt a held fault that healed by itself, was not watched, or was not held as long as planned."""
    heal = min(
        (event for event in history.all(Healing) if event.step == step.id), key=lambda event: event.at_ns, default=None
    )
    if heal is None:
        yield _hides(f"nothing is known of the heal of {step.id}")
        return
    held = sorted((look for look in looks if look.stage == "held"), key=lambda look: look.at_ns)
    if any(look.bitten is False for look in held):
        yield _hides(f"{step.id} healed by itself while it should have been held")
    if any(look.bitten is None for look in held):
        yield _hides(f"the witness could not tell all the time whether {step.id} still held")
    bitten = [event.at_ns for event in history.all(Bitten) if event.step == step.id]
    seen = [*bitten[:1], *(look.at_ns for look in held), heal.at_ns]
    if max((later - earlier for earlier, later in pairwise(seen)), default=0) > GAP_NS:
        yield _hides(f"nobody looked for more than {GAP_NS / 1e9:g} s whether {step.id} still held")
    lasted_s = (heal.at_ns - acted.t0_ns) / 1e9
    if step.hold_s is not None and lasted_s < step.hold_s - EARLY_S:
        yield _hides(f"{step.id} was held for only {lasted_s:.1f} s instead of {step.hold_s:g} s ({heal.reason})")


def _ledger(history: History) -> Iterator[Doubt]:
    """Doubt a ledger that is not exactly the planned arrivals, and an audit that is not what was written down."""
    started, stopped, ledger = history.first(LoadStarted), history.first(LoadStopped), history.ledger
    if started is None or stopped is None:
        yield _hides("the journal does not say when the load began and ended")
        return
    if stopped.rows is None:
        yield _hides("the load did not close its ledger")
    elif stopped.rows != int(np.count_nonzero(ledger.recorded)):
        yield _hides(f"the load wrote {stopped.rows:,} rows, the ledger holds {int(np.count_nonzero(ledger.recorded)):,}")
    seed = history.run.seed if history.run else history.scenario.seed
    plan = planned(history.scenario.load, seed, history.scale, stopped.until_ns - started.begin_ns)
    if not (
        np.array_equal(ledger.seq, plan.seq) and np.array_equal(ledger.intended_ns, plan.intended_ns + started.begin_ns)
    ):
        yield _hides(f"the ledger's {len(ledger):,} rows are not the {len(plan):,} planned arrivals in their order")
    audit, audited = history.audit, history.first(Audited)
    if audit is None or audit.primary is None or audited is None:
        yield _hides("no audit of a primary was read back, so no good order is beyond doubt")
    elif audited.rows != (rows := sum(len(node.key) for node in audit.nodes)):
        yield _hides(f"the audit holds {rows:,} orders, the journal says {audited.rows:,}")


def _sessions(history: History) -> Iterator[Doubt]:
    """Doubt sessions of which not every request is known, and requests of sessions that nobody began."""
    ledger, visits = history.ledger, history.visits
    begun, known = ledger.seq[ledger.sessions & (ledger.sent_ns >= 0)], complete(visits)
    if missing := len(np.setdiff1d(begun, known)):
        because = f"of {missing:,} of {len(begun):,} sessions not every request is known"
        yield _hides(because)
        if missing > SHORTFALL * len(begun):
            yield Doubt(because=because, voids=_FAIL, timing_only=True)
    if strange := len(np.setdiff1d(visits.session, begun)):
        yield _hides(f"there are requests of {strange:,} sessions that were not begun")


def _generator(history: History) -> Iterator[Doubt]:
    """Doubt a load that fell short, and one that was late."""
    ledger = history.ledger
    if len(ledger) == 0:
        yield _hides("the ledger is empty")
        return
    unsent = float(np.mean(ledger.recorded & ((ledger.fate == SHED) | (ledger.sent_ns < 0))))
    missing = float(np.mean(~ledger.recorded))
    if unsent > SHORTFALL:
        yield _hides(f"the generator did not send {unsent:.1%} of the arrivals; {SHORTFALL:.1%} at most may be missing")
    if missing > SHORTFALL:
        because = f"{missing:.1%} of the arrivals have no record; {SHORTFALL:.1%} at most may be missing"
        yield _hides(because)
        yield Doubt(because=because, voids=_FAIL, timing_only=True)
    yield from late(history)


def late(history: History, window: Window | None = None) -> Iterator[Doubt]:
    """Doubt a load that was late, as a whole or in a window: what was late elsewhere faked nothing there."""
    ledger = history.ledger
    sent = ledger.sent_ns >= 0
    if window is not None:
        sent = sent & (ledger.intended_ns >= window.start_ns) & (ledger.intended_ns < window.end_ns)
    late_ms = np.sort(ledger.late_ms[sent])
    p99 = float(late_ms[-(-99 * len(late_ms) // 100) - 1]) if len(late_ms) else 0.0
    if p99 > LATE_MS:
        because = f"the generator was late: 99 % of the arrivals were sent within {p99:,.0f} ms, {LATE_MS:g} ms is the limit"
        yield Doubt(because=because, voids=_FAIL, timing_only=True)


def punctual(history: History) -> History:
    """Give the history as if all orders and reads that the generator sent late, or lost the record of, had come at once.

    What fails with it fails by the shop.
    """
    ledger = history.ledger
    ours = ~ledger.sessions & (~ledger.recorded | ((ledger.sent_ns >= 0) & (ledger.late_ms > LATE_MS)))
    served = replace(
        ledger,
        fate=np.where(ours, ACKNOWLEDGED, ledger.fate).astype(ledger.fate.dtype),
        done_ns=np.where(ours, ledger.intended_ns, ledger.done_ns),
    )
    return replace(history, ledger=served, lost=history.lost & ~ours)


def busy(history: History, window: Window | None = None) -> Iterator[Doubt]:
    """Doubt a machine that others used during the load or in a window, or of which that is not known."""
    load = window or history.load
    seen = [
        sample.value
        for sample in history.samples("foreign_cpu", "machine")
        if isinstance(sample.value, int | float) and (load is None or load.start_ns <= sample.at_ns < load.end_ns)
    ]
    if not seen or (load is not None and len(seen) < load.seconds / 2):
        because = "nobody saw for most of the time how busy the machine was beside the run"
        yield Doubt(because=because, voids=_FAIL, timing_only=True)
    elif (mean := sum(seen) / len(seen)) > FOREIGN:
        because = f"others used {mean:.0%} of the machine meanwhile; {FOREIGN:.0%} is the limit"
        yield Doubt(because=because, voids=_FAIL, timing_only=True)


def _clock(history: History) -> Iterator[Doubt]:
    """Doubt a wall clock that was set: the age of what was shown, and what counters say by their own time, hang on it.

    Told by the median of ``CLOCK_PAIRS`` pairs that follow each other: between the two times of one pair anything may stop
    us for a while.
    """
    apart = [pair.wall_ns - pair.at_ns for pair in history.all(ClockPair)]
    usual = [float(np.median(apart[at : at + CLOCK_PAIRS])) for at in range(len(apart) - CLOCK_PAIRS + 1)]
    if usual and (moved_s := (max(usual) - min(usual)) / 1e9) > CLOCK_S:
        because = f"the machine's wall clock was set by {moved_s:.1f} s during the run"
        yield _hides(because)
        yield Doubt(because=because, voids=_FAIL, timing_only=True)


def _watching(plan: Plan, history: History) -> Iterator[Doubt]:
    """Doubt a sampler that fell silent: a miss is a record too, so its absence means that nobody looked."""
    load = history.load
    if load is None:
        return
    replicated = {
        part.name for part in plan.declaration.components if part.name in plan.parts and Replicated in part.abilities
    }
    needed = {(probe, on) for probe in ("redundancy", "role") if probe in plan.probes for on in replicated}
    seen = {(sample.probe, sample.on) for sample in history.all(Sample) if sample.probe in plan.probes}
    for probe, on in sorted(needed | {pair for pair in seen if pair[0] != "foreign_cpu"}):
        gap = _longest_gap([sample.at_ns for sample in history.samples(probe, on)], load)
        if gap > GAP_NS:
            yield _hides(f"for {gap / 1e9:.1f} s nobody looked at {probe} of {on}")


def _longest_gap(at_ns: list[int], window: Window) -> int:
    """Give the longest time in a window without a record, in ns."""
    inside = sorted(at for at in at_ns if window.start_ns <= at < window.end_ns)
    return max(later - earlier for earlier, later in pairwise([window.start_ns, *inside, window.end_ns]))
