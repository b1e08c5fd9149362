"""What an order costs: the CPU time of everybody who takes part in serving it, from counters that only grow. Pure."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from harness.events import Metric, Parts, Sample
from harness.evidence import acknowledged, grown, increase
from harness.history import History, Window
from harness.model import Series, noun

PROBE = "cpu"
GENERATOR, ITSELF, MACHINE = "generator", "harness", "machine"
GAP_NS = 3_000_000_000


@noun
class Cost:
    """CPU milliseconds per acknowledged order, by component of the shop and the generator, the most expensive first.

    ``machine_ms`` is all that was busy on the machine, the harness, the kernel and others included. ``calls`` are the calls
    to the database per order, by class of statement, and ``log_bytes`` what it wrote into its log; none and 0 where the
    shop's monitoring has no such samples. ``lacking`` says whose CPU counter was not read for more than 3 s; empty where all
    were. Without an order nothing costs anything.
    """

    orders: int
    by_component: Mapping[str, float]
    harness_ms: float
    machine_ms: float
    calls: Mapping[str, float]
    log_bytes: float
    lacking: str

    @property
    def ms(self) -> float:
        """Give what an order costs in all: the shop's parts and the generator, not the harness that watches them."""
        return sum(self.by_component.values())


def cost(history: History) -> Cost:
    """Add up what was used in the history's window, straight lines between samples, and share it among its orders.

    A part that restarted began at zero again: what it used since its last sample before is not counted.
    """
    window, orders = history.window, acknowledged(history, history.window)
    counters = {one.on: one for one in _counters(history, PROBE)}
    of = owners(history)
    used = {on: _used(one, window) * 1000 / orders if orders else 0.0 for on, one in counters.items()}
    spent: dict[str, float] = {}
    for on, ms in used.items():
        if on not in (ITSELF, MACHINE):
            name = of.get(on, on)
            spent[name] = spent.get(name, 0.0) + ms
    return Cost(
        orders=orders,
        by_component=dict(sorted(spent.items(), key=lambda one: (-one[1], one[0]))),
        harness_ms=used.get(ITSELF, 0.0),
        machine_ms=used.get(MACHINE, 0.0),
        calls={kind: count / orders for kind, count in _grew(history, "query_count").items() if orders and count},
        log_bytes=sum(_grew(history, "log_bytes").values()) / orders if orders else 0.0,
        lacking=_lacking(counters, of, window),
    )


def busy(history: History, probe: str = PROBE) -> dict[str, float]:
    """Give how fast each counter of seconds grew in the history's window, s per s: of CPU time, the cores kept busy."""
    window = history.window
    return {one.on: _used(one, window) / window.seconds for one in _counters(history, probe)}


def unread(history: History) -> str:
    """Say whose CPU time nobody knows in the history's window; empty where all are known."""
    return _lacking({one.on: one for one in _counters(history, PROBE)}, owners(history), history.window)


def owners(history: History) -> dict[str, str]:
    """Give the component of each instance that was started."""
    parts = history.first(Parts)
    return {instance: name for name, instances in parts.instances.items() for instance in instances} if parts else {}


def _counters(history: History, probe: str) -> Iterator[Series]:
    """Give what a probe read of each counter, in the order of time."""
    found: dict[str, list[Sample]] = {}
    for sample in history.samples(probe):
        if isinstance(sample.value, int | float):
            found.setdefault(sample.on, []).append(sample)
    for on, samples in found.items():
        samples.sort(key=lambda one: one.at_ns)
        times, values = tuple(one.at_ns for one in samples), tuple(float(one.value or 0) for one in samples)
        yield Series(on=on, name=probe, labels={}, times_ns=times, values=values)


def _used(counter: Series, window: Window) -> float:
    """Give the seconds that a counter grew by in a window."""
    total = np.concatenate(([0.0], np.cumsum(grown(counter))))
    begin, end = np.interp([window.start_ns, window.end_ns], counter.times_ns, total)
    return float(end - begin)


def _grew(history: History, name: str) -> dict[str, float]:
    """Give by how much the shop's own counters of a name grew in the window, by class of statement."""
    found = [metric.series for metric in history.all(Metric)]
    kinds = sorted({one.labels.get("class", "") for one in found if one.name == name})
    return {kind: sum(increase(one, history.window, found) for one in found if _is(one, name, kind)) for kind in kinds}


def _is(series: Series, name: str, kind: str) -> bool:
    return series.name == name and series.labels.get("class", "") == kind


def _lacking(counters: Mapping[str, Series], owners: Mapping[str, str], window: Window) -> str:
    """Say whose count nobody knows in a window; empty where all are known."""
    if not owners:
        return "The journal does not say which parts there were."
    for on in sorted({*owners, GENERATOR, MACHINE}):
        times = counters[on].times_ns if on in counters else ()
        before = max((at for at in times if at <= window.start_ns), default=window.start_ns)
        after = min((at for at in times if at >= window.end_ns), default=window.end_ns)
        inside = [at for at in times if window.holds(at)]
        gap_ns = max(later - earlier for earlier, later in pairwise([before, *inside, after])) if times else 0
        if not times or gap_ns > GAP_NS:
            how_long = f"for {gap_ns / 1e9:.1f} s of this stretch" if times else "at all"
            return f"Nobody read the CPU time of {on} {how_long}."
    return ""
