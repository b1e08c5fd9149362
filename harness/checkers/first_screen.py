"""``first_screen``: a real browser has something to look at soon, through each edge, healthy and while one is broken."""

from collections.abc import Iterator
from math import inf, isinf
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from harness.evidence import decide, ms, nearest_rank, plural
from harness.history import GOOD_WITHIN_NS, Checker, History, Window
from harness.model import Positive, Verdict, noun
from harness.views import CRASHED

RANK = 75
HEALTHY, BROKEN = "healthy", "broken"


@noun
class Case:
    """The loads through one edge in one stretch: how many were due, of how many something is known, and who served them.

    ``least_ms`` and ``most_ms`` are the 75th percentile of their first screen, with what is not known taken for shown at
    once, and for never shown; ``paint_ms`` is that of their first paint alone, of the known.
    """

    edge: str
    stretch: str
    due: int
    known: int
    served: int
    least_ms: float
    most_ms: float
    paint_ms: float

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.edge}, {self.stretch}"


@noun
class FirstScreen(Checker):
    """The 75th percentile of the time to the first screen must be <= ``p75_max_ms``, through each edge, before and during.

    A real browser loads one page every 2 s, one load at a time, through the edges by turns: each load in a context of its
    own, so with nothing cached, with the cookie of a shopper of that edge. Its first screen is there when the page has its
    first contentful paint and its largest picture is decoded; never, where that takes more than 4 s, the page does not
    come, has a status other than 200, no picture, or a broken one.

    *healthy*: the baseline, less its last second before an act. *broken*: from that second to the last heal, or where
    nothing is healed, to the end of the load; an edge's shoppers may be served by another one then. Evidence: ``loads``
    known for each edge in each, those of *healthy* served by that edge. A load of which nothing is known, as the browser
    was still busy or crashed, counts as never shown for a PASS and as shown at once for a FAIL. Nearest rank.
    """

    screened: ClassVar[bool] = True
    timing: ClassVar[bool] = True

    p75_max_ms: Positive = 1200.0
    loads: Annotated[int, Meta(ge=1)] = 20

    def check(self, history: History) -> Verdict:
        """Judge both stretches, whatever the window."""
        stretches = dict(_stretches(history))
        cases = [
            _case(history, edge, name, window)
            for name, window in stretches.items()
            if window is not None
            for edge in history.views.edges
        ]
        slow = [one for one in cases if one.due >= self.loads and one.least_ms > self.p75_max_ms]
        worst = max(cases, key=lambda one: one.most_ms, default=None)
        known = min((one.known for one in cases), default=0)
        limit = {"p75_max_ms": self.p75_max_ms, "loads": float(self.loads)}
        return decide(
            failed=" ".join([*map(_told, slow), f"{ms(self.p75_max_ms)} is the limit."]) if slow else "",
            lacking=" ".join(self._lacking(history, stretches, cases)),
            passed=f"{RANK} % of the loads through each edge showed their first screen within "
            f"{ms(worst.most_ms if worst else inf)} ({worst.name if worst else ''}); {ms(self.p75_max_ms)} is the limit.",
            measured=_measured(cases),
            limit=limit,
            evidence=known,
            needed=self.loads,
            examples=list(_examples(history)),
        )

    def _lacking(self, history: History, stretches: dict[str, Window | None], cases: list[Case]) -> Iterator[str]:
        """Say what evidence is missing."""
        if not history.views.edges:
            yield "No browser was to look in this run."
        for name, window in stretches.items():
            if window is None:
                yield f"The journal does not say from when to when the shop was {name}."
        crashes = int(np.count_nonzero(history.views.error == CRASHED))
        if crashes:
            yield f"The browser crashed ({plural(crashes, 'time')}); what it would have seen is not known."
        for one in cases:
            if one.known < self.loads:
                yield f"Of {one.name}, only {plural(one.known, 'load')} of {one.due} are known; {self.loads} are needed."
            elif one.stretch == HEALTHY and one.served < self.loads:
                yield f"Of {one.name}, {one.edge} itself served only {plural(one.served, 'load')}; {self.loads} are needed."
            elif one.most_ms > self.p75_max_ms:
                yield f"Of {one.name}, {one.due - one.known} of {one.due} loads are not known, which decide."


def _stretches(history: History) -> Iterator[tuple[str, Window | None]]:
    """Give the stretches of due times to judge; None where the journal does not tell when that was."""
    baseline, disturbances, load = history.phase("baseline"), history.disturbances, history.load
    acts = [one.at_ns for one in disturbances if not one.heal]
    if not history.scenario.steps:
        yield HEALTHY, baseline
        return
    first_ns = acts[0] - GOOD_WITHIN_NS if acts else None
    if baseline is None or first_ns is None or load is None:
        yield from ((HEALTHY, None), (BROKEN, None))
        return
    heals = [one.at_ns for one in disturbances if one.heal]
    yield HEALTHY, Window(start_ns=baseline.start_ns, end_ns=min(baseline.end_ns, first_ns))
    yield BROKEN, Window(start_ns=first_ns, end_ns=max(heals, default=load.end_ns))


def _case(history: History, edge: str, stretch: str, window: Window) -> Case:
    views = history.views
    rows = (views.edge == edge) & (views.due_ns >= window.start_ns) & (views.due_ns < window.end_ns)
    known = rows & views.known
    due, seen = int(np.count_nonzero(rows)), int(np.count_nonzero(known))
    shown = views.shown_ms[known]
    return Case(
        edge=edge,
        stretch=stretch,
        due=due,
        known=seen,
        served=int(np.count_nonzero(known & (views.served == edge))),
        least_ms=_p75(shown, np.zeros(due - seen)),
        most_ms=_p75(shown, np.full(due - seen, inf)),
        paint_ms=_p75(views.fcp_ms[known], np.zeros(0)),
    )


def _p75(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> float:
    return nearest_rank(np.sort(np.concatenate([known, unknown])), RANK)


def _told(one: Case) -> str:
    """Say how slow it was."""
    if isinf(one.least_ms):
        return f"More than a quarter of {plural(one.due, 'load')} ({one.name}) never showed their first screen."
    return f"{RANK} % of {plural(one.due, 'load')} ({one.name}) showed their first screen only within {ms(one.least_ms)}."


def _measured(cases: list[Case]) -> dict[str, float]:
    measured: dict[str, float] = {}
    for one in cases:
        of = f"{one.edge}_{one.stretch}"
        measured |= {f"{of}_p75_ms": one.most_ms, f"{of}_paint_p75_ms": one.paint_ms}
        measured |= {f"{of}_loads": float(one.known), f"{of}_due": float(one.due)}
    return measured


def _examples(history: History) -> Iterator[str]:
    """Tell of the loads that did not show all."""
    views = history.views
    rows = np.flatnonzero((views.begun_ns >= 0) & (views.error != ""))
    for row in rows.tolist():
        by = f", served by {views.served[row]}" if views.served[row] else ""
        paint = f", first paint after {ms(views.fcp_ms[row])}" if np.isfinite(views.fcp_ms[row]) else ""
        yield f"{views.edge[row]} at {views.due_ns[row] / 1e9:.1f} s: {views.error[row]}{by}{paint}"
