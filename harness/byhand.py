"""Plans of what people do by hand, without a scenario file: made as a scenario is, so with every refusal of one."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tomli_w

from harness import registry
from harness.declaration import Declaration
from harness.errors import PlanError, ScenarioError, UsageError
from harness.model import Json
from harness.plan import plan, started
from harness.planned import Plan
from harness.refusals import BASELINE_LOOKS
from harness.scenario import FORMAT, parse

LOOK_S = BASELINE_LOOKS + 1.0  # how long a witness looks before the act
RATE_MAX = 2_000.0  # orders a second: more than one generator can send in time
ORDERS_MAX = 2_000_000  # all of them are held in memory when they are counted


def standing(declaration: Declaration, named: Sequence[str], defects: tuple[str, ...]) -> Plan:
    """Plan a shop of the named components and what they need. Raises ``UsageError``.

    Where none is named it has all, but for those that only stand in the path of links: named, they carry all that they can.
    """
    made = _planned("up", declaration, defects)
    names = tuple(part.name for part in declaration.components)
    for name in named:
        if name not in names:
            raise UsageError(f"up {name}: no component of the shop {declaration.name}; it has: {', '.join(names)}")
    proxies = {link.proxy for link in declaration.links}
    parts = started(declaration, named or [name for name in names if name not in proxies])
    return replace(made, parts=parts, proxied=tuple(link for link in declaration.links if link.proxy in parts))


def one_break(  # noqa: PLR0913, PLR0917 -- what a person types, and on what
    declaration: Declaration,
    kind: str,
    target: str,
    hold_s: float | None,
    running: Sequence[str],
    parameters: Sequence[str] = (),
) -> Plan:
    """Plan one breakage of a shop of which only the components ``running`` run; ``parameters`` are typed as ``ms=300``.

    Raises ``UsageError`` for all that a scenario would be refused for, said in the words of the command line.
    """
    if kind in registry.kinds("faults"):
        held = registry.cls("faults", kind).held
        if held and hold_s is None:
            raise UsageError(f"break {kind} {target}: it is held until we heal it; say how long: --for 60s")
        if not held and hold_s is not None:
            raise UsageError(f"break {kind} {target}: it is an impulse, nothing is held; leave out --for")
    step: dict[str, Json] = {"id": kind, "at_s": 0.0, kind: _typed(kind, parameters) | {"target": target}}
    if hold_s is not None:
        step["hold_s"] = hold_s
    made = _planned(f"break {kind} {target}", declaration, steps=[step])
    component = made.steps[0].fault.target.component
    if component not in running:
        raise UsageError(f"break {kind} {target}: {component} does not run there; running: {', '.join(running)}")
    if made.added:
        raise UsageError(f"break {kind} {target}: a shop that stands has no room for it; write a scenario with this step")
    for link in made.proxied:
        if link.proxy not in running:
            first = f"windtunnel down, then windtunnel up {made.entry} {link.proxy}"
            raise UsageError(f"break {kind} {target}: no {link.proxy} is in the path of {link} there; first type: {first}")
    return made


def _typed(kind: str, parameters: Sequence[str]) -> dict[str, Any]:
    """Read parameters as people type them, ``ms=300`` or ``way=in``. Raises ``UsageError``."""
    read: dict[str, Any] = {}
    for one in parameters:
        name, there, value = one.partition("=")
        if not there or not name.isidentifier():
            raise UsageError(f"break {kind}: {one!r} is no parameter; write NAME=VALUE, as in ms=300")
        try:
            read |= {name: tomllib.loads(f"value = {value}")["value"]}
        except tomllib.TOMLDecodeError:
            read |= {name: value}
    return read


def only_load(declaration: Declaration, orders_per_s: float, seconds: float) -> Plan:
    """Plan a load. Raises ``UsageError`` for a rate that is none or above ``RATE_MAX``, and above ``ORDERS_MAX`` in all."""
    if not 0 < orders_per_s <= RATE_MAX:
        raise UsageError(f"--orders-per-s {orders_per_s:g}: expected more than 0, at most {RATE_MAX:,.0f}")
    if orders_per_s * seconds > ORDERS_MAX:
        told = f"{orders_per_s:g} orders a second for {seconds:g} s are {orders_per_s * seconds:,.0f}"
        raise UsageError(f"{told}; at most {ORDERS_MAX:,} can be counted: --for {int(ORDERS_MAX / orders_per_s)}s")
    return _planned("load", declaration, load=_load(orders_per_s, seconds))


def _planned(command: str, declaration: Declaration, defects: tuple[str, ...] = (), **tables: Json) -> Plan:
    """Plan a scenario of these tables that asks nothing worth judging: of an audit, which no shop by hand is given."""
    text = tomli_w.dumps(
        {
            "format": FORMAT,
            "hypothesis": "By hand.",
            "blast_radius": [part.name for part in declaration.components],
            "load": _load(1.0, LOOK_S),
            "objectives": {"oversold": {}},
            **tables,
        }
    )
    try:
        return plan(parse(text, f"windtunnel {command}"), declaration, defects=defects)
    except PlanError as error:
        raise UsageError(f"{command}: {error.because}") from error
    except ScenarioError as error:
        raise UsageError(f"{command}: {error.expected}") from error


def _load(orders_per_s: float, seconds: float) -> dict[str, Json]:
    return {"arrivals": {"orders_per_s": orders_per_s}, "warm_up_s": 0.0, "baseline_s": seconds}
