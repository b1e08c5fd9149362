"""The reference shop: what it is made of, and how it is started.

shoppers → lb → storefront x2 → db_route → orders_db (primary and synchronous standby), which lean on etcd
toxiproxy, where a plan breaks a link by it, stands in the path of that link and of no other
the storefronts ask a cache first for what they only show, where a plan is about it
shoppers, where a scenario says so: → steering → cdn_a or cdn_b, edges that are two products → lb
monitoring, where a plan needs it: prometheus, which asks all of them, → alertmanager → whoever is on call
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network

import psycopg
from psycopg import sql

from harness.declaration import Declaration, Link, Screen
from harness.drivers import driver
from harness.errors import SetupError, UsageError, WindtunnelError
from harness.planned import Plan
from harness.shop import Residence, Site
from sut import images
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
    spare,
    steering,
    storefront,
    toxiproxy,
)
from sut.components.ground import TOOLS_ROLE, Ground, ground_on, lay
from sut.components.part import Part
from sut.components.patroni import SQL_PORT, Cluster
from sut.declared import CALLS, CLASSES, COMPONENTS, DETOUR_PORTS, LINKS
from sut.defects import DEFECTS
from sut.images.base import present
from sut.readback import Readback
from sut.running import RunningReferenceShop, instances, spares
from sut.services import schema
from sut.starting import demand_images, start_together

USERS = ("postgres", "replicator", "rewind", "shop")
SECRETS = (*USERS, "signing")  # the users' passwords, and the key of the storefronts' tokens
# All that may ever have an address: those that may be added come last, so that nobody else's depends on them.
_EVERY = tuple(name for named in (instances, spares) for component in COMPONENTS for name in named(component))


class ReferenceShop:
    """The reference shop; ``defects`` are switches of the gallery of bad shops, all off by default."""

    def __init__(self, defects: frozenset[str] = frozenset()) -> None:
        unknown = sorted(defects - DEFECTS.keys())
        if unknown:
            raise UsageError(f"no such defect: {', '.join(unknown)}; there are {', '.join(sorted(DEFECTS))}")
        self._defects = defects

    @property
    def declaration(self) -> Declaration:
        """What the shop is made of."""
        return Declaration(
            name="reference shop",
            components=COMPONENTS,
            entries=("lb", "steering"),
            shopper="sut.visitor:VisitingShopper",
            defects={name: defect.caught_by for name, defect in DEFECTS.items()},
            shown_in={name: defect.shown_in for name, defect in DEFECTS.items() if defect.shown_in},
            links=LINKS,
            screen=Screen(path="/p/SKU-00001", cookie="edge"),
            calls=CALLS,
        )

    def images(self) -> tuple[str, ...]:
        """Name the image of every role, the cheap ones first; of those that few plans need, the ones that are there."""
        seldom = (tag for role in sorted(images.ON_DEMAND) if present(tag := images.tag(role)))
        return (*(images.tag(role) for role in images.roles()), *seldom)

    def build_images(self, say: Callable[[str], None]) -> None:
        """Build those that are missing, in the order of the Dockerfile."""
        images.build(images.roles(), say=say)

    def spoils(self, defect: str) -> str:
        """Say what a defect spoils."""
        return DEFECTS[defect].sentence

    def start(self, plan: Plan, site: Site) -> RunningReferenceShop:
        """Start the plan's parts, each when what it needs is ready. Raises ``SetupError``; then all is removed again."""
        wanted = [component for component in COMPONENTS if component.name in plan.parts]
        found = demand_images({CLASSES[component.name].role for component in wanted} | {TOOLS_ROLE}, site.say)
        try:
            ground = lay(site, _EVERY, found)
            tokens = [secrets.token_urlsafe(18) for _ in SECRETS]
            site.hide(tokens)  # before any part has one, and may quote it where it does not come up
            added = [f"{target.component}-{target.index}" for target in plan.added]
            making = _Making(ground, self._defects, tokens, plan.parts, plan.proxied, site.receive, added)
            parts: dict[str, Part] = {}
            for component in wanted:  # the needs are nearly a chain: only the instances of one component start together
                begun_ns = site.now_ns()
                parts |= start_together(ground, component, making.makers[component.name])
                if component.name == "orders_db":
                    load = plan.scenario.load
                    making.furnish(
                        past=load.logs_per_s + load.log_writes_per_s > 0, scarce=load.last_pieces or schema.SCARCE_STOCK
                    )
                site.say(f"{component.name}: ready after {(site.now_ns() - begun_ns) / 1e9:.1f} s")
            nodes = [part for part in parts.values() if isinstance(part, orders_db.OrdersDb)]
            readback = Readback(nodes, site.now_ns) if nodes else None
            door = parts.get("lb")
            rooms = {name: spare.Spare(making.joining(name), door) for name in added if isinstance(door, lb.Lb)}
            return RunningReferenceShop(site, self.declaration, plan.entry, ground, parts, making.secrets, readback, rooms)
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
        known = {role: images.tag(role) for role in (TOOLS_ROLE, *(part.role for part in CLASSES.values()))}
        ground = ground_on(subnet, site, _EVERY, known)
        running = {every[one.name] for one in residence.things}
        proxied = [link for link in LINKS if link.proxy in running]  # what stands by itself has a proxy in all or none
        making = _Making(ground, self._defects, secrets, running, proxied, site.receive)
        parts = {one.name: making.makers[every[one.name]](one.name).adopt(one.ref) for one in residence.things}
        entry = self.declaration.entries[0]
        return RunningReferenceShop(site, self.declaration, entry, ground, parts, making.secrets, None, {})


class _Making:
    """How each part is made on one ground; ``secrets`` are those of ``SECRETS``, as a running shop gives them.

    ``running`` are the components that run, ``proxied`` the links with a proxy in their path, ``receive`` gives the URL of
    who is on call, at this machine's own address; ``added`` are the storefronts that join later.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is made of
        self,
        ground: Ground,
        defects: frozenset[str],
        secrets: Sequence[str],
        running: Collection[str],
        proxied: Collection[Link],
        receive: Callable[[str], str],
        added: Collection[str] = (),
    ) -> None:
        self._defects = defects
        self.secrets = tuple(secrets)
        secret = dict(zip(SECRETS, secrets, strict=True))
        self.passwords = orders_db.Passwords(**{user: secret[user] for user in USERS})
        at = ground.addresses
        of = {component.name: {name: at[name] for name in instances(component)} for component in COMPONENTS}
        cluster = _cluster(ground, of["orders_db"], defects)
        login = orders_db.conninfo(at["db_route"], "shop", self.passwords.shop, orders_db.DATABASE)
        ends = {"db_route": f"{at['db_route']}:{SQL_PORT}"}  # of the links that a proxy can carry
        detours = [toxiproxy.Detour(link=str(link), port=DETOUR_PORTS[link], to=ends[link.peer]) for link in proxied]
        ways = {one.link: f"toxiproxy:{one.port}" for one in detours}  # by name, as the storefronts' DSN has it
        host = ways.get("storefront->db_route", f"db_route:{SQL_PORT}")
        dsn = f"postgresql://shop:{self.passwords.shop}@{host}/{orders_db.DATABASE}"
        kept = f"{at['cache']}:{cache.PORT}" if "cache" in running else ""
        told = storefront.Told(dsn=dsn, route="db_route", signing_secret=secret["signing"], cache=kept, defects=defects)
        self._nodes = [orders_db.conninfo(node, "postgres", self.passwords.postgres) for node in cluster.nodes.values()]
        later = {name: at[name] for name in added}
        self.joining: Callable[[str], spare.Joining] = lambda name: spare.Joining(ground, name, told=told, truth=login)
        self.makers: Mapping[str, Callable[[str], Part]] = {
            "etcd": lambda name: etcd.Etcd(ground, name),
            "orders_db": lambda name: orders_db.OrdersDb(ground, name, cluster=cluster, passwords=self.passwords),
            "db_route": lambda name: db_route.DbRoute(ground, name, nodes=of["orders_db"], probe=login, defects=defects),
            "toxiproxy": lambda name: toxiproxy.Toxiproxy(ground, name, detours=detours),
            "cache": lambda name: cache.Cache(ground, name, storefronts=of["storefront"], port=storefront.PORT),
            "storefront": lambda name: storefront.Storefront(ground, name, told=told, truth=login),
            "lb": lambda name: lb.Lb(
                ground, name, storefronts=of["storefront"], port=storefront.PORT, defects=defects, later=later
            ),
            "cdn_a": lambda name: cdn_a.CdnA(ground, name, origin=at["lb"], defects=defects),
            "cdn_b": lambda name: cdn_b.CdnB(ground, name, origin=at["lb"]),
            "steering": lambda name: steering.Steering(
                ground, name, edges=of["cdn_a"] | of["cdn_b"], truth=login, defects=defects
            ),
            "prometheus": lambda name: prometheus.Prometheus(ground, name, watch=_watch(of, running, defects)),
            "alertmanager": lambda name: alertmanager.Alertmanager(ground, name, tells=receive(ground.gateway)),
        }

    def furnish(self, *, past: bool, scarce: int) -> None:
        """Make the shop's role, database, tables and stock on the first primary; if asked, the shoppers' past too.

        ``scarce`` is how many pieces there are of the scarce product.
        """
        founder = self._nodes[0]
        role = sql.SQL("create role shop login password {}").format(sql.Literal(self.passwords.shop))
        with psycopg.connect(founder, autocommit=True) as connection:
            connection.execute(role)
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(orders_db.DATABASE)))
        with psycopg.connect(founder, dbname=orders_db.DATABASE, options="-c statement_timeout=30s") as connection:
            for statement in schema.statements(self._defects, scarce):
                connection.execute(statement.encode())
        if past:
            self._remember()

    def _remember(self) -> None:
        """Load the shoppers' past, and leave no node anything to do about it afterwards: all is applied, and on disk."""
        for node, statements in zip(self._nodes, (schema.history(self._defects), ("checkpoint",)), strict=True):
            options = "-c statement_timeout=60s -c synchronous_commit=remote_apply"
            with psycopg.connect(node, dbname=orders_db.DATABASE, autocommit=True, options=options) as connection:
                for statement in statements:
                    connection.execute(statement.encode())


def _cluster(ground: Ground, nodes: Mapping[str, str], defects: Collection[str]) -> Cluster:
    return Cluster(
        nodes=nodes,
        subnet=str(ground.subnet),
        etcd=f"{ground.addresses['etcd']}:{etcd.PORT}",
        failover="no_failover" not in defects,
        synchronous="async_replication" not in defects,
    )


def _watch(of: Mapping[str, Mapping[str, str]], running: Collection[str], defects: Collection[str]) -> prometheus.Watch:
    """Say whom to watch: of all instances by component, with their addresses, those that run and tell counters."""
    at = of["alertmanager"]["alertmanager"]
    return prometheus.Watch(
        watched=[
            prometheus.Watched(component=part, instance=name, address=address, scrape=scrape)
            for part in of
            if part in running and (scrape := CLASSES[part].scrape)
            for name, address in of[part].items()
        ],
        declared={part: CLASSES[part].rules for part in of if part in running},
        alertmanager=f"{at}:{alertmanager.PORT}" if "alertmanager" in running else None,
        defects=defects,
    )
