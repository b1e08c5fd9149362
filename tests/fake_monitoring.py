"""What the monitoring of a made-up shop says: part of ``fake_runs``."""

from collections.abc import Mapping

from harness import events
from harness.events import Event
from harness.model import Series

S = 1_000_000_000
PRIMARY, STANDBY = "orders_db-1", "orders_db-2"
NO_PRIMARY, WATCHDOG, CLASS = "OrdersDbNoPrimary", "Watchdog", "product"
INSTANCES = {
    "lb": ("lb",),
    "storefront": ("storefront-1", "storefront-2"),
    "prometheus": ("prometheus",),
    "alertmanager": ("alertmanager",),
    "db_route": ("db_route",),
    "orders_db": (PRIMARY, STANDBY),
    "etcd": ("etcd",),
}


def health(at: int, *, well: bool) -> list[Event]:
    """Write down one look at every instance; where the shop is not well, the primary and all that needs it are silent."""
    hurt = set() if well else {PRIMARY, *INSTANCES["storefront"]}
    instances = [instance for names in INSTANCES.values() for instance in names]
    return [events.Sample(at_ns=at, probe="health", on=one, value="silent" if one in hurt else 1.5) for one in instances]


def writes(begin: int, act: int | None, heal: int, end: int) -> list[Event]:
    """Write down who commits, twice a second: the primary, and from 7 s after an act on the standby instead."""
    records: list[Event] = []
    for at in range(begin, end, S // 2):
        old: float | str = 3.0 if act is None or at < act else "silent" if at < heal else "refused"
        new: float | str = 3.0 if act is not None and at >= act + 7 * S else "refused"
        records += [events.Sample(at_ns=at, probe="writes", on=on, value=v) for on, v in ((PRIMARY, old), (STANDBY, new))]
    return records


def monitored(begin: int, act: int | None, heal: int, end: int) -> list[Event]:
    """Write down what it said: the watchdog, 4 ms a call; after an act an alert for 5 s later, over 10 s before the heal."""
    labels = {"alertname": NO_PRIMARY, "component": "orders_db", "severity": "page"}
    beats = range(begin, end + 5 * S, 5 * S)
    records: list[Event] = [events.Alerted(at_ns=at, name=WATCHDOG, state="firing", labels={}) for at in beats]
    if act is not None:
        for at, state in ((act + 5 * S, "firing"), (heal - 10 * S, "resolved")):
            records.append(events.Alerted(at_ns=at, name=NO_PRIMARY, state=state, labels=labels, playbook="Wait."))
    times = tuple(range(begin, end, S))
    per_s = {"query_count": 10.0, "query_sum_s": 0.04, "query_fast": 10.0}
    for on in INSTANCES["storefront"]:
        for name, grows in per_s.items():
            values = tuple(grows * n for n in range(len(times)))
            series = Series(name=name, on=on, labels={"class": CLASS}, times_ns=times, values=values)
            records.append(events.Metric(at_ns=end + 11 * S, series=series))
    return records


def counted(begin_ns: int, end_ns: int, per_s: Mapping[str, float], probe: str = "cpu") -> list[Event]:
    """Give the CPU seconds (or what else a probe counts) that each had used by each second, at so many a second."""
    return [
        events.Sample(at_ns=at_ns, probe=probe, on=on, value=share * (at_ns - begin_ns) / S)
        for at_ns in range(begin_ns, end_ns, S)
        for on, share in per_s.items()
    ]
