"""What must not run where a step adds an instance, or is asked to: its share and its costs would be seen by nobody."""

from harness.capabilities import Scalable
from harness.cost import PROBE
from harness.errors import PlanError
from harness.planned import Objective, PlannedStep
from harness.scenario import Scenario

SHARE = "added_share"
LOOKED_AT_S = 10.0  # so long after its budget ``added_share`` needs looks, to say that an instance went on taking its part


def refuse(scenario: Scenario, steps: tuple[PlannedStep, ...], objectives: tuple[Objective, ...]) -> None:
    """Refuse objectives that could not tell what an added instance does. Raises ``PlanError``."""
    adds = [step for step in steps if step.fault.needs is Scalable]
    for one in objectives:
        if one.kind == SHARE:
            _unseen(scenario, adds, one)
        elif adds:
            _uncounted(scenario, one)


def _unseen(scenario: Scenario, adds: list[PlannedStep], asked: Objective) -> None:
    """Refuse to ask for the share of an instance that nobody adds, or that goes too soon."""
    if not adds:
        because = f"{asked.kind} judges an added instance, and no step adds one; add a step scale_out, or leave it out"
        raise PlanError(scenario.file, f"objectives.{asked.id}", because)
    least_s = getattr(asked.checker, "budget_s", 0.0) + LOOKED_AT_S
    for step in adds:
        if step.hold_s is not None and step.hold_s < least_s:
            because = f"{asked.id} looks at what comes after its budget, too; write hold_s = {least_s:g} or more"
            raise PlanError(scenario.file, f"steps.{step.id}.hold_s", because)


def _uncounted(scenario: Scenario, asked: Objective) -> None:
    """Refuse to count what all instances do while there is one more than those whose counters are read."""
    counts = "Metered" in asked.checker.needs or PROBE in asked.checker.probes
    if counts and asked.when not in ("baseline", "recovered", "steady"):
        because = f"{asked.kind} would not count what an added instance does; "
        because += 'write when = "steady"' if asked.checker.windowed else "leave it out"
        raise PlanError(scenario.file, f"objectives.{asked.id}", because)
