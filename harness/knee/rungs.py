"""What a ladder showed on each rung: whether the shop held what is asked, what shoppers felt, and who was busy."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.cost import GENERATOR, ITSELF, MACHINE, busy, owners, unread
from harness.evidence import nearest_rank
from harness.history import History, Window
from harness.knee.ladder import rung
from harness.model import Outcome, Verdict, noun
from harness.report import Report

THROTTLED = "throttled"
PERCENTILES = (50, 95, 99)


@noun
class Rung:
    """One rate that was tried, orders a second offered; ``served_per_s`` of them were good.

    ``outcome`` is the worst of what is asked on every rung, ``because`` the sentence of it. Latencies in ms by percentile,
    infinite where orders stayed without an answer. ``cores`` is how many of the machine's each component kept busy, the
    generator among them, the busiest first; ``throttled`` the share of the time for which an instance had to wait since its
    CPU quota was used up. ``unread`` says whose CPU time, or wait for it, nobody read for a while; empty where all were.
    """

    per_s: int
    outcome: Outcome
    because: str
    served_per_s: float
    latency_ms: Mapping[int, float]
    cores: Mapping[str, float]
    throttled: Mapping[str, float]
    unread: str = ""

    @property
    def held(self) -> bool:
        """Whether everything that is asked was held."""
        return self.outcome is Outcome.PASS


def rungs(report: Report) -> tuple[Rung, ...]:
    """Give what a ladder's run showed, from the lowest rate to the highest; a rung that it did not come to is left out."""
    history, found = report.history, []
    for stage in report.plan.scenario.load.stages:
        window = history.stage(stage.name)
        if window is not None and stage.name == rung(round(stage.orders_per_s)):
            held = replace(window, start_ns=window.start_ns + round(stage.ramp_s * 1e9))
            found.append(_rung(report, stage.name, round(stage.orders_per_s), held))
    return tuple(sorted(found, key=lambda one: one.per_s))


def of_all(report: Report) -> tuple[Verdict, ...]:
    """Give what a ladder's run says of itself as a whole, whatever the rung: that no order was lost, and the like."""
    rungs_own = {one.id for one in report.plan.objectives if one.when in _stages(report)}
    return tuple(one for one in report.judgement.verdicts if one.objective not in rungs_own)


def _stages(report: Report) -> set[str]:
    return {stage.name for stage in report.plan.scenario.load.stages}


def _rung(report: Report, name: str, per_s: int, window: Window) -> Rung:
    history = report.history.within(window)
    asked = {one.id for one in report.plan.objectives if one.when == name}
    worst = max((one for one in report.judgement.verdicts if one.objective in asked), key=lambda one: one.outcome)
    rows = history.cohort()
    latency = np.sort(history.ledger.latency_ms[rows])
    used = busy(history)
    return Rung(
        per_s=per_s,
        outcome=worst.outcome,
        because="" if worst.outcome is Outcome.PASS else worst.because,
        served_per_s=float(np.count_nonzero(history.good[rows])) / window.seconds,
        latency_ms={percent: nearest_rank(latency, percent) for percent in PERCENTILES},
        cores=_by_component(history, used),
        throttled={on: share for on, share in busy(history, THROTTLED).items() if share > 0},
        unread=unread(history) or unread(history, THROTTLED),
    )


def _by_component(history: History, used: Mapping[str, float]) -> dict[str, float]:
    """Add up the cores of each component's instances; the harness and the machine as a whole are no parts of it."""
    of, found = owners(history), dict[str, float]()
    for on, cores in used.items():
        if on not in (ITSELF, MACHINE):
            name = of.get(on, on)
            found[name] = found.get(name, 0.0) + cores
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def shop_cores(one: Rung) -> float:
    """Give how many cores all parts of the shop kept busy together."""
    return sum(cores for name, cores in one.cores.items() if name != GENERATOR)
