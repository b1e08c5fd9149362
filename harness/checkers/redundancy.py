"""``redundancy``: after the last disturbance the shop's data is on all its nodes again, and stays so."""

import math
from itertools import pairwise
from typing import ClassVar

from harness.declaration import Component
from harness.events import Located, Sample
from harness.evidence import decide, plural
from harness.history import Checker, History, Window
from harness.model import Positive, Verdict, noun

GAP_S = 5.0
LOOKS_PER_S = 0.5


@noun
class Redundancy(Checker):
    """Each component that keeps standbys has them all within ``budget_s`` of its last disturbance, until the end.

    Its last disturbance is our last heal, or the act of an impulse after it, of a step that aimed at the component, or at
    what it needs; without any, all must be there throughout, whatever else is broken and however many shoppers come.
    ``restored_s`` counts from there (else from the load's begin) to the first sample of the probe ``redundancy`` from which
    on, to the end of sampling, each shows all synchronous standbys declared; 0 where each does. Evidence: samples that saw
    something, at least one in 2 s, none more than 5 s apart, to the end of the load. A gap leaves a PASS open; it is never
    counted as redundancy.
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
        views = [self._view(component, history, load) for component in components]
        names, restored_s = ", ".join(view.component.name for view in views), max(view.restored_s for view in views)
        regained = (
            f"All standbys of {names} were there {restored_s:.1f} s after the last disturbance, and stayed; "
            f"the budget is {self.budget_s:g} s."
        )
        return decide(
            failed=" ".join(word for view in views if (word := view.failed)),
            lacking=" ".join(word for view in views if (word := view.lacking)),
            passed=regained
            if any(view.disturbed for view in views)
            else f"All standbys of {names} were there all the time.",
            measured={"restored_s": restored_s},
            limit=limit,
            evidence=min(view.seen for view in views),
            needed=max(1, int(LOOKS_PER_S * min(view.seconds for view in views))),
        )

    def _view(self, component: Component, history: History, load: Window) -> "_View":
        struck = _struck(component, history)
        stretch = Window(start_ns=max(struck, default=load.start_ns), end_ns=load.end_ns)
        samples = history.samples("redundancy", component.name)
        return _view(component, samples, stretch, self.budget_s if struck else 0.0, disturbed=bool(struck))


@noun
class _View:
    """What was seen of one component: when it was last short of standbys and when whole again, s into its stretch.

    ``budget_s`` is what it has to be whole again: nothing where nothing disturbed it.
    """

    component: Component
    seconds: float
    budget_s: float
    disturbed: bool
    seen: int
    short_s: float
    restored_s: float
    lacking: str

    @property
    def failed(self) -> str:
        """Say that it was not whole within the budget; empty where that is not proved."""
        proved = self.short_s > self.budget_s or self.restored_s - self.short_s <= GAP_S
        if not self.restored_s > self.budget_s or not proved:
            return ""
        word = f"{self.component.name} was without its {plural(self.component.standbys, 'synchronous standby')}"
        if not self.disturbed:
            return f"{word}, at the last {self.short_s:.1f} s into the load, and nothing that was broken excuses that."
        took = f"until {self.restored_s:.1f} s after the last disturbance"
        if math.isinf(self.restored_s):
            took = f"even when the watching ended, {self.short_s:.1f} s after the last disturbance"
        return f"{word} {took}; the budget is {self.budget_s:g} s."


def _struck(component: Component, history: History) -> list[int]:
    """Give when steps acted on a component, on a way to or from it, or on what it needs, and when they were healed."""
    mine, wanted = set[str](), [component.name]
    while wanted:
        part = history.declaration.component(name := wanted.pop())
        wanted += [one for one in (part.needs if part else ()) if one not in mine]
        mine.add(name)
    aims = {one.step: {one.component, one.target.partition("->")[2]} for one in history.all(Located)}
    return [one.at_ns for one in history.struck if one.step not in aims or aims[one.step] & mine]


def _view(component: Component, samples: tuple[Sample, ...], stretch: Window, budget_s: float, *, disturbed: bool) -> _View:
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
        component=component,
        seconds=stretch.seconds,
        budget_s=budget_s,
        disturbed=disturbed,
        seen=len(seen),
        short_s=at_s[last] if short else 0.0,
        restored_s=restored_s,
        lacking=lacking,
    )
