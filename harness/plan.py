"""Scenario → Plan, purely: each kind becomes an object, checked against the shop's declaration. Starts nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from random import Random

from harness import adding, looking, refusals, registry
from harness.capabilities import Carries, Linked, Poisonable, Scalable
from harness.declaration import Component, Declaration, Link
from harness.errors import PlanError
from harness.history import Checker
from harness.model import Fault, Target
from harness.planned import AUDIT_S, BEFORE, SETTLE_S, START_S, STOP_S, Objective, Plan, PlannedStep, load_s
from harness.scenario import Entry, Scenario
from harness.tables import LARGEST

WHEN = ("all", "baseline", "recovered", "steady")


def plan(  # noqa: PLR0913 -- a scenario, a shop, and the ways in which a run may differ from the file
    scenario: Scenario,
    declaration: Declaration,
    *,
    defects: tuple[str, ...] = (),
    rate: float | None = None,
    seed: int | None = None,
    part: int = 1,
    flown: bool = False,
) -> Plan:
    """Decide everything a run will do. ``rate`` and ``seed`` replace the scenario's; ``part`` is the run's number in a
    series (``[repeat]``) and varies the seed and, where asked, the phase of its steps. ``flown``: the run is over, and what
    its load was too low for is for the judge to say.

    Raises ``ScenarioError`` for what is not understood and ``PlanError``, with the value to use, for what must not run.
    """  # noqa: D205 -- the summary needs two lines
    varied = _varied(scenario if seed is None else replace(scenario, seed=seed), part)
    refusals.unknown(varied, declaration, defects)
    steps = tuple(_step(varied, declaration, number) for number in range(1, len(varied.steps) + 1))
    objectives = tuple(_objectives(varied))
    entry = varied.load.entry or declaration.entries[0]
    proxied = _proxied(declaration, steps)
    parts = _parts(declaration, entry, steps, proxied, objectives, varied.file)
    if set(parts) <= set(varied.blast_radius):  # nothing is left that would have to stay well
        objectives = tuple(one for one in objectives if one.kind != "blast_radius")
    if rate is not None and not 0 < rate <= LARGEST:
        raise PlanError(scenario.file, "--rate", f"expected orders a second above 0, at most {LARGEST:,}, found {rate:g}")
    refusals.nothing(varied, objectives)
    refusals.overlaps(varied, steps)
    refusals.deaf(varied, declaration, objectives)
    refusals.browsing(varied, declaration, objectives)
    refusals.short(varied, steps, objectives)
    adding.refuse(varied, steps, objectives)
    scale = 1.0 if rate is None else rate / varied.load.arrivals.orders_per_s
    looking.refuse(varied, declaration, parts, objectives, scale)
    refusals.unseen(varied, objectives, varied.load.arrivals.orders_per_s if rate is None else rate)
    if not flown:
        refusals.scarce(varied, declaration, objectives, rate)
    return Plan(
        scenario=varied,
        declaration=declaration,
        parts=parts,
        steps=steps,
        objectives=objectives,
        probes=("foreign_cpu", *sorted({name for one in objectives for name in one.checker.probes})),
        defects=defects,
        scale=scale,
        longest_s=START_S + load_s(varied) + SETTLE_S + AUDIT_S + STOP_S,
        proxied=proxied,
    )


def _varied(scenario: Scenario, part: int) -> Scenario:
    """Give the scenario of one run of a series: its own seed and, if asked, steps up to a second later."""
    if part == 1 and scenario.repeat is None:
        return scenario
    seed = scenario.seed + part - 1  # see first_seed
    shift = Random(seed).random() if scenario.repeat and scenario.repeat.vary == "phase" else 0.0  # noqa: S311 -- no secret
    steps = tuple(replace(step, at_s=round(step.at_s + shift, 3)) for step in scenario.steps)
    return replace(scenario, seed=seed, steps=steps)


def _step(scenario: Scenario, declaration: Declaration, number: int) -> PlannedStep:
    """Make one step's fault and check it against the declaration."""
    step, file = scenario.steps[number - 1], scenario.file
    key = f"steps[{number}].{step.fault.kind}"
    fault: Fault = registry.make("faults", step.fault, file, key)
    component = _aimed_at(fault, declaration, file, f"{key}.target")
    if component.name not in scenario.blast_radius:
        add = ", ".join(f'"{name}"' for name in (*scenario.blast_radius, component.name))
        raise PlanError(file, "blast_radius", f"{key} breaks {component.name}; write blast_radius = [{add}]")
    if fault.target.peer is not None and not issubclass(fault.sense, (Linked, Carries)):
        because = f"{step.fault.kind} breaks an instance, not a link; leave out ->{fault.target.peer}"
        raise PlanError(file, f"{key}.target", because)
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
    longest_s = getattr(fault, "longest_s", inf)
    if step.hold_s is not None and step.hold_s > longest_s:
        because = f"{step.fault.kind} ends by itself; write hold_s = {longest_s:g} or less"
        raise PlanError(file, f"steps[{number}].hold_s", because)
    if getattr(fault, "seed", 0) is None:
        fault = replace(fault, seed=scenario.seed)  # type: ignore[type-var]  # every fault is a noun
    return PlannedStep(id=step.id, kind=step.fault.kind, at_s=step.at_s, hold_s=step.hold_s, fault=fault)


def _aimed_at(fault: Fault, declaration: Declaration, file: str, key: str) -> Component:
    """Find the component a target names, and check that role, number and link exist. Raises ``PlanError``."""
    target = fault.target
    component = declaration.component(target.component or "")
    if component is None:
        names = ", ".join(part.name for part in declaration.components)
        raise PlanError(file, key, f"{target} is no component of the shop {declaration.name}; it has: {names}")
    if component.name in declaration.entries:
        raise PlanError(file, key, f"{target} is where shoppers enter, which is never a target; aim behind it")
    if target.role is not None and target.role not in component.roles:
        roles = ", ".join(f"{component.name}:{role}" for role in component.roles) or f"none; write {component.name}"
        raise PlanError(file, key, f"{component.name} has no role {target.role!r}; it has: {roles}")
    if fault.needs is Scalable:
        _another(target, component, file, key)
    elif target.index is not None and target.index > component.instances:
        raise PlanError(file, key, f"{target}: {component.name} has {component.instances} instance(s), counted from 1")
    if target.peer is not None and declaration.link(component.name, target.peer) is None:
        links = ", ".join(map(str, declaration.links)) or "none"
        raise PlanError(file, key, f"{target} is no link of the shop {declaration.name}; it has: {links}")
    if fault.needs is Poisonable:
        _whole_link(target, component, declaration, file, key)
    elif target.role is None and target.index is None and component.instances > 1:
        raise PlanError(file, key, f"{target} has {component.instances} instances; name one: {component.name}#1")
    return component


def _another(target: Target, component: Component, file: str, key: str) -> None:
    """Check that a target is an instance that is not there yet, and that the shop has room for."""
    if not component.spares:
        raise PlanError(file, key, f"{target}: the shop has no room for more of {component.name}")
    first, last = component.instances + 1, component.instances + component.spares
    if target.role is not None or target.index is None or not first <= target.index <= last:
        names = " or ".join(f"{component.name}#{number}" for number in range(first, last + 1))
        raise PlanError(file, key, f"{target} is nothing that can be added; write {names}")


def _whole_link(target: Target, component: Component, declaration: Declaration, file: str, key: str) -> None:
    """Check that a target is a link that a proxy can carry, which it does for all of a component's instances."""
    link = declaration.link(component.name, target.peer or "")
    if link is None or link.proxy is None:
        links = ", ".join(str(one) for one in declaration.links if one.proxy is not None) or "none"
        raise PlanError(file, key, f"{target} is no link that a proxy can carry; these are: {links}")
    if target.role is not None or target.index is not None:
        raise PlanError(file, key, f"{target}: a proxy carries the link for all of {component.name}; write {link}")


def _objectives(scenario: Scenario) -> Iterator[Objective]:
    """Make the checkers: the steady state before and, if something is broken, after; then each objective."""
    for entry in scenario.steady_state:
        checker: Checker = registry.make("checkers", entry, scenario.file, f"steady_state.{entry.id}")
        if not checker.windowed:
            because = "always judges the whole run, so it cannot say how the shop was before; move it to [objectives]"
            raise PlanError(scenario.file, f"steady_state.{entry.id}", because)
        yield Objective(id=f"{BEFORE}{entry.id}", kind=entry.kind, when="baseline", checker=checker)
        if scenario.disturbed:
            yield Objective(id=f"after.{entry.id}", kind=entry.kind, when="recovered", checker=checker)
    for entry in scenario.objectives:
        key = f"objectives.{entry.id}"
        params = dict(entry.params)
        when = str(params.pop("when", "all"))
        stretches = (*WHEN, *(stage.name for stage in scenario.load.stages))
        if when not in stretches:
            raise PlanError(scenario.file, f"{key}.when", f"expected one of {', '.join(stretches)}, found {when!r}")
        made: Checker = registry.make("checkers", Entry(id=entry.id, kind=entry.kind, params=params), scenario.file, key)
        if when in ("recovered", "steady") and not scenario.disturbed:
            raise PlanError(scenario.file, f"{key}.when", f"nothing is broken, so nothing is ever {when}; remove when")
        if when != "all" and not made.windowed:
            raise PlanError(scenario.file, f"{key}.when", f"{entry.kind} always judges the whole run; remove when")
        yield Objective(id=entry.id, kind=entry.kind, when=when, checker=made)
    if scenario.steps:
        entry = Entry(id="blast_radius", kind="blast_radius", params={})
        checker = registry.make("checkers", entry, scenario.file, "blast_radius")
        yield Objective(id=entry.id, kind=entry.kind, when="all", checker=checker)


def _proxied(declaration: Declaration, steps: tuple[PlannedStep, ...]) -> tuple[Link, ...]:
    """Give the links that must carry a proxy, for these steps break them by it."""
    targets = [step.fault.target for step in steps if step.fault.needs is Poisonable]
    broken = {(target.component, target.peer) for target in targets}
    return tuple(link for link in declaration.links if (link.component, link.peer) in broken)


def _parts(  # noqa: PLR0913, PLR0917 -- all that may need a part
    declaration: Declaration,
    entry: str,
    steps: tuple[PlannedStep, ...],
    proxied: tuple[Link, ...],
    objectives: Sequence[Objective],
    file: str,
) -> tuple[str, ...]:
    """Name the components to start, in the declaration's order: the entry, the targets, the proxies in their links, those
    that objectives need, and what all these need in turn. Raises ``PlanError`` where the shop has nothing that an objective
    needs.
    """  # noqa: D205 -- the summary needs more lines
    targets = [step.fault.target for step in steps]
    wanted = [entry, *(end for target in targets for end in (target.component, target.peer) if end)]
    wanted += [link.proxy for link in proxied if link.proxy is not None]
    for one in objectives:
        for need in one.checker.needs:
            found = able(declaration, {need})
            if not found:
                because = f"{one.kind} needs a part that is {need}, and the shop {declaration.name} has none; leave it out"
                raise PlanError(file, f"objectives.{one.id}", because)
            wanted += found
    return started(declaration, wanted)


def able(declaration: Declaration, needs: Collection[str]) -> list[str]:
    """Name the components that have one of some abilities, given by their names."""
    parts = declaration.components
    return [part.name for part in parts if set(needs) & {ability.__name__ for ability in part.abilities}]


def started(declaration: Declaration, wanted: Iterable[str]) -> tuple[str, ...]:
    """Name some components and all that they need, in the declaration's order."""
    left, needed = list(wanted), set[str]()
    while left:
        component = declaration.component(left.pop())
        if component is not None and component.name not in needed:
            needed.add(component.name)
            left += component.needs
    return tuple(part.name for part in declaration.components if part.name in needed)
