"""The reference shop with its monitoring, under a light load, and whoever is on call."""

import fcntl
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from harness.clock import MachineClock, pause
from harness.demand import Arrivals, Load
from harness.drivers import driver
from harness.events import Alerted, LoadTick, Sample
from harness.load.generator import Generator
from harness.load.spec import LoadSpec
from harness.model import Break, Series
from harness.plan import started
from harness.planned import Plan
from harness.receiver import Receiver
from harness.shop import RunningShop, Site
from sut.shop import ReferenceShop
from tests.acceptance.engine import Ear

ROOT = Path(__file__).parents[2]
LOAD = Load(arrivals=Arrivals(orders_per_s=30), warm_up_s=0, baseline_s=1, products_per_s=20, lists_per_s=10, logs_per_s=3)

BUDGET_S = 12.0


class Evening:
    """A running shop, all that its monitoring told us, and the last word of the load."""

    def __init__(self, folder: Path) -> None:
        self.clock = MachineClock()
        self.heard: list[Alerted | Sample] = []
        self.tick: LoadTick | None = None
        self.receiver = Receiver(self.heard.append, self.clock.now_ns)
        self.site = Site(
            id=f"test-{uuid.uuid4().hex[:8]}",
            folder=folder,
            now_ns=self.clock.now_ns,
            say=print,
            receive=self.receiver.open,
        )
        self.shop = cast("RunningShop", None)
        self.ear = Ear()

    def told(self, since_ns: int = 0) -> list[Alerted]:
        """Give what was told since, but for the alert that always fires."""
        found = (one for one in self.heard if isinstance(one, Alerted) and one.at_ns >= since_ns)
        return [one for one in found if one.name != "Watchdog"]

    def firing(self) -> set[str]:
        """Name the alerts of which the last word is that they fire."""
        last = {(one.name, tuple(sorted(one.labels.items()))): one.state for one in self.told()}
        return {name for (name, _), state in last.items() if state == "firing"}

    def after_s(self, since_ns: int, name: str, **labels: str) -> float | None:
        """Say after how many seconds an alert with these labels began to fire; None: not yet."""
        wanted = labels.items()
        found = (one for one in self.told(since_ns) if (one.name, one.state) == (name, "firing"))
        return next(((one.at_ns - since_ns) / 1e9 for one in found if wanted <= one.labels.items()), None)

    def able(self, instance: str, protocol: type) -> Any:
        """Give a power or a sense."""
        return self.shop.able(instance, protocol)

    def act(self, broken: Break) -> int:
        """Break something; give the instant before. The engine itself must tell of it."""
        _, command, instance, *_ = broken.typed.split()
        action = {"exec": "exec_die"}.get(command, command)
        before_ns, heard = self.clock.now_ns(), len(self.ear.of(self.site.id, instance))
        broken.act()
        self.until(lambda: action in self.ear.of(self.site.id, instance)[heard:], 5, f"the engine's {action} of {instance}")
        return before_ns

    def mend(self, broken: Break) -> None:
        """Take it back."""
        for undo in broken.undo:
            driver("docker").MENDERS[undo.verb](undo)

    def until(self, check: Callable[[], object], within_s: float, what: str) -> float:
        """Wait until it is so; give the seconds that took."""
        begun_ns = self.clock.now_ns()
        while not check():
            waited_s = (self.clock.now_ns() - begun_ns) / 1e9
            assert waited_s < within_s, f"{what}: not within {within_s} s; told: {self.told(begun_ns)}"
            pause(0.1)
        return (self.clock.now_ns() - begun_ns) / 1e9


@contextmanager
def evening(
    folder: Path, load: Load = LOAD, defects: frozenset[str] = frozenset(), wanted: Sequence[str] = ()
) -> Iterator[Evening]:
    """Start the whole shop, or the parts that are wanted with what they need, and the load; at last remove both."""
    one = Evening(folder)
    shop = ReferenceShop(defects)
    parts = started(shop.declaration, wanted or [part.name for part in shop.declaration.components])
    scenario = SimpleNamespace(load=load)
    plan = cast("Plan", SimpleNamespace(parts=parts, entry="lb", proxied=(), scenario=scenario, added=()))
    with closing(one.ear), (folder / "undo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # this run lives: no sweep may take its containers
        one.shop = shop.start(plan, one.site)
        try:
            with _ordering(one, load):
                yield one
        finally:
            one.receiver.close()
            one.shop.stop()


@contextmanager
def _ordering(one: Evening, load: Load) -> Iterator[None]:
    spec = LoadSpec(
        run=one.site.id,
        seed=7,
        scale=1.0,
        load=load,
        zero_ns=one.clock.zero_ns,
        begin_ns=one.clock.now_ns(),
        longest_s=1200,
        url=one.shop.entry.url,
        shopper="sut.shopper:OneCallShopper",
        ledger=str(one.site.folder / "orders.jsonl"),
        project=str(ROOT),
    )
    generator = Generator.start(spec, lambda tick: setattr(one, "tick", tick))
    try:
        yield
    finally:
        generator.kill()


def alerted(one: Evening, since_ns: int, name: str, **labels: str) -> None:
    """Wait for an alert, within its budget, and say when it came."""
    one.until(lambda: one.after_s(since_ns, name, **labels) is not None, BUDGET_S + 5, name)
    after_s = one.after_s(since_ns, name, **labels)
    print(f"{name} {labels} after {after_s:.1f} s")
    assert after_s is not None
    assert after_s <= BUDGET_S


def grown(found: tuple[Series, ...], name: str, label: str, value: str) -> float:
    """Give by how much a counter grew on all instances together."""
    return sum(one.values[-1] - one.values[0] for one in found if one.name == name and one.labels[label] == value)
