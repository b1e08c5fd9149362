"""A scenario in which nothing is broken becomes a ladder: the same shop and promises, a load that climbs rung by rung."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import tomli_w

from harness import registry
from harness.errors import UsageError
from harness.model import Json
from harness.scenario import Entry, Scenario

WARM_UP_S, BASELINE_S, STABLE_S, GIVE_UP_S = 5.0, 10.0, 5.0, 60.0
RAMP_S, REST_S = 1.0, 4.0
RESTING = 4  # times fewer orders than on the lowest rung


def rung(per_s: int) -> str:
    """Name the stage in which so many orders a second are offered."""
    return f"at_{per_s}"


def asked_of(scenario: Scenario, try_s: float) -> tuple[Entry, ...]:
    """Give what the shop must hold on every rung: what is judged by time, in any stretch of the load as long as a try.

    Raises ``UsageError`` where a scenario is no ground for a ladder: it breaks something, or asks nothing of that kind.
    """
    if scenario.disturbed or scenario.repeat is not None or scenario.load.sessions is not None:
        raise UsageError(
            f"{scenario.file}: a knee is sought where nothing is broken: name a scenario without steps, stages, sessions "
            "and repeat"
        )
    ids = {one.id for one in scenario.objectives}
    steady = tuple(replace(one, id=f"steady_{one.id}") if one.id in ids else one for one in scenario.steady_state)
    found = tuple(one for one in (*steady, *scenario.objectives) if _climbs(one, try_s))
    if not found:
        raise UsageError(
            f"{scenario.file}: nothing that it asks can be judged on a rung of {try_s:g} s; ask for goodput or order_latency"
        )
    return found


def ladder(scenario: Scenario, rates: Sequence[int], try_s: float) -> str:
    """Write the ladder as a scenario: each rate (orders a second, ascending) for ``try_s``, with a rest in between.

    What is asked of every rung is ``<objective>_at_<rate>``; what is asked of the whole run stays. Raises ``UsageError``,
    see ``asked_of``.
    """
    asked = asked_of(scenario, try_s)
    raw: dict[str, Any] = tomllib.loads(scenario.text)
    resting = max(1, rates[0] // RESTING)
    stages = []
    for per_s in rates:
        stages.append({"name": rung(per_s), "orders_per_s": per_s, "ramp_s": RAMP_S, "for_s": RAMP_S + try_s})
        stages.append({"name": f"after_{per_s}", "orders_per_s": resting, "for_s": REST_S})
    raw["hypothesis"] = f"How far the shop can go: {scenario.hypothesis}"
    raw["load"] |= {"warm_up_s": WARM_UP_S, "baseline_s": BASELINE_S, "stages": stages}
    raw["load"]["arrivals"]["orders_per_s"] = resting
    raw["recovery"] = {"stable_s": STABLE_S, "give_up_s": GIVE_UP_S}
    raw["steady_state"] = {}
    raw["objectives"] = _whole(scenario) | {
        f"{one.id}_{rung(per_s)}": {"kind": one.kind, **one.params, "when": rung(per_s)} for per_s in rates for one in asked
    }
    return tomli_w.dumps(raw)


def _climbs(one: Entry, try_s: float) -> bool:
    checker = registry.cls("checkers", one.kind)
    beside = checker.browses or checker.screened
    return checker.timing and checker.windowed and not beside and checker.shortest_s <= try_s


def _whole(scenario: Scenario) -> dict[str, Mapping[str, Json]]:
    """Give what is asked of the whole run, whatever the load: that no order is lost, and the like.

    What must be looked at all the time is left out: beyond the knee a shop owes nobody an answer.
    """
    kinds = {one.id: registry.cls("checkers", one.kind) for one in scenario.objectives}
    found = [one for one in scenario.objectives if not kinds[one.id].windowed and not kinds[one.id].probes]
    return {one.id: {"kind": one.kind, **one.params} for one in found}
