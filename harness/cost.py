"""What an order costs: the CPU time of everybody who takes part in serving it, from counters that only grow. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from harness.events import PUBLISHED, Entry, Metric, Parts, Sample
from harness.evidence import acknowledged, grown, unsampled
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
    shop's monitoring has no such samples. ``lacking`` says whose CPU counter was not read for more than 3 s, or who could
    not be counted at all, and ``unseen`` whose samples of calls and log are missing; both empty where all were read.
    Without an order nothing costs anything.
    """

    orders: int
    by_component: Mapping[str, float]
    harness_ms: float
    machine_ms: float
    calls: Mapping[str, float]
    log_bytes: float
    lacking: str
    unseen: str

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
        lacking=_lacking(counters, {*of, GENERATOR, MACHINE} if of else (), window) or _uncounted(history),
        unseen=_unseen(history),
    )


def busy(history: History, probe: str = PROBE) -> dict[str, float]:
    """Give how fast each counter of seconds grew in the history's window, s per s: of CPU time, the cores kept busy."""
    window = history.window
    return {one.on: _used(one, window) / window.seconds for one in _counters(history, probe)}


def unread(history: History, probe: str = PROBE) -> str:
    """Say which counter of seconds nobody read in the history's window; empty where all were read.

    Those of the shop's parts, and of CPU time the generator's and the machine's.
    """
    parts, counters = owners(history), {one.on: one for one in _counters(history, probe)}
    expected = {*parts, *((GENERATOR, MACHINE) if probe == PROBE else ())} if parts else set()
    return _lacking(counters, expected, history.window, "CPU time" if probe == PROBE else f"time {probe}")


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


def _used(counter: Series, window: Window, others: Iterable[Series] = ()) -> float:
    """Give what a counter grew by in a window, on straight lines between its samples; ``others`` see ``grown``."""
    total = np.concatenate(([0.0], np.cumsum(grown(counter, others))))
    begin, end = np.interp([window.start_ns, window.end_ns], counter.times_ns[: len(total)], total)
    return float(end - begin)


def _grew(history: History, name: str) -> dict[str, float]:
    """Give by how much the shop's own counters of a name grew in the window, by class of statement."""
    found = [metric.series for metric in history.all(Metric) if metric.series.times_ns]
    kinds = sorted({one.labels.get("class", "") for one in found if one.name == name})
    return {kind: sum(_used(one, history.window, found) for one in found if _is(one, name, kind)) for kind in kinds}


def _unseen(history: History) -> str:
    """Say whose samples of the database's work are missing in the window; empty where none are, or there are none at all."""
    found = [metric.series for metric in history.all(Metric)]
    counts = ([one for one in found if one.name == name] for name in ("query_count", "log_bytes"))
    return " ".join(word for series in counts if series and (word := unsampled(history, series, GAP_NS)))


def _is(series: Series, name: str, kind: str) -> bool:
    return series.name == name and series.labels.get("class", "") == kind


def _uncounted(history: History) -> str:
    """Say who took part in serving and is counted nowhere; empty where nobody is known to have."""
    entry = history.first(Entry)
    if entry is None or entry.by != PUBLISHED:
        return ""
    return "Shoppers came by a published port, and nobody counts what carries them from there to the shop."


def _lacking(counters: Mapping[str, Series], expected: Collection[str], window: Window, what: str = "CPU time") -> str:
    """Say whose count nobody knows in a window; empty where all that are expected are known."""
    if not expected:
        return "The journal does not say which parts there were."
    for on in sorted(expected):
        times = counters[on].times_ns if on in counters else ()
        before = max((at for at in times if at <= window.start_ns), default=window.start_ns)
        after = min((at for at in times if at >= window.end_ns), default=window.end_ns)
        inside = [at for at in times if window.holds(at)]
        gap_ns = max(later - earlier for earlier, later in pairwise([before, *inside, after])) if times else 0
        if not times or gap_ns > GAP_NS:
            how_long = f"for {gap_ns / 1e9:.1f} s of this stretch" if times else "at all"
            return f"Nobody read the {what} of {on} {how_long}."
    return ""
