"""What an order cost while nothing was broken: CPU time by component, where somebody counted it."""

from collections.abc import Iterable, Iterator

from markupsafe import Markup

from harness.cost import PROBE, cost
from harness.history import GOOD_WITHIN_NS, History, Window
from harness.model import noun
from harness.reporters._charts import segment
from harness.reporters._words import visible


@noun
class Share:
    """What one component used for an order, and where that lies in the whole, drawn."""

    name: str
    ms: float
    ratio: float
    drawn: Markup


@noun
class Bill:
    """The shares of one order, the largest first, and what the database did for it; see ``harness.cost``."""

    orders: int
    ms: float
    shares: tuple[Share, ...]
    harness_ms: float
    machine_ms: float
    calls: tuple[tuple[str, float], ...]
    calls_in_all: float
    log_bytes: float
    lacking: str
    unseen: str


def bill(history: History) -> Bill | None:
    """Give the bill of the baseline; None where nobody counted, or nothing was ordered."""
    baseline = history.phase("baseline")
    if baseline is None or not history.samples(PROBE):
        return None
    end_ns = baseline.end_ns - GOOD_WITHIN_NS * bool(history.disturbances)
    found = cost(history.within(Window(start_ns=baseline.start_ns, end_ns=end_ns)))
    if not found.orders or not found.ms:
        return None
    return Bill(
        orders=found.orders,
        ms=found.ms,
        shares=tuple(_shares(found.by_component.items(), found.ms)),
        harness_ms=found.harness_ms,
        machine_ms=found.machine_ms,
        calls=tuple((visible(kind), count) for kind, count in found.calls.items()),
        calls_in_all=sum(found.calls.values()),
        log_bytes=found.log_bytes,
        lacking=found.lacking,
        unseen=found.unseen,
    )


def _shares(spent: Iterable[tuple[str, float]], whole: float) -> Iterator[Share]:
    begin = 0.0
    for name, ms in spent:
        end = begin + ms / whole
        yield Share(name=visible(name), ms=ms, ratio=ms / whole, drawn=segment(begin, end))
        begin = end
