"""Scenario → Plan, purely: each kind becomes an object, checked against the shop's declaration. Starts nothing."""

from harness.history import Checker
from harness.model import Declaration, Fault, noun
from harness.scenario import Scenario


@noun
class PlannedStep:
    """A step with its fault made. ``deadline_s``: how long after its act it must be healed at the latest."""

    id: str
    kind: str
    at_s: float
    hold_s: float | None
    fault: Fault


@noun
class Objective:
    """A checker under its stable id. ``when`` says what it looks at: the whole load, the baseline or the recovery."""

    id: str
    kind: str
    when: str
    checker: Checker


@noun
class Plan:
    """All that a run will do, decided before it starts.

    ``parts`` are the names of the components to start, in the order of their needs; ``scale`` is the run's load over the
    scenario's; ``longest_s`` bounds the whole run.
    """

    scenario: Scenario
    declaration: Declaration
    parts: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    objectives: tuple[Objective, ...]
    probes: tuple[str, ...]
    defects: tuple[str, ...]
    scale: float
    longest_s: float
