"""A run told in three sentences, the same in every format: what was promised, what happened, whether it may be trusted."""

import numpy as np

from harness.events import Interrupted, NotHealed
from harness.history import ACKNOWLEDGED
from harness.model import Outcome, noun
from harness.report import Report
from harness.reporters._steps import Carried, carried
from harness.reporters._words import number, visible


@noun
class Story:
    """The run in three sentences: what was promised, what happened, whether that may be trusted."""

    promised: str
    happened: str
    trust: str


def story(report: Report) -> Story:
    """Tell the run. Only what the journal, the ledger and the judgement say; nothing is inferred."""
    return Story(
        promised=visible(report.plan.scenario.hypothesis),
        happened=" ".join(filter(None, (_faults(report), _orders(report), _objectives(report), _stopped(report)))),
        trust=_trust(report),
    )


def mending(report: Report) -> tuple[str, ...]:
    """Give what to type where the shop is not as it was: what each fault that was not seen healed says, or the run's own."""
    said = tuple(dict.fromkeys(one.mend for one in report.history.all(NotHealed)))
    dirty = report.judgement.outcome is Outcome.DIRTY
    return said or ((f"windtunnel heal {report.folder.name}",) if dirty else ())


def _faults(report: Report) -> str:
    steps = carried(report.history)
    if not steps:
        return "No fault was injected." if not report.plan.steps else "No planned fault was injected."
    said = [
        f"{visible(one.intended.fault)} on {visible(one.intended.instance)} ({visible(one.intended.target)}) {_seen(one)}"
        for one in steps[:3]
    ]
    more = f"; {len(steps) - 3} more followed" if len(steps) > 3 else ""
    return "The fault " + "; ".join(said) + more + "."


def _seen(step: Carried) -> str:
    if not step.bit:
        return "was not seen to bite"
    return "was seen to bite and to heal" if step.healed else "was seen to bite, but not to heal"


def _orders(report: Report) -> str:
    orders = report.history.ledger.orders
    offered = int(np.count_nonzero(orders))
    acknowledged = int(np.count_nonzero(orders & (report.history.ledger.fate == ACKNOWLEDGED)))
    at = f" at {number(report.history.rate)} per second{scaled(report)}" if scaled(report) else ""
    return f"Shoppers offered {number(offered)} orders{at}; {number(acknowledged)} were acknowledged."


def scaled(report: Report) -> str:
    """Say that the load was not the scenario's; empty where it was."""
    scale = report.history.scale
    return "" if scale == 1.0 else f" ({number(scale)} times the scenario's load)"


def _objectives(report: Report) -> str:
    verdicts = report.judgement.verdicts
    if not verdicts:
        return "No objective was judged."
    said = []
    for outcome, word in ((Outcome.DIRTY, "dirty"), (Outcome.FAIL, "failed"), (Outcome.INCONCLUSIVE, "inconclusive")):
        names = [visible(verdict.objective, most=100) for verdict in verdicts if verdict.outcome is outcome]
        if names:
            said.append(f"{len(names)} {word} ({', '.join(names)})")
    kept = sum(verdict.outcome is Outcome.PASS for verdict in verdicts)
    if not said:
        return f"All {kept} objectives were kept." if kept > 1 else "The only objective was kept."
    return f"Of {len(verdicts)} objectives: {', '.join([f'{kept} kept', *said] if kept else said)}."


def _stopped(report: Report) -> str:
    stopped = report.history.first(Interrupted)
    return f"The run was stopped before its end ({visible(stopped.by)})." if stopped else ""


def _trust(report: Report) -> str:
    outcome, doubts = report.judgement.outcome, len(report.judgement.doubts)
    if outcome is Outcome.DIRTY:
        return "Mend first. What the objectives say holds only up to the heal that was not seen."
    if outcome is Outcome.INCONCLUSIVE:
        against = f"{doubts} doubts stand" if doubts > 1 else "a doubt stands"
        why = f"{against} against it" if doubts else "evidence is missing"
        return f"Do not rely on this run, neither for good nor for bad: {why}. Mend the cause and run it again."
    raised = f" {doubts} doubt{'s' if doubts > 1 else ''} raised, none that could change this outcome." if doubts else ""
    if outcome is Outcome.FAIL:
        return f"Yes: the failure was seen with enough evidence.{raised}"
    seen = "every fault was seen to bite and to heal, and " if _seen_through(report) else ""
    return f"Yes: {seen}every objective had the evidence it needs.{raised}"


def _seen_through(report: Report) -> bool:
    """Whether there were faults, and each was seen to bite and to heal."""
    steps = carried(report.history)
    return bool(steps) and all(step.bit and step.healed for step in steps)
