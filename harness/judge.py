"""History → judgement, purely: checkers look, doubts are applied, the worst outcome wins.

The same history gives the same judgement, byte for byte. Removing records or adding doubts never produces PASS.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import replace

from harness.aftermath import aftermaths
from harness.doubts import busy, doubts, late, punctual
from harness.errors import VacuousPassError
from harness.events import Closed, Fingerprint, NotHealed
from harness.evidence import decide
from harness.history import GOOD_WITHIN_NS, Checker, History, Window
from harness.model import Doubt, Json, Judgement, Outcome, Verdict
from harness.planned import BEFORE, Objective, Plan

FORMAT = 1
HEALED = "healed"


def judge(plan: Plan, history: History) -> Judgement:
    """Judge a run by all objectives of its plan, and by whether everything was seen healed (objective ``healed``).

    An outcome that a doubt voids becomes INCONCLUSIVE, keeps its sentence and adds the doubt's; whether the generator was
    late, and the machine busy, counts in the stretch that is judged. A checker that crashes is
    INCONCLUSIVE and says so. An aborted run is FAIL where that is proved, else INCONCLUSIVE, since its interruption is a
    doubt. Never raises on any history.
    """
    found = doubts(plan, history)
    verdicts = [_judged(one, history, found) for one in plan.objectives]
    verdicts.append(_doubted(healed(plan, history), found, None))
    return Judgement(outcome=max(verdict.outcome for verdict in verdicts), verdicts=tuple(verdicts), doubts=found)


def asked(plan: Plan) -> tuple[str, ...]:
    """Name what a run of this plan is judged by, in the order of its verdicts."""
    return (*(one.id for one in plan.objectives), HEALED)


def unsteady(judgement: Judgement) -> tuple[Verdict, ...]:
    """Give the verdicts by which the shop was not, or not surely, steady before anything was broken; none where it was."""
    return tuple(one for one in judgement.verdicts if one.objective.startswith(BEFORE) and one.outcome is not Outcome.PASS)


def window_of(when: str, history: History) -> Window | str:
    """Give the stretch of intended times an objective is about, or say why there is none.

    ``all``: the whole load. ``baseline``: the phase, but for its last second before an act, whose orders may be the act's
    victims. ``recovered``: from the end of the last outage or disturbance to the
    load's end, at least ``recovery.stable_s``; where the shop was not that long without outage, the last ``stable_s``. The
    name of a stage of the load: that stage, whole.
    """
    load = history.load
    if load is None:
        return "The journal does not say when the load began and ended."
    if when == "recovered":
        return _recovered(history, load)
    baseline = history.phase("baseline")
    if baseline and history.disturbances:
        unharmed_ns = history.disturbances[0].at_ns - GOOD_WITHIN_NS
        baseline = Window(start_ns=baseline.start_ns, end_ns=min(baseline.end_ns, unharmed_ns))
    return {"all": load, "baseline": baseline}.get(
        when, history.stage(when)
    ) or f"The journal does not say when {when!r} began and ended."


def _recovered(history: History, load: Window) -> Window | str:
    """Give the stretch after the last outage and disturbance, or say why there is none."""
    last, stable_ns = aftermaths(history)[-1:], round(history.scenario.recovery.stable_s * 1e9)
    if not last:
        return "Nothing was broken, so there is no recovery to look at."
    if load.end_ns - last[0].disturbance.at_ns < stable_ns:
        return f"The load ended less than {stable_ns / 1e9:g} s after the last disturbance."
    return Window(start_ns=min(last[0].quiet_ns + 1, load.end_ns - stable_ns), end_ns=load.end_ns)


def _judged(objective: Objective, history: History, found: tuple[Doubt, ...]) -> Verdict:
    """Check one objective and apply the doubts; of what is to hold while the shop is steady, the worse stretch counts."""
    if objective.when == "steady":
        stretches = [replace(objective, when=when) for when in ("baseline", "recovered")]
        return max((_judged(one, history, found) for one in stretches), key=lambda verdict: verdict.outcome)
    window = window_of(objective.when, history)
    if isinstance(window, str):
        return replace(decide(passed="", lacking=window, evidence=0, needed=1), objective=objective.id)
    here = found
    if objective.checker.windowed:
        whole = {*late(history), *busy(history)}
        here = (*(doubt for doubt in found if doubt not in whole), *late(history, window), *busy(history, window))
    verdict = _checked(objective, history, window)
    if verdict.outcome is Outcome.FAIL and _checked(objective, punctual(history), window).outcome is not Outcome.FAIL:
        because = "it fails only by orders that the generator sent late, or of which it wrote down nothing"
        here = (*here, Doubt(because=because, voids=frozenset({Outcome.FAIL}), timing_only=True))
    return _doubted(verdict, here, objective.checker)


def _checked(objective: Objective, history: History, window: Window) -> Verdict:
    """Run one checker on a stretch, whatever happens in it."""
    try:
        return replace(objective.checker.check(history.within(window)), objective=objective.id)
    except VacuousPassError as error:
        lacking = f"The check would have passed without enough evidence: {error}"
    except Exception as error:  # noqa: BLE001 -- a check that crashes has proved nothing, and must not hide the others
        lacking = f"The check itself crashed: {type(error).__name__}: {error}"
    return replace(decide(passed="", lacking=lacking, evidence=0, needed=1), objective=objective.id)


def healed(plan: Plan, history: History) -> Verdict:
    """Judge whether every step was seen healed and the shop is as declared: DIRTY where it is not.

    Evidence: a *closed* for each step, and the final fingerprint, read after the last heal. One that is missing proves
    nothing either way.
    """
    unhealed, prints = list(history.all(NotHealed)), sorted(history.all(Fingerprint), key=lambda event: event.at_ns)
    residue = prints[-1].residue if prints else ()
    closed = {event.step for event in history.all(Closed)} & {step.id for step in plan.steps}
    missing = ", ".join(step.id for step in plan.steps if step.id not in closed)
    final = bool(prints) and prints[-1].at_ns >= max((d.at_ns for d in history.disturbances), default=0)
    verdict = decide(
        failed=" ".join(
            [f"{event.step} could not be seen healed: {event.because}. To mend it: {event.mend}" for event in unhealed]
            + ([f"The shop is not as declared: {', '.join(residue)}."] if residue else [])
        ),
        lacking=("" if final else "Nobody compared the shop with its declaration after the last heal.")
        or (f"Nobody saw the shop well again after {missing}." if missing else ""),
        passed="Every fault was seen healed, and the shop is as declared.",
        measured={"unhealed": len(unhealed), "residue": len(residue)},
        limit={"unhealed": 0, "residue": 0},
        evidence=len(closed) + final,
        needed=len(plan.steps) + 1,
        examples=residue,
    )
    outcome = Outcome.DIRTY if verdict.outcome is Outcome.FAIL else verdict.outcome
    return replace(verdict, objective=HEALED, outcome=outcome)


def _doubted(verdict: Verdict, found: Iterable[Doubt], checker: Checker | None) -> Verdict:
    """Apply the doubts: an outcome that is voided becomes INCONCLUSIVE. DIRTY and INCONCLUSIVE stay what they are."""
    because = [
        doubt.because
        for doubt in found
        if verdict.outcome in doubt.voids
        and verdict.outcome in (Outcome.PASS, Outcome.FAIL)
        and (not doubt.timing_only or (checker is not None and checker.timing))
        and (not doubt.reaction_only or (checker is not None and checker.reaction))
    ]
    if not because:
        return verdict
    said = f"{verdict.because} Not to be believed ({verdict.outcome.name} voided): {'; '.join(dict.fromkeys(because))}."
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, because=said)


def encode(judgement: Judgement) -> bytes:
    """Write a judgement canonically, as ``verdicts.json``: keys sorted, numbers that JSON lacks as text (``inf``)."""
    word: Json = {
        "format": FORMAT,
        "outcome": judgement.outcome.name,
        "verdicts": [
            {
                "objective": verdict.objective,
                "outcome": verdict.outcome.name,
                "because": verdict.because,
                "measured": {name: _number(value) for name, value in verdict.measured.items()},
                "limit": {name: _number(value) for name, value in verdict.limit.items()},
                "evidence": verdict.evidence,
                "needed": verdict.needed,
                "examples": list(verdict.examples),
            }
            for verdict in judgement.verdicts
        ],
        "doubts": [
            {
                "because": doubt.because,
                "voids": sorted(outcome.name for outcome in doubt.voids),
                "timing_only": doubt.timing_only,
                "reaction_only": doubt.reaction_only,
            }
            for doubt in judgement.doubts
        ],
    }
    return json.dumps(word, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _number(value: float) -> float | str:
    """Give a figure to six decimals, so that it is written the same everywhere; as text where it is not finite."""
    number = float(value)
    return round(number, 6) + 0.0 if math.isfinite(number) else str(number)
