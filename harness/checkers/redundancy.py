"""``redundancy``: after the last disturbance the shop's data is on all its nodes again, and stays so."""

import math
from itertools import pairwise
from typing import ClassVar

from harness.declaration import Component
from harness.events import Sample
from harness.evidence import decide, plural
from harness.history import Checker, History, Window
from harness.model import Positive, Verdict, noun

GAP_S = 5.0
LOOKS_PER_S = 0.5


@noun
class Redundancy(Checker):
    """Each component that keeps standbys has them all within ``budget_s`` of the last disturbance, until the end.

    The last disturbance is our last heal, or the act of an impulse after it; without any, all must be there throughout,
    however many shoppers come: no stage of the load is an excuse.
    ``restored_s`` counts from there to the first sample of the probe ``redundancy`` from which on, to the end of sampling,
    each shows all synchronous standbys declared; 0 where each does. Evidence: samples that saw something, at least one in
    2 s, none more than 5 s apart, to the end of the load. A gap leaves a PASS open; it is never counted as redundancy.
    """

    reaction: ClassVar[bool] = True
    probes: ClassVar[tuple[str, ...]] = ("redundancy",)

    budget_s: Positive

    def check(self, history: History) -> Verdict:
        """Judge the stretch from the last disturbance to the end of the load, whatever the window."""
        load, limit = history.load, {"budget_s": self.budget_s}
        components = [one for one in history.declaration.components if one.standbys > 0]
        if load is None or not components:
            lacking = "No component keeps standbys, so there is no redundancy to regain."
            if load is None:
                lacking = "The journal does not say when the load began and ended."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        disturbed = [disturbance.at_ns for disturbance in history.struck]
        stretch = Window(start_ns=max(disturbed, default=load.start_ns), end_ns=load.end_ns)
        views = [_view(component, history.samples("redundancy", component.name), stretch) for component in components]
        return decide(
            failed=" ".join(word for view in views if (word := self._failed(view))),
            lacking=" ".join(word for view in views if (word := view.lacking)),
            passed=f"All standbys of {', '.join(view.component.name for view in views)} were there "
            f"{max(view.restored_s for view in views):.1f} s after the last disturbance, and stayed; "
            f"the budget is {self.budget_s:g} s.",
            measured={"restored_s": max(view.restored_s for view in views)},
            limit=limit,
            evidence=min(view.seen for view in views),
            needed=max(1, int(LOOKS_PER_S * stretch.seconds)),
        )

    def _failed(self, view: "_View") -> str:
        """Say that a component was not whole within the budget; empty where that is not proved."""
        proved = view.short_s > self.budget_s or view.restored_s - view.short_s <= GAP_S
        if not view.restored_s > self.budget_s or not proved:
            return ""
        name, count = view.component.name, view.component.standbys
        took = f"until {view.restored_s:.1f} s after the last disturbance"
        if math.isinf(view.restored_s):
            took = f"even when the watching ended, {view.short_s:.1f} s after the last disturbance"
        return f"{name} was without its {plural(count, 'synchronous standby')} {took}; the budget is {self.budget_s:g} s."


@noun
class _View:
    """What was seen of one component: when it was last short of standbys and when whole again, s after the disturbance."""

    component: Component
    seen: int
    short_s: float
    restored_s: float
    lacking: str


def _view(component: Component, samples: tuple[Sample, ...], stretch: Window) -> _View:
    """Look at the samples of one component; a component whole all along was restored after 0 s, one never whole never."""
    seen = sorted((s.at_ns, s.value) for s in samples if isinstance(s.value, int | float) and s.at_ns >= stretch.start_ns)
    at_s = [(at_ns - stretch.start_ns) / 1e9 for at_ns, _ in seen]
    short = [number for number, (_, value) in enumerate(seen) if not value >= component.standbys]
    last = short[-1] if short else -1
    restored_s = 0.0 if not short else at_s[last + 1] if last + 1 < len(seen) else math.inf
    gap_s = max(later - earlier for earlier, later in pairwise([0.0, *at_s, max(stretch.seconds, *at_s, 0.0)]))
    lacking = ""
    if gap_s > GAP_S:
        lacking = f"Nobody saw the standbys of {component.name} for {gap_s:.1f} s; {GAP_S:g} s at most can be told."
    elif math.isinf(restored_s):
        lacking = f"{component.name} was still without its standby when the watching ended, before the budget was over."
    return _View(
        component=component, seen=len(seen), short_s=at_s[last] if short else 0.0, restored_s=restored_s, lacking=lacking
    )
