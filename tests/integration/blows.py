"""Blows struck at the reference shop, without load: a shop for a test module, a fault on it, and how that is seen."""

import fcntl
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from harness import registry
from harness.capabilities import Poisonable
from harness.clock import MachineClock, pause
from harness.drivers import driver
from harness.drivers.docker_client import client
from harness.model import Fault, Json, Reading, Target, Undo
from harness.planned import Plan
from harness.scenario import Entry
from harness.shop import RunningShop, Site
from harness.undo import UndoLog
from sut.shop import ReferenceShop
from tests.examples import example
from tests.integration.held import HELD

BITES_S, HEALS_S = 5.0, 30.0
SHOP = ReferenceShop()


@contextmanager
def standing(
    folder: Path,
    parts: tuple[str, ...],
    proxied: tuple[str, ...] = (),
    entry: str = "lb",
    added: tuple[Target, ...] = (),
) -> Iterator[RunningShop]:
    """Start some parts of the shop, with a proxy in some links and room for others; remove them in the end."""
    now_ns = MachineClock().now_ns
    site = Site(
        id=f"test-{uuid.uuid4().hex[:8]}", folder=folder, now_ns=now_ns, say=print, receive=lambda at: f"http://{at}"
    )
    links = [link for link in SHOP.declaration.links if str(link) in proxied]
    load = SimpleNamespace(logs_per_s=0.0, log_writes_per_s=0.0, last_pieces=0)
    scenario = SimpleNamespace(load=load)
    plan = cast("Plan", SimpleNamespace(parts=parts, entry=entry, proxied=links, scenario=scenario, added=added))
    with (folder / "undo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # this run lives: no sweep may take its containers
        running = SHOP.start(plan, site)
        try:
            yield running
        finally:
            running.stop()


class Blow:
    """One fault on the shop: who is hit, and how that is seen."""

    def __init__(self, shop: RunningShop, what: str, **params: Json) -> None:
        kind, target = what.split(" ")
        self.shop, self.kind = shop, kind
        own = example(kind) if registry.cls("faults", kind).needs is Poisonable else {}
        usual, _ = HELD.get(what, ({}, ""))
        entry = Entry(id=kind, kind=kind, params={**own, "target": target, **usual, **params})
        self.fault: Fault = registry.make("faults", entry, "made_up.toml", kind)
        self.instance = shop.locate(self.fault.target).instance
        self.before = list[Reading]()

    def look(self) -> Reading:
        """Look as its witness does."""
        return self.fault.look(self.shop.able(self.instance, self.fault.sense))

    def well(self) -> None:
        """Wait until it is well, then look five times."""
        soon(lambda: isinstance(self.look().value, float), HEALS_S, f"{self.instance} is well")
        self.before = [self.look() for _ in range(5)]
        assert not any(self.fault.bitten(self.before, reading) for reading in self.before)

    def bites(self) -> bool | None:
        """Look once, and judge."""
        return self.fault.bitten(self.before, self.look())


def soon(true: Callable[[], object], within_s: float, what: str) -> float:
    """Wait until it is so; give how long that took, in s."""
    now_ns, begun_ns = MachineClock().now_ns, MachineClock().now_ns()
    while not true():
        assert (now_ns() - begun_ns) / 1e9 < within_s, f"not within {within_s:g} s: {what}"
        pause(0.1)
    return (now_ns() - begun_ns) / 1e9


def off(shop: RunningShop) -> str:
    """What the engine and the kernel say is not as declared."""
    return ", ".join(sorted(one.residue.what for one in driver("docker").deviations(shop.residence)))


def played(undos: tuple[Undo, ...]) -> None:
    """Mend what was broken, the last act first."""
    for undo in reversed(undos):
        driver("docker").MENDERS[undo.verb](undo)


def breaks_and_dies(blow: Blow, log: Path) -> None:
    """Let another process act, with the undo on disk, and die before anybody could write down that it was done."""

    def process() -> None:
        breaking = blow.fault.prepare(blow.shop.able(blow.instance, blow.fault.needs))

        def act() -> None:
            breaking.act()
            os.kill(os.getpid(), signal.SIGKILL)

        UndoLog(log).perform("step1", replace(breaking, act=act), None, lambda: None, lambda: 0)

    client.cache_clear()  # no connection is shared with the child
    child = multiprocessing.get_context("fork").Process(target=process)
    child.start()
    child.join(20)
    assert child.exitcode == -signal.SIGKILL
