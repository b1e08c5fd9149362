"""What must not run where a real browser is to look: it would see nothing, or not what it is asked about."""

from math import ceil

from harness.declaration import Declaration
from harness.errors import PlanError
from harness.planned import BEFORE_AN_ACT_S, Objective, last_disturbance_s
from harness.scenario import Scenario
from harness.views import EVERY_NS

SESSIONS_BESIDE = 50


def refuse(
    scenario: Scenario,
    declaration: Declaration,
    parts: tuple[str, ...],
    objectives: tuple[Objective, ...],
    scale: float,
) -> None:
    """Refuse objectives that need a browser where it has nothing to see, too little time, or too much going on beside it.

    Raises ``PlanError``.
    """
    edges = [part.name for part in declaration.components if part.edge and part.name in parts]
    before_s = scenario.load.baseline_s - BEFORE_AN_ACT_S * bool(scenario.steps)
    broken_s = last_disturbance_s(scenario) - min((step.at_s for step in scenario.steps), default=0.0)
    broken_s = broken_s or scenario.recovery.stable_s  # after impulses alone, the browser looks to the end of the load
    for one in objectives:
        if not one.checker.screened:
            continue
        key = f"objectives.{one.id}"
        if declaration.screen is None:
            because = f"the shop {declaration.name} names no page for a browser to look at; leave it out"
            raise PlanError(scenario.file, key, because)
        if not edges:
            doors = ", ".join(declaration.entries)
            because = f"a browser looks through edges, and none runs in this plan; write [load] entry, one of {doors}"
            raise PlanError(scenario.file, key, because)
        sessions = scenario.load.sessions.per_s * scale if scenario.load.sessions else 0.0
        if sessions > SESSIONS_BESIDE:
            because = (
                f"{sessions:g} sessions/s leave a browser no room on this machine; write per_s = {SESSIONS_BESIDE} or less"
            )
            raise PlanError(scenario.file, "load.sessions.per_s", because)
        needed_s = getattr(one.checker, "loads", 0) * len(edges) * EVERY_NS / 1e9
        if before_s < needed_s:
            least = ceil(needed_s + BEFORE_AN_ACT_S * bool(scenario.steps))
            because = f"{one.kind} needs {needed_s:g} s before anything is broken; write baseline_s = {least} or more"
            raise PlanError(scenario.file, "load.baseline_s", because)
        if scenario.steps and broken_s < needed_s:
            because = (
                f"{one.kind} needs {needed_s:g} s from the first act to the last heal, here {broken_s:g} s; hold longer"
            )
            raise PlanError(scenario.file, key, because)
        _one_stretch(scenario)


def _one_stretch(scenario: Scenario) -> None:
    """Refuse steps with a pause between them, in which all is well: those loads would hide what the others were."""
    if scenario.steps and scenario.load.stages:
        because = "first_screen cannot tell what a stage does from what is broken; leave the stages out"
        raise PlanError(scenario.file, "load.stages", because)
    steps = sorted(scenario.steps, key=lambda step: step.at_s)
    ends_s = steps[0].at_s if steps else 0.0
    for step in steps:
        if step.at_s > ends_s:
            because = f"first_screen looks at one stretch in which something is broken; write at_s = {ends_s:g} or less"
            raise PlanError(scenario.file, f"steps.{step.id}.at_s", because)
        ends_s = max(ends_s, step.at_s + (step.hold_s or 0.0))
