"""The dry run: a plan as people read it before anything starts, with the commands a person would type."""

from collections.abc import Iterator
from dataclasses import fields

from harness.capabilities import Poisonable, Shares
from harness.drivers import driver
from harness.forecast import CALLERS, ORDERS
from harness.planned import OVERDUE_S, Plan, PlannedStep, load_s
from harness.rates import courses
from harness.reporters._words import visible
from harness.views import EVERY_NS


def told(plan: Plan) -> str:
    """Give the whole plan as text: parts, load, timeline, targets, undo, limits, longest duration."""
    return "\n".join(visible(line) for line in _lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    scenario, load = plan.scenario, plan.scenario.load
    yield f"{scenario.file}"
    yield f"  {scenario.hypothesis}"
    yield f"  shop            {plan.declaration.name}{_defects(plan)}"
    yield f"  parts           {', '.join(plan.parts)}; shoppers enter at {plan.entry}"
    if plan.proxied:
        yield f"  proxied links   {', '.join(f'{link} through {link.proxy}' for link in plan.proxied)}"
    scaled = "" if plan.scale == 1 else f" ({plan.scale:.0%} of the scenario's; the evidence needed scales with it)"
    reads = {what: getattr(load, key) for what, key in CALLERS.items() if key != ORDERS}
    read = "".join(f", {per_s * plan.scale:g} {what}/s" for what, per_s in reads.items() if per_s)
    read += f", {load.unkeyed_ratio:.0%} of the orders without a key" if load.unkeyed_ratio else ""
    read += f", {load.crowd_ratio:.0%} of the products one and the same" if load.crowd_ratio else ""
    yield f"  load            {plan.orders_per_s:g} orders/s{read}, open{scaled}"
    if (sessions := load.sessions) is not None:
        goes = f"{sessions.pages} pages each, a thought of {sessions.think_s:g} s between them"
        yield f"  sessions        {sessions.per_s * plan.scale:g}/s, {goes}, {sessions.checkout_ratio:.0%} then buy"
    if (screen := plan.declaration.screen) is not None and plan.looked_through:
        edges = ", ".join(plan.looked_through)
        yield f"  browser         looks at {screen.path} every {EVERY_NS / 1e9:g} s, through {edges} by turns"
    yield f"  may look bad    {', '.join(scenario.blast_radius) or 'nothing'}"
    yield "  timeline        T counts from the first arrival"
    yield f"    T+0 s         warm-up for {load.warm_up_s:g} s"
    begin_s = load.warm_up_s + load.baseline_s
    yield f"    T+{load.warm_up_s:g} s        baseline for {load.baseline_s:g} s; every witness looks at its target"
    for stage, (at_s, end_s) in zip(load.stages, courses(load).values(), strict=True):
        ramp = f" within {stage.ramp_s:g} s" if stage.ramp_s else ""
        until = f"{ramp}, until T+{float(end_s):g} s"
        yield f"    T+{float(at_s):g} s        {stage.name}: {stage.orders_per_s * plan.scale:g} orders/s{until}"
    for step in plan.steps:
        yield from _step(plan, step, begin_s)
    if scenario.disturbed:
        recovery = scenario.recovery
        yield f"    then          recovery: until steady for {recovery.stable_s:g} s, at most {recovery.give_up_s:g} s"
    yield "    then          arrivals stop, all settles, every node is audited, the shop is removed"
    yield "  objectives"
    for one in plan.objectives:
        limits = ", ".join(f"{name} {value}" for name, value in _limits(one.checker))
        yield f"    {one.id:22s} {one.kind}: {limits or 'no parameters'}{'' if one.when == 'all' else f' ({one.when})'}"
    runs = scenario.repeat.runs if scenario.repeat else 1
    times = f" a run, {runs} runs" if runs > 1 else ""
    yield f"  longest         {plan.longest_s:g} s{times}, of which load at most {load_s(scenario):g} s"


def _step(plan: Plan, step: PlannedStep, begin_s: float) -> Iterator[str]:
    """Tell one step: what breaks, what a person would type, what undoes it and who if we die."""
    power = next(name for name in vars(step.fault.needs) if not name.startswith("_"))  # a power is one method
    target, at_s, who = step.fault.target, begin_s + step.at_s, _who(step)
    component = plan.declaration.component(target.component or "")
    own = component.typed if component else {}
    act, undo = own[power] if power in own else driver(plan.declaration.driver).TYPED[power]
    held = f"held for {step.hold_s:g} s" if step.hold_s is not None else "an impulse: the shop must get over it"
    yield f"    T+{at_s:g} s        {step.id}: {step.kind} {target}, {held}"
    yield f"                  as typed: {act.format(who)}"
    if step.hold_s is None:
        yield "                  undo: none"
    else:
        yield f"                  undo at T+{at_s + step.hold_s:g} s: {undo.format(who)}"
        yield f"                  if the harness dies: its guardian at once; at the latest {OVERDUE_S} s after that time"
    asked = "whoever hands out the orders" if step.fault.sense is Shares else "the instance itself"
    yield f"                  witness: {step.fault.sense.__name__}, asked of {asked}"


def _who(step: PlannedStep) -> str:
    """Name what a command would be about: an instance, whoever holds a role then, or a link as a whole."""
    target = step.fault.target
    if target.role:
        return f"<whoever is {target} then>"
    if step.fault.needs is Poisonable:
        return str(target)
    return f"{target.component}" + (f"-{target.index}" if target.index else "")


def _limits(checker: object) -> Iterator[tuple[str, str]]:
    """Give a checker's parameters that are set, as a scenario calls them."""
    for parameter in fields(checker):  # type: ignore[arg-type]  # every checker is a noun
        value = getattr(checker, parameter.name)
        if value not in (None, ""):
            yield parameter.name.rstrip("_"), f"{value:g}" if isinstance(value, float) else str(value)


def _defects(plan: Plan) -> str:
    return f", with the defect {', '.join(plan.defects)}" if plan.defects else ""
