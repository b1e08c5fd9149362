"""The records of a run's journal: everything that happened, in the order in which it was written.

``at_ns`` is monotonic time since the run's zero. ``store`` adds number and check sum; ``KINDS`` maps the ``kind`` in the
file to its class and back. Records are evidence: they are never changed, and their absence is a doubt, never a success.
"""

import re
from collections.abc import Mapping
from dataclasses import field

from harness.model import Reading, Series, Undo, noun


@noun
class Run:
    """First record: what runs, so that the run explains itself. ``versions`` holds tool and part versions.

    ``scenario`` is the file as it was named; its copy in the run folder has a name of its own.
    """

    at_ns: int
    id: str
    command: str
    commit: str
    machine: str
    versions: Mapping[str, str]
    shop: str
    defects: tuple[str, ...]
    seed: int
    scale: float
    wall_ns: int
    part: int = 1
    of: int = 1
    scenario: str = ""


@noun
class Phase:
    """A phase begins: shop_up, warm_up, baseline, steps, recovery, settle, audit, shop_down."""

    at_ns: int
    name: str


@noun
class ClockPair:
    """Wall time beside monotonic time, every second."""

    at_ns: int
    wall_ns: int


PUBLISHED = "published port"


@noun
class Entry:
    """Where the shoppers enter, and how they get there (``bridge``, ``published port`` …)."""

    at_ns: int
    url: str
    by: str


@noun
class Parts:
    """The shop runs; the versions of its parts, as they tell them, and the instances of each."""

    at_ns: int
    versions: Mapping[str, str]
    instances: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@noun
class LoadStarted:
    """The load child runs; ``begin_ns`` is the intended time of schedule zero."""

    at_ns: int
    begin_ns: int


@noun
class LoadTick:
    """What the load child said in passing, once a second; for people watching, never for verdicts."""

    at_ns: int
    offered: int
    acknowledged: int
    refused: int
    unknown: int
    shed: int
    in_flight: int
    late_ms_p99: float
    last_bad_ns: int | None


@noun
class LoadStopped:
    """No arrival is intended at or after ``until_ns``; the ledger is closed with ``rows`` rows, or None if it is not."""

    at_ns: int
    until_ns: int
    rows: int | None


@noun
class Located:
    """A step's target was resolved to an instance."""

    at_ns: int
    step: str
    target: str
    component: str
    instance: str


@noun
class Looked:
    """A witness looked. ``stage``: baseline, biting, held, healing. ``bitten`` is the fault's own judgement."""

    at_ns: int
    step: str
    instance: str
    stage: str
    reading: Reading
    bitten: bool | None


@noun
class Intended:
    """The undo of a step is on disk; the act follows."""

    at_ns: int
    step: str
    fault: str
    held: bool
    target: str
    instance: str
    typed: str
    undo: tuple[Undo, ...]


@noun
class Acted:
    """The act returned. ``t0_ns`` is the instant before it: outage and recovery count from there."""

    at_ns: int
    step: str
    t0_ns: int


@noun
class Bitten:
    """The witness saw the fault bite."""

    at_ns: int
    step: str


@noun
class NotBitten:
    """The witness did not see the fault bite within its bound."""

    at_ns: int
    step: str
    because: str


@noun
class Healing:
    """The undo of a step begins: a disturbance like the act itself; ``reason`` is planned, interrupted or guardian."""

    at_ns: int
    step: str
    reason: str


@noun
class Mended:
    """One undo was played; ``error`` None if its mender reported none."""

    at_ns: int
    step: str
    undo: Undo
    error: str | None


@noun
class Closed:
    """The witness saw the step healed (an impulse: its process is there again)."""

    at_ns: int
    step: str


@noun
class NotHealed:
    """The step could not be seen healed within its bound: the run is DIRTY. ``mend`` is the command to type."""

    at_ns: int
    step: str
    because: str
    mend: str


@noun
class Fingerprint:
    """The shop compared with its declaration after the last heal; ``residue`` is what is off, empty when all is well."""

    at_ns: int
    residue: tuple[str, ...]


@noun
class Sample:
    """One probe looked at one thing. A miss is a record: value None, with why."""

    at_ns: int
    probe: str
    on: str
    value: float | str | None
    why: str | None = None


@noun
class EngineEvent:
    """The engine's own word of what happened to a container of this run; ``engine_ns`` is its wall time."""

    at_ns: int
    action: str
    instance: str
    engine_ns: int


WATCHDOG = "Watchdog"  # the alert that always fires: while it arrives, the silence of others means something


@noun
class Alerted:
    """The harness's own receiver was told of an alert. ``state``: firing or resolved; ``labels`` as they came.

    ``playbook`` is its annotation of that name, "" where it came without; None in runs stored before this was kept.
    """

    at_ns: int
    name: str
    state: str
    labels: Mapping[str, str]
    playbook: str | None = None


@noun
class Metric:
    """The shop's monitoring was asked for a counter after the load; these are its samples."""

    at_ns: int
    series: Series


@noun
class Gap:
    """Something could not be watched for a while (the engine restarted, a stream broke): a doubt."""

    at_ns: int
    what: str


@noun
class Interrupted:
    """The run was stopped before its end: ``by`` is SIGINT, SIGTERM, SIGHUP, stop or abort; or an error's text."""

    at_ns: int
    by: str


@noun
class Audited:
    """The audit was read back and stored."""

    at_ns: int
    rows: int


@noun
class Sealed:
    """Last record: how many records stand before it, and the SHA-256 of each evidence file beside the journal."""

    at_ns: int
    records: int
    files: Mapping[str, str]


Event = (
    Run
    | Phase
    | ClockPair
    | Entry
    | Parts
    | LoadStarted
    | LoadTick
    | LoadStopped
    | Located
    | Looked
    | Intended
    | Acted
    | Bitten
    | NotBitten
    | Healing
    | Mended
    | Closed
    | NotHealed
    | Fingerprint
    | Sample
    | EngineEvent
    | Alerted
    | Metric
    | Gap
    | Interrupted
    | Audited
    | Sealed
)


def kind(event: type[Event]) -> str:
    """Give the name of a record's class as it stands in the file: ``LoadTick`` → ``load_tick``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()


KINDS: Mapping[str, type[Event]] = {kind(cls): cls for cls in Event.__args__}
