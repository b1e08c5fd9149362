"""What a load will bring, known before it is flown, where all goes well. Pure; what hangs on the shop is left out."""

from collections.abc import Iterator, Mapping
from math import sqrt

from harness.declaration import Declaration
from harness.model import Target, noun
from harness.scenario import Scenario

ORDERS, SESSIONS = "arrivals.orders_per_s", "sessions.per_s"
CALLERS = {
    "orders": ORDERS,
    "products": "products_per_s",
    "lists": "lists_per_s",
    "logs": "logs_per_s",
    "log writes": "log_writes_per_s",
}


@noun
class Stretch:
    """A part of the load, ``seconds`` long; ``where`` tells people which: ``in the baseline``.

    ``times``: how many times as many orders as usual are due in it, where that is known.
    """

    seconds: float
    where: str
    times: float = 1.0


@noun
class Foreseen:
    """Evidence to come: ``due`` pieces of ``what`` (``orders``) at the most, of which a checker needs ``needed``.

    ``rate`` is the key below ``[load]`` that brings them, ``pieces`` how many there are of 1/s of it. ``scales``: a run with
    more load needs more of them, so that only the scenario's own load can help. ``one_in``: how many parts of the shop share
    what is due, where one of them may have it all but is not likely to. ``together``: how many come of one arrival.
    """

    what: str
    where: str
    rate: str
    due: float
    pieces: float
    needed: float
    scales: bool = False
    one_in: int = 1
    together: int = 1

    @property
    def enough(self) -> float:
        """How many should be due: random arrivals scatter by the square root of their number; three times that is added."""
        return self.one_in * (self.needed + 3 * sqrt(self.together * self.needed))


@noun
class Forecast:
    """The load of a scenario, at ``scale`` times its rates, as an objective will look at it.

    ``stretches`` have the names of what ``when`` may be, and ``after``, from the last act to the end (all, where nothing is
    broken): their lengths where the shop is steady at once after the last disturbance. ``when`` is the objective's own.
    ``others`` are at work beside the arrivals of ``CALLERS``: ``sessions``, ``browser``, and probes by their names.
    """

    scenario: Scenario
    declaration: Declaration
    scale: float
    stretches: Mapping[str, Stretch]
    when: str
    others: frozenset[str]

    def per_s(self, rate: str) -> float:
        """Give what comes in a second of this run, by the key below ``[load]``."""
        load = self.scenario.load
        rates = {ORDERS: load.arrivals.orders_per_s, SESSIONS: load.sessions.per_s if load.sessions else 0.0}
        return self.scale * (rates[rate] if rate in rates else float(getattr(load, rate)))

    def coming(  # noqa: PLR0913 -- what, and of how many of which arrivals
        self, rate: str, needed: float, what: str, *, when: str = "", share: float = 1.0, together: int = 1
    ) -> Foreseen:
        """Foresee what a ``share`` of a rate's arrivals brings, so many ``together``, in a stretch (its own by default)."""
        stretch = self.stretches[when or self.when]
        pieces = share * together * stretch.seconds * (stretch.times if rate == ORDERS else 1.0)
        return Foreseen(
            what=what,
            where=stretch.where,
            rate=rate,
            due=pieces * self.per_s(rate),
            pieces=pieces,
            needed=needed,
            together=together,
        )

    def orders(self, needed: float, *, when: str = "") -> Foreseen:
        """Foresee the orders of one call in a stretch."""
        return self.coming(ORDERS, needed, "orders", when=when)

    def buying(self, needed: float, what: str, together: int) -> Foreseen:
        """Foresee what sessions that buy ask for from the last act on, each so many ``together``."""
        sessions = self.scenario.load.sessions
        share = sessions.checkout_ratio if sessions else 0.0
        return self.coming(SESSIONS, needed, what, when="after", share=share, together=together)

    def calls(self, kind: str, needed: float, *, when: str = "") -> tuple[Foreseen, ...]:
        """Foresee the calls of a class of statements; nothing where the shop does not say what raises them, or where they
        may be raised by more than one kind of arrivals, or by others.
        """  # noqa: D205 -- the summary needs two lines
        callers = self.declaration.calls.get(kind, ())
        counted = [CALLERS[caller] for caller in callers if caller in CALLERS]
        if len(counted) != 1 or self.others & set(callers):
            return ()
        return (self.coming(counted[0], needed, f"calls of class {kind}", when=when),)


def edges_hit(scenario: Scenario, declaration: Declaration) -> Iterator[tuple[str, str]]:
    """Name each step that aims at an edge, or at the way to one, with that edge."""
    edges = {part.name for part in declaration.components if part.edge}
    for step in scenario.steps:
        target = Target.parse(str(step.fault.params.get("target", "")))
        yield from ((step.id, end) for end in (target.component, target.peer) if end in edges)
