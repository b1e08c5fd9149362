"""What the reference shop is made of: its components with what they can undergo and show, and the links among them."""

from collections.abc import Mapping

from harness.capabilities import (
    Alerting,
    Answers,
    Carries,
    Corruptible,
    Crashable,
    Cuttable,
    Delayable,
    Detachable,
    Flushable,
    Killable,
    Linked,
    Lossy,
    Metered,
    Misconfigurable,
    Pausable,
    Poisonable,
    Priced,
    Refusable,
    Relays,
    Replicated,
    Resolves,
    Retentive,
    Scalable,
    Shares,
    Started,
    Throttleable,
    Tried,
    Truthful,
    Unnameable,
    Writable,
)
from harness.declaration import Component, Link
from sut.components import (
    alertmanager,
    cache,
    cdn_a,
    cdn_b,
    db_route,
    etcd,
    lb,
    orders_db,
    prometheus,
    steering,
    storefront,
    toxiproxy,
)
from sut.components.part import Part

_MACHINE = frozenset({Killable, Pausable, Answers, Cuttable, Refusable, Lossy, Delayable, Detachable, Linked, Tried})
_PROCESS = _MACHINE | {Crashable, Started}
_EDGE = _MACHINE | {Misconfigurable, Relays}
CLASSES: Mapping[str, type[Part]] = {
    "etcd": etcd.Etcd,
    "orders_db": orders_db.OrdersDb,
    "db_route": db_route.DbRoute,
    "toxiproxy": toxiproxy.Toxiproxy,
    "cache": cache.Cache,
    "storefront": storefront.Storefront,
    "lb": lb.Lb,
    "cdn_a": cdn_a.CdnA,
    "cdn_b": cdn_b.CdnB,
    "steering": steering.Steering,
    "prometheus": prometheus.Prometheus,
    "alertmanager": alertmanager.Alertmanager,
}
ALERTS = {name: tuple(rule.alert for rule in part.rules) for name, part in CLASSES.items()}
COMPONENTS = (
    Component(name="etcd", abilities=_MACHINE, alerts=ALERTS["etcd"]),
    Component(
        name="orders_db",
        instances=2,
        roles=tuple(orders_db.ROLES),
        needs=("etcd",),
        abilities=_PROCESS | {Throttleable, Replicated, Metered, Writable},
        standbys=1,
        alerts=ALERTS["orders_db"],
    ),
    Component(name="db_route", needs=("orders_db",), abilities=_MACHINE, alerts=ALERTS["db_route"]),
    Component(name="toxiproxy", abilities=frozenset({Answers})),
    # Nobody needs it, so it runs only where a plan is about it; the storefronts use it where it runs.
    Component(
        name="cache",
        abilities=_MACHINE | {Flushable, Corruptible, Retentive, Priced},
        alerts=ALERTS["cache"],
        typed=cache.TYPED,
    ),
    Component(
        name="storefront",
        instances=2,
        needs=("db_route",),
        abilities=_PROCESS | {Throttleable, Poisonable, Carries, Unnameable, Resolves, Truthful, Scalable, Shares},
        alerts=ALERTS["storefront"],
        spares=1,
    ),
    Component(name="lb", needs=("storefront",), abilities=frozenset({Answers}), alerts=ALERTS["lb"]),
    Component(name="cdn_a", needs=("lb",), abilities=_EDGE, alerts=ALERTS["cdn_a"], edge=True),
    Component(name="cdn_b", needs=("lb",), abilities=_EDGE, alerts=ALERTS["cdn_b"], edge=True),
    Component(
        name="steering", needs=("cdn_a", "cdn_b"), abilities=frozenset({Answers, Truthful}), alerts=ALERTS["steering"]
    ),
    Component(name="prometheus", abilities=_MACHINE | {Metered}, alerts=ALERTS["prometheus"]),
    Component(name="alertmanager", needs=("prometheus",), abilities=_MACHINE | {Alerting}),
)
LINKS = (
    Link(component="orders_db", peer="orders_db"),
    Link(component="storefront", peer="db_route", proxy="toxiproxy"),
    Link(component="storefront", peer="cache"),
    Link(component="cdn_a", peer="lb"),
    Link(component="cdn_b", peer="lb"),
)
CALLS = {  # class of the storefronts' statements → whose requests may need one
    "order": ("orders", "sessions"),
    "product": ("products", "sessions", "browser", "price"),
    "list": ("lists", "sessions"),
    "log": ("logs",),
    "event": ("log writes",),
}
DETOUR_PORTS = {link: 20_001 + number for number, link in enumerate(LINKS)}
