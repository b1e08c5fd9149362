"""A shop of plain processes: the same parts and promises as the reference shop, up in a second, with signals as its powers.

Named in a ``pyproject.toml`` as ``shop = "tests.fake_shop:FakeShop"`` it serves whole runs in seconds, without Docker.
"""

import json
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.audited import Audit, Charge, Charges, NodeAudit, StockLevel
from harness.capabilities import Alerting, Answers, Crashable, Killable, Metered, Pausable, Replicated, Started
from harness.declaration import Alert, Component, Declaration
from harness.drivers import process
from harness.errors import ControlError, SetupError
from harness.model import Located, Residue, Target
from harness.planned import Plan
from harness.shop import Entry, Residence, Site, Thing
from sut.defects import DEFECTS
from sut.shopper import digest
from tests.fake_shop_senses import Samples, Senses, ask

PROGRAM = Path(__file__).with_name("fake_shop_process.py")
NODES, FRONTS = ("orders_db-1", "orders_db-2"), ("storefront-1", "storefront-2")
FULL, SKUS = 10**6, tuple(f"SKU-{n:05d}" for n in range(1, 2001))
LAST, LAST_STOCK = "SKU-LAST", 100
PRICE_CENTS = 100
FIRST_PORT = 7001
POWERS = frozenset({Killable, Pausable, Crashable, Answers, Started})
READY_S = 30.0  # several may come up at the same moment, on two cores
BROWSING = {  # what this shop can do wrong for shoppers with a browser, and what must catch it
    "truncated_body": "wrong_bytes",
    "wrong_page": "wrong_bytes",
    "anothers_page": "wrong_identity",
    "lost_cart": "carts_lost",
}


class FakeShop:
    """The fake shop's declaration, and its start."""

    def __init__(self, defects: frozenset[str] = frozenset()) -> None:
        self._defects = defects

    @property
    def declaration(self) -> Declaration:
        """Two database nodes, two storefronts, one balancer; where a plan needs it, one who watches them."""
        return Declaration(
            name="fake shop",
            components=(
                Component(
                    name="orders_db",
                    instances=2,
                    roles=("primary", "standby"),
                    abilities=POWERS | {Replicated},
                    standbys=1,
                    alerts=(_alert("OrdersDbNoPrimary"), _alert("OrdersDbRestarted")),
                ),
                Component(
                    name="storefront",
                    instances=2,
                    needs=("orders_db",),
                    abilities=POWERS,
                    alerts=(_alert("StorefrontDown"),),
                ),
                Component(name="monitor", abilities=POWERS | {Alerting, Metered}),
                Component(name="lb", needs=("storefront",), abilities=frozenset({Answers})),
            ),
            entries=("lb",),
            shopper="sut.visitor:VisitingShopper",
            defects={name: defect.caught_by for name, defect in DEFECTS.items()} | BROWSING,
            driver="process",
        )

    def start(self, plan: Plan, site: Site) -> "RunningFakeShop":
        """Start the processes of the plan's parts and wait until orders can be taken."""
        names = [name for name in (*NODES, *FRONTS, "lb", "monitor") if name.rsplit("-", 1)[0] in plan.parts]
        tokens = (secrets.token_hex(16),)
        site.hide(tokens)
        shop = RunningFakeShop(self.declaration, site, own_host(), names, tokens)
        shop.begin(",".join(sorted(self._defects)))
        shop.await_ready()
        return shop

    def resume(self, residence: Residence, site: Site, secrets: tuple[str, ...]) -> "RunningFakeShop":
        """Reach its processes again, at the address that they were given."""
        host = str(residence.things[0].state["address"]).partition(":")[0]
        return RunningFakeShop(self.declaration, site, host, [thing.name for thing in residence.things], secrets)


class RunningFakeShop:
    """The fake shop of one run; its pid files lie in ``<run folder>/pids``."""

    versions: Mapping[str, str] = {"fake": "1"}

    def __init__(
        self, declaration: Declaration, site: Site, host: str, names: Sequence[str], secrets: tuple[str, ...]
    ) -> None:
        self._site, self._declaration, self._host, self.secrets = site, declaration, host, secrets
        self._ports = {name: port for port, name in enumerate(names, FIRST_PORT)}
        self._pids, self._leader = site.folder / "pids", site.folder / "state" / "leader.json"

    def begin(self, defects: str) -> None:
        """Start its processes."""
        state = self._leader.parent
        self._pids.mkdir()
        state.symlink_to(tempfile.mkdtemp(prefix="fake-shop-", dir="/dev/shm"))  # a disk may keep a leader waiting too long
        self._leader.write_text(json.dumps({"name": NODES[0], "at": 0, "standby": False}))
        for name in self._ports:
            role = name.rsplit("-", 1)[0]
            peers = {"orders_db": NODES, "storefront": NODES, "lb": FRONTS, "monitor": (*NODES, *FRONTS)}[role]
            pairs = [f"{peer}={self._ports[peer]}" for peer in peers]
            where = [self._host, str(self._ports[name]), str(state)]
            argv = [sys.executable, str(PROGRAM), role, name, *where, defects, *pairs]
            told = {"FAKE_SHOP_RECEIVER": self._site.receive("127.0.0.1")} if name == "monitor" else {}
            process.spawn(argv, self._pids / f"{name}.pid", {"FAKE_SHOP_TOKEN": self.secrets[0], **told})

    @property
    def entry(self) -> Entry:
        """Loopback."""
        return Entry(url=f"http://{self._host}:{self._ports['lb']}", reached="loopback")

    @property
    def residence(self) -> Residence:
        """One thing a process, known by its pid file."""
        things = tuple(
            Thing(
                name=name,
                ref=str(self._pids / f"{name}.pid"),
                state={"status": "running", "address": f"{self._host}:{port}"},
            )
            for name, port in self._ports.items()
        )
        return Residence(run=self._site.id, driver="process", things=things)

    def await_ready(self) -> None:
        """Wait until the standby is in step and the storefronts answer. Raises ``SetupError`` after ``READY_S``."""
        for _ in range(int(READY_S / 0.1)):
            fronts = [name for name in self._ports if name not in NODES]
            ready = all(isinstance(self.able(name, Answers).answer_ms().value, float) for name in fronts)
            if ready and self.able(NODES[0], Replicated).standbys().value == 1.0:
                return
            time.sleep(0.1)
        raise SetupError("the fake shop did not come up")

    def instances(self, component: Component) -> tuple[str, ...]:
        """The names of a component's processes."""
        return tuple(name for name in self._ports if name.rsplit("-", 1)[0] == component.name)

    def locate(self, target: Target) -> Located:
        """Resolve a role by the leader file, a number by counting."""
        component = self._declaration.component(target.component or "")
        if component is None:
            raise ControlError(f"{target}: no such component")
        names = self.instances(component)
        if target.role is not None:
            primary = json.loads(self._leader.read_text())["name"]
            names = tuple(name for name in names if (name == primary) == (target.role == "primary"))
        instance = names[(target.index or 1) - 1]
        return Located(target=target, component=component.name, instance=instance, at_ns=self._site.now_ns())

    def able(self, instance: str, protocol: type) -> Any:
        """Signals are powers, questions over the instance's own port are senses."""
        if protocol in (Killable, Pausable, Crashable):
            return process.ProcessPowers(instance, self._pids / f"{instance}.pid")
        if protocol in (Metered, Alerting):
            return Samples((self._host, self._ports[instance]), self._site)
        return Senses(
            (self._host, self._ports[instance]),
            {name: (self._host, self._ports[name]) for name in NODES if name in self._ports},
            self._leader,
            self._site,
        )

    def fingerprint(self) -> tuple[Residue, ...]:
        """Processes that do not run, and a missing standby."""
        off = [one.residue for one in process.deviations(self.residence)]
        if not off and self.able(NODES[0], Replicated).standbys().value != 1.0:
            off.append(Residue(on="orders_db", what="no standby in step"))
        return tuple(off)

    def audit(self) -> Audit:
        """Ask both nodes for everything they hold."""
        nodes, stock, missing = [], {}, {}
        charges: Charges | None = None
        for name in NODES:
            try:
                dump, _ = ask((self._host, self._ports[name]), "dump", 10.0)
            except OSError as error:
                missing[name] = str(error)
                continue
            orders = dump["orders"]
            nodes.append(
                NodeAudit(
                    node=name,
                    role=dump["role"],
                    key=tuple(order["key"] for order in orders),
                    order_id=tuple(order["order_id"] for order in orders),
                    digest=tuple(_digest(order) for order in orders),
                )
            )
            if dump["role"] == "primary":
                stock, charges = _levels(orders, dump["stock"]), _charges(orders)
        return Audit(
            at_ns=self._site.now_ns(),
            nodes=tuple(nodes),
            stock=tuple(stock.values()),
            skus=len(SKUS) + 1,
            missing=missing,
            charges=charges,
        )

    def collect(self, folder: Path) -> None:
        """Write what each process printed, as the driver does."""
        process.collect(self._site.id, folder)

    def stop(self) -> None:
        """End every process, and forget what they kept."""
        if left := process.sweep(self._site.id, self._site.folder):
            raise ControlError(f"still there: {', '.join(left)}")
        forget(self._site.folder)


def forget(run: Path) -> None:
    """Remove what the processes of a run kept in memory, once they are gone."""
    shutil.rmtree((run / "state").resolve(), ignore_errors=True)


def _alert(name: str) -> Alert:
    return Alert(name=name, severity="page", playbook="Wait.", window_s=1)


def _digest(order: Mapping[str, Any]) -> str:
    return digest([(line["sku"], line["qty"]) for line in order["lines"]], order["amount_cents"])


def _charges(orders: list[dict[str, Any]]) -> Charges:
    """Hold what orders cost against the price that everything has."""
    wrong = [
        Charge(key=order["key"], order_id=order["order_id"], right_cents=right, charged_cents=order["amount_cents"])
        for order in orders
        if order["amount_cents"] != (right := sum(line["qty"] * PRICE_CENTS for line in order["lines"]))
    ]
    return Charges(orders=len(orders), wrong=tuple(wrong))


def _levels(orders: list[dict[str, Any]], left: Mapping[str, int]) -> dict[str, StockLevel]:
    sold: dict[str, int] = {}
    for order in orders:
        for line in order["lines"]:
            sold[line["sku"]] = sold.get(line["sku"], 0) + line["qty"]
    return {
        sku: StockLevel(sku=sku, initial=full, final=left.get(sku, full), sold=sold.get(sku, 0))
        for sku, full in [*((sku, FULL) for sku in SKUS), (LAST, LAST_STOCK)]
    }


def own_host() -> str:
    """Give an address of this machine's loopback that no other run has: a port found free might be another's by its use."""
    return f"127.{'.'.join(str(1 + secrets.randbelow(254)) for _ in range(3))}"
