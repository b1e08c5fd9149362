"""What the shop's own monitoring said: the alerts that reached us, and the database calls that it counted."""

from collections.abc import Iterator

from harness.events import WATCHDOG, Alerted, Metric
from harness.evidence import increase
from harness.history import History, Window
from harness.model import noun
from harness.reporters._words import visible


@noun
class Notice:
    """One alert that fired: about what, when it first reached us and when it last cleared (None: it did not), in ns.

    ``playbook`` is what it told whoever is on call to do; "" where it told nothing, or that was not kept.
    """

    name: str
    about: str
    playbook: str
    fired_ns: int
    cleared_ns: int | None


@noun
class Calls:
    """The database calls of one class while the load ran: how many, how long on average, how many took 0.2 s at most.

    ``checked_ms`` is the database's own word on their mean, without the wait for the commit; None where it has none.
    """

    kind: str
    count: int
    mean_ms: float
    fast_ratio: float
    checked_ms: float | None


def notices(history: History) -> tuple[Notice, ...]:
    """Give the alerts in the order in which they first reached us; the watchdog is none."""
    found: dict[tuple[str, str], Notice] = {}
    for one in sorted(history.all(Alerted), key=lambda one: one.at_ns):
        about = visible(" ".join(filter(None, (one.labels.get("component"), one.labels.get("instance")))))
        known = found.get((one.name, about))
        if one.name == WATCHDOG or (known is None and one.state != "firing"):
            continue
        fired_ns = known.fired_ns if known else one.at_ns
        found[one.name, about] = Notice(
            name=visible(one.name),
            about=about,
            playbook=known.playbook if known else visible(one.playbook or ""),
            fired_ns=fired_ns,
            cleared_ns=one.at_ns if one.state == "resolved" else None,
        )
    return tuple(found.values())


def calls(history: History) -> tuple[Calls, ...]:
    """Give the calls of each class, as ``query_time`` counts them, by name; none without samples or a known load."""
    load = history.load
    classes = sorted({metric.series.labels["class"] for metric in history.all(Metric) if "class" in metric.series.labels})
    return tuple(one for kind in classes if load is not None for one in _calls(history, kind, load))


def _calls(history: History, kind: str, load: Window) -> Iterator[Calls]:
    series = [metric.series for metric in history.all(Metric) if metric.series.labels.get("class", "") == kind]
    count, sum_s, fast = (
        sum(increase(one, load, series) for one in series if one.name == name)
        for name in ("query_count", "query_sum_s", "query_fast")
    )
    means = [metric.series for metric in history.all(Metric) if metric.series.name == "statement_mean_s"]
    checked = [one.values[-1] for one in means if one.values and one.labels.get("statement") == kind]
    if count:
        yield Calls(
            kind=visible(kind),
            count=round(count),
            mean_ms=sum_s / count * 1000,
            fast_ratio=fast / count,
            checked_ms=checked[0] * 1000 if checked else None,
        )
