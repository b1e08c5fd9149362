"""The figures of the peak of the sale, read from the stored runs of the good shop."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.store import open_run
from tests.acceptance.flight import must
from tests.acceptance.promised import LONGEST_S
from tests.acceptance.stage import RUNS, Stage, scenario, verdicts
from tests.figures import Figure


class Asked(NamedTuple):
    """A figure of a scenario's runs: what one objective measured. ``limit``: the most that is promised, None for none."""

    scenario: str
    name: str
    objective: str
    measured: str
    unit: str
    limit: float | None = None


ASKED = (
    Asked("thousand_orders", "acknowledged", "throughput", "acknowledged_per_s", "orders/s"),
    Asked("thousand_orders", "p95", "before.order_latency", "p95_ms", "ms", 200),
    Asked("thousand_orders", "CPU per order", "cpu_per_order", "cpu_ms", "ms", 1.2),
    Asked("thousand_orders", "CPU per order, generator alone", "cpu_per_order", "generator_ms", "ms", 0.3),
    Asked("headroom", "in time at 150 %", "served", "ratio", "share"),
    Asked("thousand_orders_at_the_edge", "acknowledged", "throughput", "acknowledged_per_s", "orders/s"),
    Asked("thousand_orders_at_the_edge", "p95", "before.order_latency", "p95_ms", "ms", 200),
    Asked("peak_browsing", "query mean", "browsing", "mean_ms", "ms", 200),
    Asked("replica_added", "time to its part of the orders", "joins", "took_s", "s", 5),
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
