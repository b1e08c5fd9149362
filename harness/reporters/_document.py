"""The shape of ``report.json``, as nouns; ``reports/report.schema.json`` is the same as a JSON Schema.

Names and meanings of ``FORMAT`` 1 stay; what comes later is added beside them, so readers ignore what they do not know.
Times are seconds since the run's zero. JSON has no infinity: such a figure is the text ``"infinity"``; what is no number
is null.
"""

from collections.abc import Mapping
from typing import Literal

from harness.model import Outcome, noun

FORMAT: Literal[1] = 1
Word = Literal["PASS", "INCONCLUSIVE", "FAIL", "DIRTY"]
Number = float | Literal["infinity", "-infinity"] | None
WORDS: Mapping[Outcome, Word] = {
    Outcome.PASS: "PASS",
    Outcome.INCONCLUSIVE: "INCONCLUSIVE",
    Outcome.FAIL: "FAIL",
    Outcome.DIRTY: "DIRTY",
}


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
class Sessions:
    """How sessions ended. ``finished``: at their end, or ``failed``; others that were ``begun``: under way to the end."""

    planned: int
    begun: int
    finished: int
    failed: int


@noun
class Cost:
    """What an order cost in the baseline: CPU ms by component of the shop and the generator, calls to the database by class.

    ``lacking`` and ``unseen`` say what of it nobody counted; empty where all was.
    """

    orders: int
    cpu_ms: float
    by_component_ms: Mapping[str, float]
    harness_ms: float
    machine_ms: float
    calls: Mapping[str, float]
    log_bytes: float
    lacking: str
    unseen: str


@noun
class Run:
    """One run. ``folder`` holds its evidence; what the journal does not hold is null, as are ``sessions`` of none due."""

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
    sessions: Sessions | None = None
    cost: Cost | None = None


@noun
class Document:
    """The whole file: one or more runs, and the worst outcome of them."""

    format: Literal[1]
    outcome: Word
    runs: tuple[Run, ...]
