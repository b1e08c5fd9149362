"""The run as data for other programs: ``report.json``, versioned. ``reports/report.schema.json`` is its JSON Schema.

Names and meanings of ``FORMAT`` 1 stay; what is added later is added beside them, so readers ignore what they do not
know. Times are seconds since the run's zero. JSON has no infinity: such a figure is the text ``"never"``, one that
cannot be known is null.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from harness.events import Acted, Bitten, Closed, Fingerprint, Healing, Intended, NotBitten, NotHealed
from harness.history import ACKNOWLEDGED, REFUSED, SHED, UNKNOWN, History
from harness.model import Json, Outcome, noun
from harness.report import Report
from harness.reporters.story import story
from harness.reporters.words import utc

FILE = "report.json"
FORMAT = 1
Word = Literal["PASS", "INCONCLUSIVE", "FAIL", "DIRTY"]
Number = float | Literal["never", "-never"] | None


@noun
class Objective:
    """One objective as judged. Units are in the names of ``measured`` and ``limit``."""

    objective: str
    outcome: Word
    because: str
    measured: Mapping[str, Number]
    limit: Mapping[str, Number]
    evidence: int
    needed: int
    examples: tuple[str, ...]


@noun
class Doubt:
    """A reason not to believe the outcomes in ``voids``."""

    because: str
    voids: tuple[Word, ...]
    timing_only: bool
    reaction_only: bool


@noun
class Fault:
    """One step that was carried out. A time is null where that was never seen."""

    step: str
    fault: str
    target: str
    instance: str
    held: bool
    typed: str
    t0_s: float | None
    bitten_s: float | None
    healing_s: float | None
    healed_s: float | None
    not_bitten: str | None
    not_healed: str | None
    mend: str | None


@noun
class Orders:
    """How the orders of shoppers ended. ``good``: acknowledged within 1.0 s of the moment they were due, and kept."""

    offered: int
    acknowledged: int
    good: int
    lost: int
    refused: int
    unknown: int
    shed: int


@noun
class Run:
    """One run. ``folder`` is where its evidence lies; what the journal does not hold is null."""

    id: str | None
    folder: str
    outcome: Word
    scenario: str
    file: str
    incident: int | None
    tags: tuple[str, ...]
    promised: str
    happened: str
    trust: str
    started: str | None
    command: str | None
    commit: str | None
    machine: str | None
    versions: Mapping[str, str]
    shop: str | None
    defects: tuple[str, ...]
    seed: int | None
    scale: float | None
    objectives: tuple[Objective, ...]
    doubts: tuple[Doubt, ...]
    faults: tuple[Fault, ...]
    residue: tuple[str, ...] | None
    orders: Orders


@noun
class Document:
    """The whole file: one or more runs, and the worst outcome of them."""

    format: Literal[1]
    outcome: Word
    runs: tuple[Run, ...]


def render(report: Report) -> str:
    """Give the document of one run."""
    return render_all([report])


def render_all(reports: Sequence[Report]) -> str:
    """Give one document for several runs, in their order. Pure ASCII, so that no text in it acts on a terminal."""
    worst = max((report.judgement.outcome for report in reports), default=Outcome.INCONCLUSIVE)
    document = Document(format=FORMAT, outcome=worst.name, runs=tuple(map(_run, reports)))
    return json.dumps(_whole(msgspec.to_builtins(document)), indent=2, allow_nan=False) + "\n"


def schema() -> str:
    """Give the JSON Schema of the document."""
    return json.dumps(msgspec.json.schema(Document), indent=2) + "\n"


def _run(report: Report) -> Run:
    scenario, run, judged, told = report.plan.scenario, report.history.run, report.judgement, story(report)
    fingerprints = list(report.history.all(Fingerprint))
    return Run(
        id=run.id if run else None,
        folder=str(report.folder),
        outcome=judged.outcome.name,
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
        versions=run.versions if run else {},
        shop=run.shop if run else None,
        defects=run.defects if run else (),
        seed=run.seed if run else None,
        scale=run.scale if run else None,
        objectives=tuple(
            Objective(
                objective=verdict.objective,
                outcome=verdict.outcome.name,
                because=verdict.because,
                measured=_numbers(verdict.measured),
                limit=_numbers(verdict.limit),
                evidence=verdict.evidence,
                needed=verdict.needed,
                examples=verdict.examples,
            )
            for verdict in judged.verdicts
        ),
        doubts=tuple(
            Doubt(
                because=doubt.because,
                voids=tuple(outcome.name for outcome in sorted(doubt.voids)),
                timing_only=doubt.timing_only,
                reaction_only=doubt.reaction_only,
            )
            for doubt in judged.doubts
        ),
        faults=tuple(_faults(report.history)),
        residue=fingerprints[-1].residue if fingerprints else None,
        orders=_orders(report.history),
    )
