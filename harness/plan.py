"""Scenario → Plan, purely: each kind becomes an object, checked against the shop's declaration. Starts nothing."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from random import Random

from harness import registry
from harness.errors import PlanError
from harness.history import Checker
from harness.model import Component, Declaration, Fault, Target, noun
from harness.scenario import LARGEST, Entry, Scenario

WHEN = ("all", "baseline", "recovered")
RESERVED = ("healed", "run")  # what the judge says in every run, and what JUnit calls a run as a whole
START_S, SETTLE_S, AUDIT_S, STOP_S = 120, 15, 240, 60
OVERDUE_S = 30
MARGIN_S = 5
AROUND_S = 30  # to start the shop, settle, audit and stop: docs/benchmarks.md measures about half of it
BASELINE_LOOKS = 5
EVIDENCE_S = 10


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

    @property
    def orders_per_s(self) -> float:
        """The load of this run."""
        return self.scenario.load.arrivals.orders_per_s * self.scale


def plan(  # noqa: PLR0913 -- a scenario, a shop, and the four ways in which a run may differ from the file
    scenario: Scenario,
    declaration: Declaration,
    *,
    defects: tuple[str, ...] = (),
    rate: float | None = None,
    seed: int | None = None,
    part: int = 1,
) -> Plan:
    """Decide everything a run will do. ``rate`` and ``seed`` replace the scenario's; ``part`` is the run's number in a
    series (``[repeat]``) and varies the seed and, where asked, the phase of its steps.

    Raises ``ScenarioError`` for what is not understood and ``PlanError``, with the value to use, for what must not run.
    """  # noqa: D205 -- the summary needs two lines
    varied = _varied(scenario if seed is None else replace(scenario, seed=seed), part)
    _refuse_unknown(varied, declaration, defects)
    steps = tuple(_step(varied, declaration, number) for number in range(1, len(varied.steps) + 1))
    objectives = tuple(_objectives(varied))
    if rate is not None and not 0 < rate <= LARGEST:
        raise PlanError(scenario.file, "--rate", f"expected orders a second above 0, at most {LARGEST:,}, found {rate:g}")
    _refuse_nothing(varied, objectives)
    _refuse_overlaps(varied, steps)
    _refuse_short(varied, steps, objectives)
    return Plan(
        scenario=varied,
        declaration=declaration,
        parts=_parts(declaration, steps),
        steps=steps,
        objectives=objectives,
        probes=("foreign_cpu", *sorted({name for one in objectives for name in one.checker.probes})),
        defects=defects,
        scale=1.0 if rate is None else rate / varied.load.arrivals.orders_per_s,
        longest_s=START_S + load_s(varied) + SETTLE_S + AUDIT_S + STOP_S,
    )


def last_disturbance_s(scenario: Scenario) -> float:
    """When the last act or heal happens, in seconds after the baseline; 0 without steps."""
    return max((step.at_s + (step.hold_s or 0) for step in scenario.steps), default=0.0)


def expected_s(made: Plan) -> float:
    """How long a run takes where all goes well: its load up to a steady shop, and ``AROUND_S`` around it."""
    load, steady_s = made.scenario.load, made.scenario.recovery.stable_s + MARGIN_S if made.steps else 0.0
    return load.warm_up_s + load.baseline_s + last_disturbance_s(made.scenario) + steady_s + AROUND_S


def load_s(scenario: Scenario) -> float:
    """How long the load lasts at most. Healing itself is granted ``OVERDUE_S`` a step."""
    after = scenario.recovery.give_up_s + OVERDUE_S * len(scenario.steps) if scenario.steps else 0.0
    return scenario.load.warm_up_s + scenario.load.baseline_s + last_disturbance_s(scenario) + after


def _varied(scenario: Scenario, part: int) -> Scenario:
    """Give the scenario of one run of a series: its own seed and, if asked, steps up to a second later."""
    if part == 1 and scenario.repeat is None:
        return scenario
    seed = scenario.seed + part - 1  # see first_seed
    shift = Random(seed).random() if scenario.repeat and scenario.repeat.vary == "phase" else 0.0  # noqa: S311 -- no secret
    steps = tuple(replace(step, at_s=round(step.at_s + shift, 3)) for step in scenario.steps)
    return replace(scenario, seed=seed, steps=steps)


def first_seed(seed: int, part: int) -> int:
    """Give the seed of a whole series from that of one of its runs."""
    return seed - (part - 1)


def _step(scenario: Scenario, declaration: Declaration, number: int) -> PlannedStep:
    """Make one step's fault and check it against the declaration."""
    step, file = scenario.steps[number - 1], scenario.file
    key = f"steps[{number}].{step.fault.kind}"
    fault: Fault = registry.make("faults", step.fault, file, key)
    component = _aimed_at(fault.target, declaration, file, f"{key}.target")
    if component.name not in scenario.blast_radius:
        add = ", ".join(f'"{name}"' for name in (*scenario.blast_radius, component.name))
        raise PlanError(file, "blast_radius", f"{key} breaks {component.name}; write blast_radius = [{add}]")
    for ability in (fault.needs, fault.sense):
        if ability not in component.abilities:
            able = ", ".join(sorted(one.__name__ for one in component.abilities))
            raise PlanError(file, key, f"{component.name} is not {ability.__name__}; it is: {able}")
    if fault.held and step.hold_s is None:
        raise PlanError(
            file, f"steps[{number}].hold_s", f"{step.fault.kind} is held until we heal it; say how long: hold_s = 60"
        )
    if not fault.held and step.hold_s is not None:
        raise PlanError(file, f"steps[{number}].hold_s", f"{step.fault.kind} is an impulse, nothing is held; remove hold_s")
    return PlannedStep(id=step.id, kind=step.fault.kind, at_s=step.at_s, hold_s=step.hold_s, fault=fault)


def _aimed_at(target: Target, declaration: Declaration, file: str, key: str) -> Component:
    """Find the component a target names, and check that role and number exist. Raises ``PlanError``."""
    component = declaration.component(target.component or "")
    if component is None or target.peer is not None:
        names = ", ".join(part.name for part in declaration.components)
        raise PlanError(file, key, f"{target} is no component of the shop {declaration.name}; it has: {names}")
    if component.name == declaration.entry:
        raise PlanError(file, key, f"{target} is where shoppers enter, which is never a target; aim behind it")
    if target.role is not None and target.role not in component.roles:
        roles = ", ".join(f"{component.name}:{role}" for role in component.roles) or f"none; write {component.name}"
        raise PlanError(file, key, f"{component.name} has no role {target.role!r}; it has: {roles}")
    if target.index is not None and target.index > component.instances:
        raise PlanError(file, key, f"{target}: {component.name} has {component.instances} instance(s), counted from 1")
    if target.role is None and target.index is None and component.instances > 1:
        raise PlanError(file, key, f"{target} has {component.instances} instances; name one: {component.name}#1")
    return component


def _objectives(scenario: Scenario) -> Iterator[Objective]:
    """Make the checkers: the steady state before and, if something is broken, after; then each objective."""
    for entry in scenario.steady_state:
        checker: Checker = registry.make("checkers", entry, scenario.file, f"steady_state.{entry.id}")
        if not checker.windowed:
            because = "always judges the whole run, so it cannot say how the shop was before; move it to [objectives]"
            raise PlanError(scenario.file, f"steady_state.{entry.id}", because)
        yield Objective(id=f"before.{entry.id}", kind=entry.kind, when="baseline", checker=checker)
        if scenario.steps:
            yield Objective(id=f"after.{entry.id}", kind=entry.kind, when="recovered", checker=checker)
    for entry in scenario.objectives:
        key = f"objectives.{entry.id}"
        params = dict(entry.params)
        when = str(params.pop("when", "all"))
        if when not in WHEN:
            raise PlanError(scenario.file, f"{key}.when", f"expected one of {', '.join(WHEN)}, found {when!r}")
        made: Checker = registry.make("checkers", Entry(id=entry.id, kind=entry.kind, params=params), scenario.file, key)
        if when != "all" and not made.windowed:
            raise PlanError(scenario.file, f"{key}.when", f"{entry.kind} always judges the whole run; remove when")
        yield Objective(id=entry.id, kind=entry.kind, when=when, checker=made)


def _parts(declaration: Declaration, steps: tuple[PlannedStep, ...]) -> tuple[str, ...]:
    """Name the components to start: the entry, the targets, and what those need, in the declaration's order."""
    wanted = [declaration.entry, *(step.fault.target.component or "" for step in steps)]
    needed: set[str] = set()
    while wanted:
        component = declaration.component(wanted.pop())
        if component is not None and component.name not in needed:
            needed.add(component.name)
            wanted += component.needs
    return tuple(part.name for part in declaration.components if part.name in needed)


def _refuse_unknown(scenario: Scenario, declaration: Declaration, defects: tuple[str, ...]) -> None:
    """Refuse a defect or a component the shop does not know."""
    for name in defects:
        if name not in declaration.defects:
            raise PlanError(scenario.file, "--defect", f"{name!r} is none of {', '.join(declaration.defects)}")
    for name in scenario.blast_radius:
        if declaration.component(name) is None:
            names = ", ".join(part.name for part in declaration.components)
            raise PlanError(scenario.file, "blast_radius", f"{name!r} is no component of {declaration.name}: {names}")


def _refuse_nothing(scenario: Scenario, objectives: tuple[Objective, ...]) -> None:
    """Refuse a scenario that asks nothing, since it would always pass, and objectives that nobody could tell apart."""
    ids = [one.id for one in objectives]
    if not ids:
        because = "none: a run that asks nothing proves nothing; write at least orders_lost = { max = 0 }"
        raise PlanError(scenario.file, "objectives", because)
    for name in ids:
        if ids.count(name) > 1 or name in RESERVED:
            raise PlanError(scenario.file, f"objectives.{name}", "an id that the harness gives itself; give it another")


def _refuse_overlaps(scenario: Scenario, steps: tuple[PlannedStep, ...]) -> None:
    """Refuse two held faults of one kind on one component at the same time, or of any on one thing; and ids given twice."""
    if len({step.id for step in steps}) < len(steps):
        raise PlanError(scenario.file, "steps", "two steps have the same id; give each its own")
    held = [step for step in steps if step.hold_s is not None]
    for one, other in combinations(sorted(held, key=lambda step: step.at_s), 2):
        aim, other_aim = one.fault.target, other.fault.target
        same = one.kind == other.kind and aim.component == other_aim.component
        ends = one.at_s + (one.hold_s or 0)
        if (same or (aim == other_aim and aim.role is None)) and other.at_s < ends:  # a role may have moved meanwhile
            because = f"{one.kind} on {one.fault.target} is held until {ends:g} s; start at_s = {ends + MARGIN_S:g} or later"
            raise PlanError(scenario.file, f"steps.{other.id}.at_s", because)


def _refuse_short(scenario: Scenario, steps: tuple[PlannedStep, ...], objectives: tuple[Objective, ...]) -> None:
    """Refuse what cannot give evidence: a hold our own heal would end, a baseline without looks, a load too short."""
    for one in objectives:
        budget = getattr(one.checker, "budget_s", None) if one.kind == "rto" else None
        for step in steps:
            if budget is not None and step.hold_s is not None and step.hold_s <= budget + MARGIN_S:
                because = (
                    f"our own heal would end the outage before the budget; write hold_s = {budget + MARGIN_S + 10:g} or more"
                )
                raise PlanError(scenario.file, f"steps.{step.id}.hold_s", because)
        lasts = scenario.load.baseline_s + last_disturbance_s(scenario) + (scenario.recovery.stable_s if steps else 0)
        if lasts < one.checker.shortest_s:
            because = (
                f"needs {one.checker.shortest_s:g} s of load, this run may end after {lasts:g} s; raise load.baseline_s"
            )
            raise PlanError(scenario.file, f"objectives.{one.id}", because)
    before_s = scenario.load.warm_up_s + scenario.load.baseline_s + min((step.at_s for step in steps), default=0.0)
    if steps and before_s < EVIDENCE_S and any(one.kind == "orders_lost" for one in objectives):
        because = (
            f"orders_lost counts the orders of the {EVIDENCE_S} s before the fault, here {before_s:g} s; raise baseline_s"
        )
        raise PlanError(scenario.file, "load.baseline_s", because)
    if steps and scenario.load.baseline_s < BASELINE_LOOKS + 1:
        least = BASELINE_LOOKS + 1
        because = f"a witness looks {BASELINE_LOOKS} times before the fault; write baseline_s = {least} or more"
        raise PlanError(scenario.file, "load.baseline_s", because)
    if scenario.recovery.give_up_s < scenario.recovery.stable_s + MARGIN_S:
        because = f"no time to see stable_s; write give_up_s = {scenario.recovery.stable_s + 60:g} or more"
        raise PlanError(scenario.file, "recovery.give_up_s", because)
