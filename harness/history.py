"""The history of a run: journal, ledger and audit together, the only place where load, nemesis and checkers meet.

Everything here is pure. Checkers ask the history questions; they never read files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from harness.audited import Audit
from harness.declaration import Declaration
from harness.events import Acted, Event, Healing, Intended, LoadStarted, LoadStopped, Phase, Run, Sample
from harness.forecast import Forecast, Foreseen
from harness.model import Doubt, Verdict, noun
from harness.rates import courses, due
from harness.scenario import Scenario
from harness.views import NO_VIEWS, Views
from harness.visits import NO_VISITS, Visits

E = TypeVar("E", bound=Event)
NS = 1_000_000_000
GOOD_WITHIN_NS = NS
ORDER, READ, LIST, LOG, SESSION, WRITE = 0, 1, 2, 3, 4, 5
ACKNOWLEDGED, REFUSED, UNKNOWN, SHED = 0, 1, 2, 3
FATES = ("acknowledged", "refused", "unknown", "shed")


@noun
class Window:
    """A half-open stretch of time, [start, end), in ns since the run's zero."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return (self.end_ns - self.start_ns) / 1e9

    def holds(self, at_ns: int) -> bool:
        """Whether a moment lies in it."""
        return self.start_ns <= at_ns < self.end_ns


@noun
class Ledger:
    """One row for each arrival that was planned before the load stopped, in the order of ``seq`` (= of intended time).

    Columns are arrays of equal length. Times are ns since the run's zero; ``sent_ns``/``done_ns`` are -1 where it never
    came to that. A planned arrival without a record has the fate UNKNOWN, ``recorded`` False. ``digest`` is what the
    acknowledged answer says of lines and amount, to be compared with the audit's; "" where nothing was acknowledged.

    A session has a row too. Its fate, status, attempts, id and digest are those of the order that it paid for at its end;
    one that never asked to pay is refused, with 0 attempts: nothing was ordered. ``done_ns`` is when it was over.
    """

    seq: NDArray[np.int64]
    kind: NDArray[np.int8]
    intended_ns: NDArray[np.int64]
    sent_ns: NDArray[np.int64]
    done_ns: NDArray[np.int64]
    fate: NDArray[np.int8]
    status: NDArray[np.int16]
    attempts: NDArray[np.int16]
    recorded: NDArray[np.bool_]
    order_id: tuple[str, ...]
    digest: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.seq)

    @property
    def orders(self) -> NDArray[np.bool_]:
        """Which rows are orders of one call (the others are reads and sessions)."""
        return np.equal(self.kind, ORDER)

    @property
    def sessions(self) -> NDArray[np.bool_]:
        """Which rows are sessions."""
        return np.equal(self.kind, SESSION)

    @property
    def keyed(self) -> NDArray[np.bool_]:
        """Which rows may have an order in the shop, under the key ``<run id>:<seq>``: orders, and sessions that paid."""
        return self.orders | self.sessions

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        """From the intended time to the answer, for each row; infinite unless acknowledged."""
        latency = (self.done_ns - self.intended_ns) / 1e6
        return np.where(self.fate == ACKNOWLEDGED, latency, np.inf)

    @property
    def late_ms(self) -> NDArray[np.float64]:
        """How late each row was sent by the generator; infinite where it never was."""
        return np.where(self.sent_ns >= 0, (self.sent_ns - self.intended_ns) / 1e6, np.inf)


@noun
class Disturbance:
    """An act or a heal: from here to the next one, what the shop suffers is put down to it.

    ``step`` is the step's id, or the name of a stage of the load.
    """

    at_ns: int
    step: str
    heal: bool


@noun
class History:
    """All that is known of one run. ``window`` is the stretch of intended times this check is about.

    ``integrity`` holds the doubts found while reading the run folder.
    ``audit`` is None where none was made; ``lost`` is ``lost_rows`` of ledger and audit. ``visits`` are the requests of the
    ledger's sessions, ``views`` the loads of a page by a real browser.
    """

    declaration: Declaration
    scenario: Scenario
    events: tuple[Event, ...]
    ledger: Ledger
    audit: Audit | None
    lost: NDArray[np.bool_]
    integrity: tuple[Doubt, ...]
    window: Window
    visits: Visits = NO_VISITS
    views: Views = NO_VIEWS

    def within(self, window: Window) -> "History":
        """Give the same history, looked at through another window."""
        return replace(self, window=window)

    def all(self, kind: type[E]) -> Iterator[E]:
        """Give all records of one kind, in order."""
        return (event for event in self.events if isinstance(event, kind))

    def first(self, kind: type[E]) -> E | None:
        """Give the first record of a kind, or None."""
        return next(self.all(kind), None)

    @property
    def run(self) -> Run | None:
        """The journal's first record; None where even that is missing."""
        return self.first(Run)

    @property
    def scale(self) -> float:
        """Load of this run over the scenario's (``--rate``); needed evidence scales with it."""
        return self.run.scale if self.run else 1.0

    @property
    def rate(self) -> float:
        """Orders a second offered in this run."""
        return self.scenario.load.arrivals.orders_per_s * self.scale

    def due(self, window: Window) -> float:
        """Give how many orders were to come in a window; at the usual rate where nobody knows when the load began."""
        started, load = self.first(LoadStarted), self.scenario.load
        if started is None or not load.stages:
            return self.rate * max(0.0, window.seconds)
        begin, end = (Fraction(max(0, at - started.begin_ns), NS) for at in (window.start_ns, window.end_ns))
        return float(due(load, end) - due(load, begin)) * self.scale if end > begin else 0.0

    def stage(self, name: str) -> Window | None:
        """Give the stretch of a stage of the load; None where there is none, or the load was over before its end."""
        course, load = courses(self.scenario.load).get(name), self.load
        if course is None or load is None:
            return None
        window = Window(start_ns=load.start_ns + int(course[0] * NS), end_ns=load.start_ns + int(course[1] * NS))
        return window if window.end_ns <= load.end_ns else None

    def phase(self, name: str) -> Window | None:
        """Give the stretch of a phase, to the beginning of the next one; None where either is missing."""
        for this, following in pairwise(self.all(Phase)):
            if this.name == name:
                return Window(start_ns=this.at_ns, end_ns=following.at_ns)
        return None

    @property
    def load(self) -> Window | None:
        """The stretch in which arrivals were intended; None where the load's end is not in the journal."""
        started, stopped = self.first(LoadStarted), self.first(LoadStopped)
        return Window(start_ns=started.begin_ns, end_ns=stopped.until_ns) if started and stopped else None

    @property
    def disturbances(self) -> tuple[Disturbance, ...]:
        """Every act and every heal, in the order of time. An act without a record of its t0 counts from *intended*.

        A stage of the load is an act too, and its end a heal, where it began before the load was over.
        """
        return _in_time((*self._strikes(), *self._surges()))

    @property
    def breakages(self) -> tuple[Disturbance, ...]:
        """Every act and every heal of a step, in the order of time; of the stages of the load where no step acted."""
        return self.struck or _in_time(self._surges())

    @property
    def struck(self) -> tuple[Disturbance, ...]:
        """Every act and every heal of a step, in the order of time."""
        return _in_time(self._strikes())

    def _strikes(self) -> Iterator[Disturbance]:
        acted = {event.step: event.t0_ns for event in self.all(Acted)}
        for event in self.all(Intended):
            yield Disturbance(at_ns=acted.get(event.step, event.at_ns), step=event.step, heal=False)
        for heal in self.all(Healing):
            yield Disturbance(at_ns=heal.at_ns, step=heal.step, heal=True)

    def _surges(self) -> Iterator[Disturbance]:
        """Give the beginning and the end of each stage, as far as the load came."""
        load = self.load
        for name, course in courses(self.scenario.load).items() if load else ():
            for at_s, heal in zip(course, (False, True), strict=True):
                at_ns = load.start_ns + int(at_s * NS) if load else 0
                if load and at_ns < load.end_ns:
                    yield Disturbance(at_ns=at_ns, step=name, heal=heal)

    def samples(self, probe: str, on: str | None = None) -> tuple[Sample, ...]:
        """Give what a probe saw, of one thing or of all, in order."""
        return tuple(s for s in self.all(Sample) if s.probe == probe and on in (None, s.on))

    def cohort(self, window: Window | None = None) -> NDArray[np.bool_]:
        """Which rows of the ledger are orders intended in a window (default: the history's own)."""
        window = window or self.window
        intended = self.ledger.intended_ns
        return self.ledger.orders & (intended >= window.start_ns) & (intended < window.end_ns)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which rows were acknowledged within 1.0 s of their intended time and are not contradicted by the audit."""
        in_time = self.ledger.done_ns - self.ledger.intended_ns <= GOOD_WITHIN_NS
        return np.equal(self.ledger.fate, ACKNOWLEDGED) & in_time & ~self.lost


def _in_time(found: Iterable[Disturbance]) -> tuple[Disturbance, ...]:
    return tuple(sorted(found, key=lambda disturbance: disturbance.at_ns))


def lost_rows(ledger: Ledger, audit: Audit | None, run_id: str) -> NDArray[np.bool_]:
    """Which rows were acknowledged, and are absent or different on the audit's primary. All False without an audit."""
    lost = np.zeros(len(ledger), dtype=np.bool_)
    primary = audit.primary if audit else None
    if primary is None:
        return lost
    found = set(zip(primary.key, primary.digest, strict=True))
    rows = np.flatnonzero(ledger.keyed & (ledger.fate == ACKNOWLEDGED))
    # Plain lists: a million look-ups in NumPy's scalars would take three times as long.
    lost[rows] = [
        (f"{run_id}:{seq}", ledger.digest[row]) not in found
        for row, seq in zip(rows.tolist(), ledger.seq[rows].tolist(), strict=True)
    ]
    return lost


@runtime_checkable
class Checker(Protocol):
    """Judges one objective of a history, purely. A checker inherits it, and says of these what differs.

    ``timing``: a slow machine may fake a failure. ``reaction``: it expects the shop to react to a fault, so an unbitten
    fault voids its FAIL. ``probes`` are the probes it needs while the run goes on. ``windowed``: it judges a stretch of the
    run, so ``when`` has a meaning; the others always judge all of it. ``shortest_s``: how long the load must last at least,
    warm-up not counted, for its evidence. ``needs`` names abilities (``Metered``): parts that have them are started for it.
    ``browses``: it judges sessions, so it cannot be asked of a scenario without any. ``screened``: it judges what a real
    browser shows, so one looks while the load goes on.
    """

    timing: ClassVar[bool] = False
    reaction: ClassVar[bool] = False
    probes: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    windowed: ClassVar[bool] = False
    shortest_s: ClassVar[float] = 0.0
    browses: ClassVar[bool] = False
    screened: ClassVar[bool] = False

    def check(self, history: History) -> Verdict:
        """Judge. The verdict's ``objective`` is filled in by the judge; INCONCLUSIVE where evidence is missing."""
        ...

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Say what evidence it needs that the load alone may be too low for; nothing of what hangs on the shop."""
        del forecast
        return ()
