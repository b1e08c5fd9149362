"""The figures of the peak of the sale, read from the stored runs of the good shop."""

from collections.abc import Iterator
from typing import Any

from harness.model import noun
from harness.store import open_run
from tests.acceptance.flight import must
from tests.acceptance.promised import LONGEST_S
from tests.acceptance.stage import RUNS, Stage, scenario, verdicts
from tests.figures import Figure


@noun
class Asked:
    """A figure of a scenario's runs: what one objective measured. ``limit``: the most that is promised, None for none."""

    scenario: str
    name: str
    objective: str
    measured: str
    unit: str
    limit: float | None = None


ASKED = (
    Asked(
        scenario="thousand_orders",
        name="acknowledged",
        objective="throughput",
        measured="acknowledged_per_s",
        unit="orders/s",
    ),
    Asked(scenario="thousand_orders", name="p95", objective="before.order_latency", measured="p95_ms", unit="ms", limit=200),
    Asked(
        scenario="thousand_orders",
        name="CPU per order",
        objective="cpu_per_order",
        measured="cpu_ms",
        unit="ms",
        limit=1.2,
    ),
    Asked(
        scenario="thousand_orders",
        name="CPU per order, generator alone",
        objective="cpu_per_order",
        measured="generator_ms",
        unit="ms",
        limit=0.3,
    ),
    Asked(scenario="headroom", name="in time at 150 %", objective="served", measured="ratio", unit="share"),
    Asked(
        scenario="thousand_orders_at_the_edge",
        name="acknowledged",
        objective="throughput",
        measured="acknowledged_per_s",
        unit="orders/s",
    ),
    Asked(
        scenario="thousand_orders_at_the_edge",
        name="p95",
        objective="before.order_latency",
        measured="p95_ms",
        unit="ms",
        limit=200,
    ),
    Asked(scenario="peak_browsing", name="query mean", objective="browsing", measured="mean_ms", unit="ms", limit=200),
    Asked(
        scenario="replica_added",
        name="time to its part of the orders",
        objective="joins",
        measured="took_s",
        unit="s",
        limit=5,
    ),
)


def peak(runs: int) -> Iterator[Figure]:
    """Give every figure, from at least so many runs each; what is missing is flown first."""
    for name in dict.fromkeys(one.scenario for one in ASKED):
        while len(stored := _stored(name)) < runs:
            with Stage() as stage:
                code = stage.landed(stage.fly(scenario(name)), LONGEST_S)
            must(len(_stored(name)) > len(stored), f"{name} ended with {code} and gave no figure")
        for one in (one for one in ASKED if one.scenario == name):
            yield Figure(
                name=f"`{name}`: {one.name}",
                unit=one.unit,
                values=tuple(float(found[one.objective]["measured"][one.measured]) for found in stored),
                limit=one.limit,
            )


def _stored(name: str) -> list[dict[str, Any]]:
    """Find the verdicts of the good shop's runs, at the scenario's own load, that tell every figure beyond doubt."""
    asked, found = {one.objective for one in ASKED if one.scenario == name}, []
    for folder in sorted(RUNS.glob(f"*-{name}-*")):
        run = open_run(folder).run
        if run is not None and run.scale == 1 and not run.defects and (folder / "verdicts.json").exists():
            said = verdicts(folder)
            if all(said[objective]["outcome"] in ("PASS", "FAIL") for objective in asked):
                found.append(said)
    return found
