"""The run as data for other programs: ``report.json``. ``_document`` holds its shape and what its figures mean."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from harness.events import Fingerprint, Parts
from harness.history import ACKNOWLEDGED, REFUSED, SHED, UNKNOWN, History
from harness.model import Doubt as Doubted
from harness.model import Json, Outcome, Verdict
from harness.report import Report
from harness.reporters._cost import bill
from harness.reporters._document import (
    FORMAT,
    WORDS,
    Cost,
    Document,
    Doubt,
    Fault,
    Number,
    Objective,
    Orders,
    Run,
    Sessions,
)
from harness.reporters._sessions import sessions
from harness.reporters._steps import carried
from harness.reporters._story import story
from harness.reporters._words import utc

FILE = "report.json"


def render(report: Report) -> str:
    """Give the document of one run."""
    return render_all([report])


def render_all(reports: Sequence[Report], not_flown: Sequence[str] = ()) -> str:
    """Give one document for several runs, in their order. Pure ASCII, so that no text in it acts on a terminal.

    Where runs were ``not_flown``, the whole is INCONCLUSIVE at best.
    """
    worst = max((report.judgement.outcome for report in reports), default=Outcome.INCONCLUSIVE)
    worst = max(worst, Outcome.INCONCLUSIVE) if not_flown else worst
    document = Document(format=FORMAT, outcome=WORDS[worst], runs=tuple(map(_run, reports)))
    return json.dumps(_encodable(msgspec.to_builtins(document)), indent=2, allow_nan=False) + "\n"


def schema() -> str:
    """Give the JSON Schema of the document."""
    return json.dumps(msgspec.json.schema(Document), indent=2) + "\n"


def _run(report: Report) -> Run:
    scenario, run, told = report.plan.scenario, report.history.run, story(report)
    parts, fingerprints = report.history.first(Parts), list(report.history.all(Fingerprint))
    return Run(
        id=run.id if run else None,
        folder=str(report.folder),
        outcome=WORDS[report.judgement.outcome],
        scenario=scenario.name,
        file=scenario.file,
        incident=scenario.incident,
        tags=scenario.tags,
        promised=scenario.hypothesis,
        happened=told.happened,
        trust=told.trust,
        started=f"{utc(run.wall_ns)}Z" if run else None,
        command=run.command if run else None,
        commit=run.commit if run else None,
        machine=run.machine if run else None,
        versions={**(run.versions if run else {}), **(parts.versions if parts else {})},
        shop=run.shop if run else None,
        defects=run.defects if run else (),
        seed=run.seed if run else None,
        scale=run.scale if run else None,
        objectives=tuple(map(_objective, report.judgement.verdicts)),
        doubts=tuple(map(_doubt, report.judgement.doubts)),
        faults=tuple(_faults(report.history)),
        residue=fingerprints[-1].residue if fingerprints else None,
        orders=_orders(report.history),
        sessions=_sessions(report.history),
        cost=_cost(report.history),
    )


def _objective(verdict: Verdict) -> Objective:
    return Objective(
        objective=verdict.objective,
        outcome=WORDS[verdict.outcome],
        because=verdict.because,
        measured={name: _number(value) for name, value in verdict.measured.items()},
        limit={name: _number(value) for name, value in verdict.limit.items()},
        evidence=verdict.evidence,
        needed=verdict.needed,
        examples=verdict.examples,
    )


def _doubt(doubt: Doubted) -> Doubt:
    return Doubt(
        because=doubt.because,
        voids=tuple(WORDS[outcome] for outcome in sorted(doubt.voids)),
        timing_only=doubt.timing_only,
        reaction_only=doubt.reaction_only,
    )


def _faults(history: History) -> Iterator[Fault]:
    for step in carried(history):
        yield Fault(
            step=step.intended.step,
            fault=step.intended.fault,
            target=step.intended.target,
            instance=step.intended.instance,
            held=step.intended.held,
            typed=step.intended.typed,
            t0_s=step.acted.t0_ns / 1e9 if step.acted else None,
            bitten_s=step.bitten.at_ns / 1e9 if step.bitten else None,
            healing_s=step.healing.at_ns / 1e9 if step.healing else None,
            healed_s=step.closed.at_ns / 1e9 if step.closed else None,
            not_bitten=step.not_bitten.because if step.not_bitten else None,
            not_healed=step.not_healed.because if step.not_healed else None,
            mend=step.not_healed.mend if step.not_healed else None,
        )


def _orders(history: History) -> Orders:
    orders, fate = history.ledger.orders, history.ledger.fate
    refused, unknown, shed = (int(np.count_nonzero(orders & (fate == one))) for one in (REFUSED, UNKNOWN, SHED))
    return Orders(
        offered=int(np.count_nonzero(orders)),
        acknowledged=int(np.count_nonzero(orders & (fate == ACKNOWLEDGED))),
        good=int(np.count_nonzero(orders & history.good)),
        lost=int(np.count_nonzero(orders & history.lost)),
        refused=refused,
        unknown=unknown,
        shed=shed,
    )


def _sessions(history: History) -> Sessions | None:
    found = sessions(history)
    if found is None:
        return None
    return Sessions(planned=found.planned, begun=found.begun, finished=found.finished, failed=found.totals["missed"])


def _cost(history: History) -> Cost | None:
    found = bill(history)
    if found is None:
        return None
    return Cost(
        orders=found.orders,
        cpu_ms=found.ms,
        by_component_ms={share.name: share.ms for share in found.shares},
        harness_ms=found.harness_ms,
        machine_ms=found.machine_ms,
        calls=dict(found.calls),
        log_bytes=found.log_bytes,
        lacking=found.lacking,
        unseen=found.unseen,
    )


def _number(value: float) -> Number:
    """A figure as JSON can hold it."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return value


def _encodable(value: Json) -> Json:
    """The same without lone surrogates (they come from file names that are not UTF-8), which strict readers refuse."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {str(_encodable(key)): _encodable(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_encodable(one) for one in value]
    return value
