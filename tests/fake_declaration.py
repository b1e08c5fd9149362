"""The declaration of a made-up shop, for plans and histories that no shop has played."""

from harness.capabilities import (
    Alerting,
    Answers,
    Carries,
    Crashable,
    Cuttable,
    Detachable,
    Killable,
    Linked,
    Metered,
    Pausable,
    Poisonable,
    Refusable,
    Replicated,
    Started,
    Writable,
)
from harness.declaration import Alert, Component, Declaration, Link, Screen
from tests.fake_monitoring import CLASS, NO_PRIMARY

_BREAKABLE = frozenset({Answers, Crashable, Killable, Pausable, Started})

DECLARATION = Declaration(
    name="made_up",
    components=(
        Component(name="lb", needs=("storefront",), abilities=frozenset({Answers})),
        Component(name="storefront", instances=2, needs=("db_route",), abilities=_BREAKABLE | {Poisonable, Carries}),
        Component(name="prometheus", abilities=frozenset({Answers, Metered})),
        Component(name="alertmanager", needs=("prometheus",), abilities=frozenset({Answers, Alerting})),
        Component(name="db_route", needs=("orders_db",), abilities=frozenset({Answers})),
        Component(
            name="orders_db",
            instances=2,
            roles=("primary", "standby"),
            needs=("etcd",),
            abilities=_BREAKABLE | {Cuttable, Detachable, Linked, Refusable, Replicated, Writable},
            standbys=1,
            alerts=(Alert(name=NO_PRIMARY, severity="page", playbook="Watch the standby take over.", window_s=5),),
        ),
        Component(name="etcd", abilities=frozenset({Answers})),
        Component(name="proxy", abilities=frozenset({Answers})),
        Component(name="cdn_a", needs=("lb",), abilities=_BREAKABLE, edge=True),
        Component(name="cdn_b", needs=("lb",), abilities=_BREAKABLE, edge=True),
    ),
    entries=("lb",),
    shopper="tests.fakes:FakeShopper",
    defects={"no_failover": "rto", "oversell": "oversold"},
    links=(Link(component="orders_db", peer="orders_db"), Link(component="storefront", peer="db_route", proxy="proxy")),
    screen=Screen(path="/p/1", cookie="edge"),
    calls={CLASS: ("products", "sessions", "browser", "price"), "log": ("logs",)},
)
