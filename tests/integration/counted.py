"""Orders of the real generator to a shop that runs, and how many there were by everybody's own count."""

import re
import time
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import numpy as np
import psycopg

from harness.clock import S
from harness.demand import Arrivals, Load
from harness.history import ACKNOWLEDGED, REFUSED, Ledger
from harness.load.generator import Generator
from harness.load.ledger import read
from harness.load.schedule import planned
from harness.load.spec import LoadSpec
from harness.model import noun
from harness.shop import RunningShop
from sut.components import storefront
from sut.components.orders_db import OrdersDb
from sut.running import RunningReferenceShop

ROOT = Path(__file__).parents[2]
LOAD = Load(arrivals=Arrivals(orders_per_s=200), warm_up_s=0, baseline_s=1)


@noun
class Count:
    """What was inserted and committed on the primary, and which batches the storefronts say that they have written."""

    orders: int
    lines: int
    commits: int
    batches: int
    batched: int


def asked(shop: RunningShop, node: str, statement: str) -> tuple[object, ...]:
    """Ask one node itself, past the route; give the first row."""
    assert isinstance(shop, RunningReferenceShop)
    part = shop._part(node)
    assert isinstance(part, OrdersDb)
    with closing(psycopg.connect(part.conninfo("shop"), autocommit=True)) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def count(shop: RunningShop, primary: str = "orders_db-1") -> Count:
    """Read all the counters."""
    inserted = "select n_tup_ins from pg_stat_user_tables where relname = '{}'"
    fronts = [str(one.state["address"]) for one in shop.residence.things if one.name.startswith("storefront")]
    pages = [urlopen(f"http://{at}:{storefront.PORT}/metrics", timeout=5).read().decode() for at in fronts]
    batches, batched = (
        sum(float(re.findall(rf"(?m)^storefront_batch_orders_{what} (\S+)$", page)[0]) for page in pages)
        for what in ("count", "sum")
    )
    orders, lines = (asked(shop, primary, inserted.format(table))[0] for table in ("orders", "order_lines"))
    (commits,) = asked(shop, primary, "select xact_commit from pg_stat_database where datname = 'shop'")
    assert isinstance(orders, int)
    assert isinstance(lines, int)
    assert isinstance(commits, int)
    return Count(orders=orders, lines=lines, commits=commits, batches=int(batches), batched=int(batched))


def ordered(shop: RunningShop, folder: Path, seconds: float) -> Ledger:
    """Let the generator order for so long; give its ledger, of which nothing is in doubt."""
    zero_ns = time.monotonic_ns()
    spec = LoadSpec(
        run=f"counted-{uuid4().hex[:8]}",  # the same keys again would be the same orders
        seed=7,
        scale=1.0,
        load=LOAD,
        zero_ns=zero_ns,
        begin_ns=0,
        longest_s=seconds + 20,
        url=shop.entry.url,
        shopper="sut.shopper:OneCallShopper",
        ledger=str(folder / "orders.jsonl"),
        project=str(ROOT),
    )
    generator = Generator.start(spec, lambda _: None)
    try:
        until_ns = generator.begin_ns + round(seconds * S)
        generator.stop_at(until_ns)
        assert generator.wait(seconds + 20) is not None
    finally:
        generator.kill()
    arrivals = planned(LOAD, spec.seed, spec.scale, until_ns - generator.begin_ns)
    ledger, doubts = read(Path(spec.ledger), arrivals, generator.begin_ns, until_ns)
    assert doubts == ()
    return ledger


def acknowledged(ledger: Ledger) -> int:
    """Count the orders that were acknowledged; it is an error where of any other it is unknown what became of it."""
    assert bool(np.all((ledger.fate == ACKNOWLEDGED) | (ledger.fate == REFUSED)))
    return int(np.count_nonzero(ledger.fate == ACKNOWLEDGED))
