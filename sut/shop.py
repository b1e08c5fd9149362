"""The reference shop: what it is made of, and how it is started.

shoppers → lb → storefront x2 → db_route → orders_db (primary and synchronous standby), which lean on etcd
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Network

import psycopg
from psycopg import sql

from harness.capabilities import Answers, Crashable, Killable, Pausable, Replicated, Started
from harness.drivers import driver
from harness.drivers.docker_client import client
from harness.errors import SetupError, WindtunnelError
from harness.model import Component, Declaration
from harness.plan import Plan
from harness.shop import Residence, Site
from sut import images
from sut.components import db_route, etcd, lb, orders_db, storefront
from sut.components.ground import Ground, ground_on, lay
from sut.components.part import Part
from sut.components.patroni import SQL_PORT, Cluster
from sut.defects import DEFECTS
from sut.images.base import present
from sut.readback import DATABASE, Readback
from sut.running import RunningReferenceShop, instances
from sut.services import schema

_MACHINE = frozenset({Killable, Pausable, Answers})
_PROCESS = _MACHINE | {Crashable, Started}
COMPONENTS = (
    Component(name="etcd", abilities=_MACHINE),
    Component(
        name="orders_db",
        instances=2,
        roles=tuple(orders_db.ROLES),
        needs=("etcd",),
        abilities=_PROCESS | {Replicated},
        standbys=1,
    ),
    Component(name="db_route", needs=("orders_db",), abilities=_MACHINE),
    Component(name="storefront", instances=2, needs=("db_route",), abilities=_PROCESS),
    Component(name="lb", needs=("storefront",), abilities=frozenset({Answers})),
)
USERS = ("postgres", "replicator", "rewind", "shop")
CLASSES: Mapping[str, type[Part]] = {
    "etcd": etcd.Etcd,
    "orders_db": orders_db.OrdersDb,
    "db_route": db_route.DbRoute,
    "storefront": storefront.Storefront,
    "lb": lb.Lb,
}


class ReferenceShop:
    """The reference shop; ``defects`` are switches of the gallery of bad shops, all off by default."""

    def __init__(self, defects: frozenset[str] = frozenset()) -> None:
        unknown = sorted(defects - DEFECTS.keys())
        if unknown:
            raise SetupError(f"no such defect: {', '.join(unknown)}; there are {', '.join(sorted(DEFECTS))}")
        self._defects = defects

    @property
    def declaration(self) -> Declaration:
        """What the shop is made of."""
        return Declaration(
            name="reference shop",
            components=COMPONENTS,
            entry="lb",
            shopper="sut.shopper:OneCallShopper",
            defects={name: defect.caught_by for name, defect in DEFECTS.items()},
        )

    def images(self) -> tuple[str, ...]:
        """Name the image of every role, the cheap ones first."""
        return tuple(images.tag(role) for role in images.roles())

    def build_images(self, say: Callable[[str], None]) -> None:
        """Build those that are missing, in the order of the Dockerfile."""
        images.build(images.roles(), say=say)

    def spoils(self, defect: str) -> str:
        """Say what a defect spoils."""
        return DEFECTS[defect].sentence

    def start(self, plan: Plan, site: Site) -> RunningReferenceShop:
        """Start the plan's parts, each when what it needs is ready. Raises ``SetupError``; then all is removed again."""
        wanted = [component for component in COMPONENTS if component.name in plan.parts]
        found = _demand_images({CLASSES[component.name].role for component in wanted})
        try:
            ground = lay(site, [instance for component in COMPONENTS for instance in instances(component)], found)
            making = _Making(ground, self._defects, [secrets.token_urlsafe(18) for _ in USERS])
            parts: dict[str, Part] = {}
            for component in wanted:  # the needs are a chain: only the instances of one component can start together
                begun_ns = site.now_ns()
                parts |= _start(ground, component, making.makers[component.name])
                if component.name == "orders_db":
                    making.furnish()
                site.say(f"{component.name}: ready after {(site.now_ns() - begun_ns) / 1e9:.1f} s")
            nodes = [part for part in parts.values() if isinstance(part, orders_db.OrdersDb)]
            readback = Readback(nodes, site.now_ns) if nodes else None
            return RunningReferenceShop(site, self.declaration, ground, parts, making.passwords, readback)
        except BaseException as error:
            with suppress(WindtunnelError):  # the run's label is still there: whoever ends the run sweeps once more
                driver("docker").sweep(site.id, site.folder)
            if isinstance(error, WindtunnelError) or not isinstance(error, Exception):
                raise
            raise SetupError(f"the shop did not start: {error}") from error

    def resume(self, residence: Residence, site: Site, secrets: tuple[str, ...]) -> RunningReferenceShop:
        """Reach the parts of a shop that stands, by the addresses and container ids that were written down."""
        every = {name: component.name for component in COMPONENTS for name in instances(component)}
        subnet = IPv4Network(f"{residence.things[0].state['address']}/24", strict=False)
        ground = ground_on(subnet, site, tuple(every), {part.role: images.tag(part.role) for part in CLASSES.values()})
        making = _Making(ground, self._defects, secrets)
        parts = {one.name: making.makers[every[one.name]](one.name).adopt(one.ref) for one in residence.things}
        return RunningReferenceShop(site, self.declaration, ground, parts, making.passwords, None)


class _Making:
    """How each part is made on one ground; ``secrets`` are the passwords of ``USERS``, as a running shop gives them."""

    def __init__(self, ground: Ground, defects: frozenset[str], secrets: Sequence[str]) -> None:
        self._defects = defects
        self.passwords = orders_db.Passwords(**dict(zip(USERS, secrets, strict=True)))
        at = ground.addresses
        of = {component.name: {name: at[name] for name in instances(component)} for component in COMPONENTS}
        cluster = Cluster(
            nodes=of["orders_db"],
            subnet=str(ground.subnet),
            etcd=f"{at['etcd']}:{etcd.PORT}",
            failover="no_failover" not in defects,
        )
        route, password = at["db_route"], self.passwords.shop
        login = orders_db.conninfo(route, "shop", password, DATABASE)
        dsn = f"postgresql://shop:{password}@{route}:{SQL_PORT}/{DATABASE}"
        self._founder = orders_db.conninfo(cluster.nodes[cluster.founder], "postgres", self.passwords.postgres)
        self.makers: Mapping[str, Callable[[str], Part]] = {
            "etcd": lambda name: etcd.Etcd(ground, name),
            "orders_db": lambda name: orders_db.OrdersDb(ground, name, cluster=cluster, passwords=self.passwords),
            "db_route": lambda name: db_route.DbRoute(ground, name, nodes=of["orders_db"], probe=login),
            "storefront": lambda name: storefront.Storefront(ground, name, dsn=dsn, defects=defects),
            "lb": lambda name: lb.Lb(ground, name, storefronts=of["storefront"], port=storefront.PORT),
        }

    def furnish(self) -> None:
        """Make the shop's role, database, tables and stock on the first primary."""
        role = sql.SQL("create role shop login password {}").format(sql.Literal(self.passwords.shop))
        with psycopg.connect(self._founder, autocommit=True) as connection:
            connection.execute(role)
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with psycopg.connect(self._founder, dbname=DATABASE, options="-c statement_timeout=30s") as connection:
            for statement in schema.statements(self._defects):
                connection.execute(statement.encode())


def _start(ground: Ground, component: Component, make: Callable[[str], Part]) -> dict[str, Part]:
    """Start all instances of a component at once, and wait until each is ready. The first that fails ends the others."""
    with ThreadPoolExecutor(component.instances) as pool:
        starting = {instance: pool.submit(lambda name: make(name).start(), instance) for instance in instances(component)}
        try:
            return {instance: future.result() for instance, future in starting.items()}
        except BaseException:
            ground.given_up.set()
            raise


def _demand_images(roles: Collection[str]) -> dict[str, str]:
    """Give the images by role. Raises ``SetupError`` where no engine answers, or where it has not all of them."""
    client()
    tags = {role: images.tag(role) for role in sorted(roles)}
    missing = [tag for tag in tags.values() if not present(tag)]
    if missing:
        raise SetupError(f"no image {', '.join(missing)}: it was never built, or its sources changed. Type: make prepare")
    return tags
