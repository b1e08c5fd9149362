"""The real load child at work for a test: started, stopped, and what is left of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.demand import Arrivals, Load
from harness.events import LoadTick
from harness.history import UNKNOWN, Ledger
from harness.load.generator import Generator
from harness.load.ledger import read
from harness.load.schedule import Planned, planned
from harness.load.spec import LoadSpec
from harness.model import Doubt
from tests.integration.little_server import Server

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000_000
LOAD = Load(arrivals=Arrivals(orders_per_s=150), warm_up_s=0, baseline_s=1, products_per_s=30)


class Flight:
    """A generator at work, and what is left of it."""

    def __init__(self, spec: LoadSpec) -> None:
        self.spec = spec
        self.ticks: list[LoadTick] = []
        self.lost: list[str] = []
        self.generator = Generator.start(spec, self.ticks.append, self.lost.append)
        self.begin_ns = self.generator.begin_ns

    def stop_after(self, seconds: float) -> int | None:
        """Let arrivals end so long after they began; give the rows."""
        self.until_ns = self.begin_ns + int(seconds * SECOND)
        self.generator.stop_at(self.until_ns)
        return self.generator.wait(seconds + 10)

    @property
    def plan(self) -> Planned:
        """What should have been sent."""
        return planned(self.spec.load, self.spec.seed, self.spec.scale, self.until_ns - self.begin_ns)

    def ledger(self) -> tuple[Ledger, tuple[Doubt, ...]]:
        """Give what was written, joined with the plan."""
        return read(Path(self.spec.ledger), self.plan, self.begin_ns, self.until_ns)


def spec_for(folder: Path, url: str) -> LoadSpec:
    return LoadSpec(
        run="run-1",
        seed=7,
        scale=1.0,
        load=LOAD,
        zero_ns=time.monotonic_ns(),
        begin_ns=0,
        longest_s=20,
        url=url,
        shopper="tests.fakes:FakeShopper",
        ledger=str(folder / "orders.jsonl"),
        project=str(ROOT),
    )


@contextmanager
def flying(spec: LoadSpec) -> Iterator[Flight]:
    flight = Flight(spec)
    try:
        yield flight
    finally:
        flight.generator.kill()


def never_sent_more_often_than_written(shop: Server, ledger: Ledger) -> None:
    """Every acknowledged order was seen exactly as often as the ledger says; what crossed with a close, at most so often."""
    for seq, attempts, fate in zip(ledger.seq, ledger.attempts, ledger.fate, strict=True):
        seen = shop.keys[b"run-1:%d" % seq]
        assert seen == attempts or (seen < attempts <= 2 and fate == UNKNOWN) or not ledger.orders[seq]
