"""What must not run: a scenario that would prove nothing, or break what it may not. Each refusal says the value to use."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import ceil, floor

from harness.declaration import Declaration
from harness.errors import PlanError
from harness.evidence import FEWEST_ARRIVALS
from harness.forecast import Forecast
from harness.model import Target
from harness.outages import orders_to_see
from harness.planned import (
    MARGIN_S,
    Objective,
    PlannedStep,
    last_disturbance_s,
    shortest_s,
    stretches,
)
from harness.scenario import Scenario

RESERVED = ("healed", "run")  # what the judge says in every run, and what JUnit calls a run as a whole
BASELINE_LOOKS = 5
EVIDENCE_S = 10


def unknown(scenario: Scenario, declaration: Declaration, defects: tuple[str, ...]) -> None:
    """Refuse a defect, a component or an entry the shop does not know."""
    for name in defects:
        if name not in declaration.defects:
            raise PlanError(scenario.file, "--defect", f"{name!r} is none of {', '.join(declaration.defects)}")
    if scenario.load.entry and scenario.load.entry not in declaration.entries:
        doors = ", ".join(declaration.entries)
        because = f"{scenario.load.entry!r} is no entry of the shop {declaration.name}; it has: {doors}"
        raise PlanError(scenario.file, "load.entry", because)
    for name in scenario.blast_radius:
        if declaration.component(name) is None:
            names = ", ".join(part.name for part in declaration.components)
            raise PlanError(scenario.file, "blast_radius", f"{name!r} is no component of {declaration.name}: {names}")


def nothing(scenario: Scenario, objectives: tuple[Objective, ...]) -> None:
    """Refuse a scenario that asks nothing, since it would always pass, and objectives that nobody could tell apart."""
    ids = [one.id for one in objectives]
    if not set(ids) - {"blast_radius"}:  # which is asked of every run that breaks something
        because = "none: a run that asks nothing proves nothing; write at least orders_lost = { max = 0 }"
        raise PlanError(scenario.file, "objectives", because)
    for name in ids:
        if ids.count(name) > 1 or name in RESERVED:
            raise PlanError(scenario.file, f"objectives.{name}", "an id that the harness gives itself; give it another")


def browsing(scenario: Scenario, declaration: Declaration, objectives: tuple[Objective, ...]) -> None:
    """Refuse what is asked of sessions where there are none, or too few for its evidence, and edges that are none."""
    sessions, edges = scenario.load.sessions, [part.name for part in declaration.components if part.edge]
    for one in objectives:
        if not one.checker.browses:
            continue
        if sessions is None:
            because = f"{one.kind} judges sessions, and there are none; write [load] sessions = {{ per_s = 20 }}"
            raise PlanError(scenario.file, f"objectives.{one.id}", because)
        needed, least_s = getattr(one.checker, "sessions", 0), scenario.load.warm_up_s + shortest_s(scenario)
        if sessions.per_s * least_s < needed:
            per_s = ceil(1.1 * needed / least_s)
            because = f"{needed:,} sessions are needed, and this run may end after {least_s:g} s"
            because += f"; raise load.sessions.per_s to {per_s}"
            raise PlanError(scenario.file, f"objectives.{one.id}.sessions", because)
        edge, step = getattr(one.checker, "edge", None), getattr(one.checker, "step", "")
        if edge is not None and edge not in edges:
            because = f"{edge!r} is no edge of the shop {declaration.name}; it has: {', '.join(edges) or 'none'}"
            raise PlanError(scenario.file, f"objectives.{one.id}.edge", because)
        if step and step not in {planned.id for planned in scenario.steps}:
            ids = ", ".join(planned.id for planned in scenario.steps) or "none"
            raise PlanError(scenario.file, f"objectives.{one.id}.step", f"{step!r} is no step of this scenario: {ids}")


def overlaps(scenario: Scenario, steps: tuple[PlannedStep, ...]) -> None:
    """Refuse two held faults of one kind on one component at the same time, or of any on one thing; and ids given twice.

    And one on an end of a link that is broken too: what is seen of the link then may be the other's work. Two instances that
    are named by number are two things.
    """
    if len({step.id for step in steps}) < len(steps):
        raise PlanError(scenario.file, "steps", "two steps have the same id; give each its own")
    held = [step for step in steps if step.hold_s is not None]
    for one, other in combinations(sorted(held, key=lambda step: step.at_s), 2):
        aim, other_aim = one.fault.target, other.fault.target
        apart = None not in (aim.index, other_aim.index) and aim.index != other_aim.index
        same = one.kind == other.kind and aim.component == other_aim.component and not apart
        ends, one_thing = one.at_s + (one.hold_s or 0), aim == other_aim or _at_its_end(aim, other_aim)
        if (same or (one_thing and aim.role is None)) and other.at_s < ends:  # a role may have moved meanwhile
            because = f"{one.kind} on {one.fault.target} is held until {ends:g} s; start at_s = {ends + MARGIN_S:g} or later"
            raise PlanError(scenario.file, f"steps.{other.id}.at_s", because)


def _at_its_end(one: Target, other: Target) -> bool:
    """Say whether one of two is a link, and the other an end of it."""
    link, end = (one, other) if one.peer else (other, one)
    return link.peer is not None and end.peer is None and end in (replace(link, peer=None), Target(component=link.peer))


def deaf(scenario: Scenario, declaration: Declaration, objectives: tuple[Objective, ...]) -> None:
    """Refuse an alert that no component declares, and a baseline too short for its silence to mean anything."""
    alerts = {alert.name: alert for part in declaration.components for alert in part.alerts}
    for one in objectives:
        if one.kind != "alert":
            continue
        name, step = getattr(one.checker, "name", ""), getattr(one.checker, "step", "")
        if not scenario.steps:
            because = "nothing is broken, so there is nothing to notice; leave it out"
            raise PlanError(scenario.file, f"objectives.{one.id}", because)
        if step and step not in {planned.id for planned in scenario.steps}:
            ids = ", ".join(planned.id for planned in scenario.steps)
            raise PlanError(scenario.file, f"objectives.{one.id}.step", f"{step!r} is no step of this scenario: {ids}")
        if name not in alerts:
            because = f"{name!r} is no alert of the shop {declaration.name}; it has: {', '.join(sorted(alerts)) or 'none'}"
            raise PlanError(scenario.file, f"objectives.{one.id}.name", because)
        if scenario.load.baseline_s < alerts[name].window_s:
            because = f"{name} looks back {alerts[name].window_s:g} s; write baseline_s = {alerts[name].window_s:g} or more"
            raise PlanError(scenario.file, "load.baseline_s", because)


def unseen(scenario: Scenario, objectives: tuple[Objective, ...], orders_per_s: float) -> None:
    """Refuse a ``rto`` that could never pass: too few orders due within its budget, or from the first act to the end."""
    asked = [one for one in objectives if one.kind == "rto"] if scenario.steps else []
    for one in asked:
        due, needed = orders_per_s * getattr(one.checker, "budget_s", 0.0), orders_to_see(orders_per_s)
        if due < needed:
            because = (
                f"{due:.3g} orders are due within the budget, {needed:g} are needed to see an outage as long as that; "
                f"write budget_s = {ceil(10 * needed / orders_per_s) / 10:g} or more, or send more orders a second"
            )
            raise PlanError(scenario.file, f"objectives.{one.id}.budget_s", because)
        stable_s = scenario.recovery.stable_s
        lasts_s = last_disturbance_s(scenario) - min(step.at_s for step in scenario.steps) + stable_s
        if orders_per_s * lasts_s < FEWEST_ARRIVALS:
            because = (
                f"{orders_per_s * lasts_s:.3g} orders may be due from the first act on, {one.kind} needs {FEWEST_ARRIVALS}; "
                f"write stable_s = {ceil(stable_s + FEWEST_ARRIVALS / orders_per_s - lasts_s)} or more"
            )
            raise PlanError(scenario.file, "recovery.stable_s", because)


def scarce(scenario: Scenario, declaration: Declaration, objectives: tuple[Objective, ...], rate: float | None) -> None:
    """Refuse a load too low for the fewest pieces of evidence that objectives believe; ``rate`` is ``--rate``, if given.

    Only what the load alone decides: the shop may still bring less. The value to use is ``enough``.
    """
    scale = 1.0 if rate is None else rate / scenario.load.arrivals.orders_per_s
    found = [
        (one, due)
        for one, forecast in _forecasts(scenario, declaration, objectives, scale)
        for due in one.checker.foresee(forecast)
        if due.due < due.needed
    ]
    if not found:
        return
    worst, due = min(found, key=lambda each: each[1].due / each[1].needed)
    lacking = f"{worst.id} needs {due.needed:,} {due.what} {due.where}, {floor(10 * due.due) / 10:,g} are due at"
    if due.pieces <= 0:
        because = f"{lacking} whatever rate; leave it out, or write a share above 0 in [load]"
        raise PlanError(scenario.file, f"objectives.{worst.id}", because)
    lacking += " the most"
    if rate is not None and due.due > 0 and not due.scales:
        raise PlanError(scenario.file, "--rate", f"{lacking}; write --rate {_upwards(rate * due.enough / due.due)} or more")
    name, per_s = due.rate.rpartition(".")[2], due.enough / (due.pieces * scale)
    raise PlanError(scenario.file, f"load.{due.rate}", f"{lacking}; write {name} = {_upwards(per_s)} or more")


def _forecasts(
    scenario: Scenario, declaration: Declaration, objectives: tuple[Objective, ...], scale: float
) -> Iterator[tuple[Objective, Forecast]]:
    """Give each objective with the load as it will look at it."""
    others = {"sessions"} if scenario.load.sessions else set[str]()
    others |= {"browser"} if any(one.checker.screened for one in objectives) else set()
    others |= {probe for one in objectives for probe in one.checker.probes}
    for one in objectives:
        yield (
            one,
            Forecast(
                scenario=scenario,
                declaration=declaration,
                scale=scale,
                stretches=stretches(scenario),
                when=one.when,
                others=frozenset(others),
            ),
        )


def _upwards(rate: float) -> str:
    """Write a rate for people to type, rounded up to a tenth."""
    return f"{ceil(10 * rate) / 10:.10g}"


def _stale(scenario: Scenario, steps: tuple[PlannedStep, ...], objectives: tuple[Objective, ...]) -> None:
    """Refuse a staleness that our own heal, or the end of the load, would end before anybody could find it too old."""
    for one in objectives:
        if one.kind != "true_price":
            continue
        least_s = getattr(one.checker, "stale_max_s", 0.0) + MARGIN_S
        for step in steps:
            if step.hold_s is not None and step.hold_s < least_s:
                because = f"our own heal would end what is stale before stale_max_s; write hold_s = {least_s:g} or more"
                raise PlanError(scenario.file, f"steps.{step.id}.hold_s", because)
        if steps and scenario.recovery.stable_s < least_s:
            because = f"the load could end before stale_max_s is over; write stable_s = {least_s:g} or more"
            raise PlanError(scenario.file, "recovery.stable_s", because)


def _staged(scenario: Scenario, objectives: tuple[Objective, ...]) -> None:
    """Refuse what a stage of the load would hide, or make another's work."""
    for one in objectives if scenario.load.stages else ():
        because = ""
        if one.kind == "rto":
            because = "rto sees outages by the usual rate, which stages change; ask back_after_heal, or leave the stages out"
        elif one.kind == "back_after_heal" and scenario.steps:
            because = "nobody could tell what it came back from, a step or a stage; leave the stages out"
        if because:
            raise PlanError(scenario.file, f"objectives.{one.id}", because)


def short(scenario: Scenario, steps: tuple[PlannedStep, ...], objectives: tuple[Objective, ...]) -> None:
    """Refuse what cannot give evidence: a hold our own heal would end, a baseline without looks, a load too short."""
    _stale(scenario, steps, objectives)
    _staged(scenario, objectives)
    for one in objectives:
        budget = getattr(one.checker, "budget_s", None) if one.kind == "rto" else None
        for step in steps:
            if budget is not None and step.hold_s is not None and step.hold_s <= budget + MARGIN_S:
                because = (
                    f"our own heal would end the outage before the budget; write hold_s = {budget + MARGIN_S + 10:g} or more"
                )
                raise PlanError(scenario.file, f"steps.{step.id}.hold_s", because)
        lasts = shortest_s(scenario)
        if lasts < one.checker.shortest_s:
            least = ceil(scenario.load.baseline_s + one.checker.shortest_s - lasts)
            because = (
                f"needs {one.checker.shortest_s:g} s of load, this run may end after {lasts:g} s; "
                f"write baseline_s = {least} or more"
            )
            raise PlanError(scenario.file, f"objectives.{one.id}", because)
    before_s = scenario.load.warm_up_s + scenario.load.baseline_s + min((step.at_s for step in steps), default=0.0)
    if steps and before_s < EVIDENCE_S and any(one.kind == "orders_lost" for one in objectives):
        least = ceil(scenario.load.baseline_s + EVIDENCE_S - before_s)
        because = (
            f"orders_lost counts the orders of the {EVIDENCE_S} s before the fault, here {before_s:g} s; "
            f"write baseline_s = {least} or more"
        )
        raise PlanError(scenario.file, "load.baseline_s", because)
    if steps and scenario.load.baseline_s < BASELINE_LOOKS + 1:
        least = BASELINE_LOOKS + 1
        because = f"a witness looks {BASELINE_LOOKS} times before the fault; write baseline_s = {least} or more"
        raise PlanError(scenario.file, "load.baseline_s", because)
    if scenario.recovery.give_up_s < scenario.recovery.stable_s + MARGIN_S:
        because = f"no time to see stable_s; write give_up_s = {scenario.recovery.stable_s + 60:g} or more"
        raise PlanError(scenario.file, "recovery.give_up_s", because)
