"""What a plan is: a scenario decided against a shop, with its steps, objectives and durations. Pure data."""

from collections.abc import Mapping
from fractions import Fraction

from harness.capabilities import Scalable
from harness.declaration import Declaration, Link
from harness.demand import Load
from harness.forecast import Stretch
from harness.history import Checker
from harness.model import Fault, Target, noun
from harness.rates import begin_s, courses, due, exact, stages_s
from harness.scenario import Scenario

START_S, SETTLE_S, AUDIT_S, STOP_S = 120, 15, 240, 60
OVERDUE_S = 30
MARGIN_S = 5
BEFORE_AN_ACT_S = 1.0  # what was due in it may be the act's victim
BEFORE = "before."  # how the ids of objectives begin that ask whether the shop was steady before anything was broken
AROUND_S = 30  # to start the shop, settle, audit and stop: docs/benchmarks.md measures about half of it


@noun
class PlannedStep:
    """A step with its fault made; ``hold_s`` is None for an impulse."""

    id: str
    kind: str
    at_s: float
    hold_s: float | None
    fault: Fault


@noun
class Objective:
    """A checker under its stable id. ``when`` says what it looks at: all, baseline, or recovered."""

    id: str
    kind: str
    when: str
    checker: Checker


@noun
class Plan:
    """All that a run will do, decided before it starts.

    ``parts`` are the names of the components to start, in the order of their needs; ``scale`` is the run's load over the
    scenario's; ``longest_s`` bounds the whole run. ``proxied`` are the links whose proxy stands in their path.
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
    proxied: tuple[Link, ...] = ()

    @property
    def entry(self) -> str:
        """The component that shoppers enter at."""
        return self.scenario.load.entry or self.declaration.entries[0]

    @property
    def looked_through(self) -> tuple[str, ...]:
        """The edges that run and that a real browser looks through, in their order; none where no objective asks for it."""
        if not any(one.checker.screened for one in self.objectives):
            return ()
        return tuple(part.name for part in self.declaration.components if part.edge and part.name in self.parts)

    @property
    def added(self) -> tuple[Target, ...]:
        """The instances that steps add to those that are there from the start."""
        return tuple(dict.fromkeys(step.fault.target for step in self.steps if step.fault.needs is Scalable))

    @property
    def orders_per_s(self) -> float:
        """The load of this run."""
        return self.scenario.load.arrivals.orders_per_s * self.scale


def last_disturbance_s(scenario: Scenario) -> float:
    """When the last act or heal happens, or the last stage ends, in seconds after the baseline; 0 without any."""
    return max([stages_s(scenario.load), *(step.at_s + (step.hold_s or 0) for step in scenario.steps)])


def expected_s(made: Plan) -> float:
    """How long a run takes where all goes well: its load up to a steady shop, and ``AROUND_S`` around it."""
    load, steady_s = made.scenario.load, made.scenario.recovery.stable_s + MARGIN_S if made.scenario.disturbed else 0.0
    return load.warm_up_s + load.baseline_s + last_disturbance_s(made.scenario) + steady_s + AROUND_S


def shortest_s(scenario: Scenario) -> float:
    """How long the load lasts at least, warm-up not counted."""
    steady_s = scenario.recovery.stable_s if scenario.disturbed else 0.0
    return scenario.load.baseline_s + last_disturbance_s(scenario) + steady_s


def stretches(scenario: Scenario) -> Mapping[str, Stretch]:
    """Give the stretches that objectives may look at, in a run in which the shop is steady as soon as it can be."""
    load, acts_s = scenario.load, [step.at_s for step in scenario.steps]
    acts_s += [float(begin - begin_s(load)) for begin, _ in courses(load).values()]
    steady_s = scenario.recovery.stable_s + MARGIN_S
    whole_s = load.warm_up_s + load.baseline_s + last_disturbance_s(scenario) + steady_s * bool(acts_s)
    all_ = Stretch(seconds=whole_s, where="in the whole load", times=_times(load, Fraction(0), exact(whole_s)))
    baseline = Stretch(seconds=load.baseline_s - BEFORE_AN_ACT_S * bool(acts_s), where="in the baseline")
    recovered = Stretch(seconds=steady_s, where="once the shop is steady again")
    after = Stretch(seconds=last_disturbance_s(scenario) + steady_s - max(acts_s, default=0.0), where="from the last act on")
    stages = {
        name: Stretch(seconds=float(end - begin), where=f"in the stage {name}", times=_times(load, begin, end))
        for name, (begin, end) in courses(load).items()
    }
    return stages | {
        "all": all_,
        "baseline": baseline,
        "recovered": recovered,
        "steady": min(baseline, recovered, key=lambda one: one.seconds),
        "after": after if acts_s else all_,
    }


def _times(load: Load, begin: Fraction, end: Fraction) -> float:
    """Give how many times as many orders as usual are due in a stretch."""
    return float((due(load, end) - due(load, begin)) / (end - begin)) / load.arrivals.orders_per_s


def load_s(scenario: Scenario) -> float:
    """How long the load lasts at most. Healing itself is granted ``OVERDUE_S`` a step."""
    after = scenario.recovery.give_up_s + OVERDUE_S * len(scenario.steps) if scenario.disturbed else 0.0
    return scenario.load.warm_up_s + scenario.load.baseline_s + last_disturbance_s(scenario) + after


def first_seed(seed: int, part: int) -> int:
    """Give the seed of a whole series from that of one of its runs."""
    return seed - (part - 1)
