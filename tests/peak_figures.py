"""The figures of the peak of the sale, read from the stored runs of the good shop at this commit: of all of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from harness.conclude import VERDICTS
from harness.events import Sample
from harness.gallery.book import known
from harness.store import open_run
from tests.acceptance import book
from tests.acceptance.flight import must
from tests.acceptance.promised import LONGEST_S
from tests.acceptance.stage import RUNS, Stage, outcome, scenario, verdicts
from tests.figures import Figure

OTHERWISE = ("--generators", "--gather", "--apart")  # not how it is promised


class Asked(NamedTuple):
    """A figure of a scenario's runs: what one objective measured. ``limit`` or ``least`` is promised, or nothing."""

    scenario: str
    name: str
    objective: str
    measured: str
    unit: str
    limit: float | None = None
    least: float | None = None


ASKED = (
    Asked("thousand_orders", "acknowledged", "throughput", "acknowledged_per_s", "orders/s"),
    Asked("thousand_orders", "of the planned orders acknowledged", "throughput", "ratio", "share", least=0.999),
    Asked("thousand_orders", "p95", "before.order_latency", "p95_ms", "ms", 200),
    Asked("thousand_orders", "CPU per order", "cpu_per_order", "cpu_ms", "ms", 1.2),
    Asked("thousand_orders", "CPU per order, generator alone", "cpu_per_order", "generator_ms", "ms", 0.3),
    Asked("thousand_orders", "sent late, p99", "throughput", "late_p99_ms", "ms", 20),
    Asked("headroom", "in time at 150 %", "served", "ratio", "share", least=0.99),
    Asked("thousand_orders_at_the_edge", "acknowledged", "throughput", "acknowledged_per_s", "orders/s"),
    Asked("thousand_orders_at_the_edge", "of the planned orders acknowledged", "throughput", "ratio", "share", least=0.999),
    Asked("thousand_orders_at_the_edge", "p95", "before.order_latency", "p95_ms", "ms", 200),
    Asked("peak_browsing", "query mean", "browsing", "mean_ms", "ms", 200),
    Asked("peak_browsing", "what is looked at, p95", "browsed", "p95_ms", "ms"),
    Asked("replica_added", "time to its part of the orders", "joins", "took_s", "s", 5),
)


def peak(runs: int) -> Iterator[Figure]:
    """Give every figure, from at least so many runs each; what is missing is flown first.

    Every run counts, whatever it came to: whether it passed, and how much of the machine others used meanwhile, are
    figures too, also where nothing else could be measured in it. Raises ``NotAsRequired``.
    """
    here = book.commit()
    must(known(here), "figures are those of a commit: commit first")
    for name in dict.fromkeys(one.scenario for one in ASKED):
        while sum(_measured(name, folder) for folder in _stored(name, here)) < runs:
            with Stage() as stage:
                code = stage.landed(stage.fly(scenario(name)), LONGEST_S)
                must(_measured(name, stage.flights[0].folder), f"{name} ended with {code} and gave no figure")
        yield from _figures(name, _stored(name, here))


def _figures(name: str, stored: Sequence[Path]) -> Iterator[Figure]:
    said: list[dict[str, Any]] = [verdicts(folder) for folder in stored if _measured(name, folder)]
    for one in (one for one in ASKED if one.scenario == name):
        yield Figure(
            name=f"`{name}`: {one.name}",
            unit=one.unit,
            values=tuple(float(found[one.objective]["measured"][one.measured]) for found in said),
            limit=one.limit,
            least=one.least,
        )
    passed = tuple(float((folder / VERDICTS).exists() and outcome(folder) == "PASS") for folder in stored)
    yield Figure(name=f"`{name}`: passed (1) or not (0)", unit="", values=passed, least=1.0)
    yield Figure(name=f"`{name}`: others used of the machine", unit="share", values=tuple(map(_foreign, stored)))


def _foreign(folder: Path) -> float:
    """Give the share of the machine that others used on average, stolen time included; all of it where nobody looked."""
    seen = [one for one in open_run(folder).events if isinstance(one, Sample) and one.probe == "foreign_cpu"]
    values = [float(one.value) for one in seen if isinstance(one.value, int | float)]
    return fmean(values) if values else 1.0


def _stored(name: str, here: str) -> list[Path]:
    """Find the good shop's runs at a commit, flown as the scenario says."""
    found = []
    for folder in sorted(RUNS.glob(f"*-{name}-*")):
        run = open_run(folder).run
        if run is None or run.commit != here or run.scale != 1 or run.defects:
            continue
        if not any(word in run.command for word in OTHERWISE):
            found.append(folder)
    return found


def _measured(name: str, folder: Path) -> bool:
    """Tell whether a run was judged, and measured every figure of its scenario."""
    if not (folder / VERDICTS).exists():
        return False
    said = verdicts(folder)
    asked = [one for one in ASKED if one.scenario == name]
    return all(one.measured in said.get(one.objective, {}).get("measured", {}) for one in asked)
