"""What loads in a closed loop hide: one shop, frozen for two seconds, under Locust's own users and under our arrivals."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.clock import pause
from harness.drivers.docker_client import client
from harness.shop import RunningShop
from harness.undo import take_machine
from tests.acceptance.flight import ROOT, must
from tests.figures import Figure
from tests.integration.blows import standing
from tests.integration.counted import ordered

PARTS = ("etcd", "orders_db", "db_route", "storefront", "lb")
LASTS_S, FROZEN_AFTER_S, FROZEN_S = 20, 9.0, 2.0
USERS = 20
LATE_MS = 1_000.0


def hidden(runs: int) -> Iterator[Figure]:
    """Freeze the balancer under each load by turns, so many times; give what each tells of its orders."""
    seen: dict[str, list[NDArray[np.float64]]] = {}
    with take_machine(wait=True), tempfile.TemporaryDirectory() as place, standing(Path(place), PARTS) as shop:
        for number in range(runs):
            for name in ("HttpUser", "FastHttpUser", "windtunnel"):
                folder = Path(place) / f"{name}-{number}"
                folder.mkdir()
                seen.setdefault(name, []).append(_frozen(shop, name, folder))
    for name, loads in seen.items():
        yield Figure(name=f"frozen, by {name}: orders", unit="orders", values=tuple(float(len(one)) for one in loads))
        for percent in (95, 99):
            values = tuple(float(np.percentile(one, percent, method="inverted_cdf")) for one in loads)
            yield Figure(name=f"frozen, by {name}: p{percent}", unit="ms", values=values)
        late = tuple(float(np.count_nonzero(one > LATE_MS)) for one in loads)
        yield Figure(name=f"frozen, by {name}: later than 1 s", unit="orders", values=late)


def _frozen(shop: RunningShop, name: str, folder: Path) -> NDArray[np.float64]:
    """Load the shop by one of them, freeze its balancer in the middle; give the response times that were told, in ms."""
    door = client().containers.get(next(one.ref for one in shop.residence.things if one.name == "lb"))
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(_ours, shop, folder) if name == "windtunnel" else pool.submit(_stock, shop, name)
        pause(FROZEN_AFTER_S)
        door.pause()
        try:
            pause(FROZEN_S)
        finally:
            door.unpause()
        told = loading.result()
    must(len(told) > USERS, f"{name} told of {len(told)} orders only")
    return told


def _ours(shop: RunningShop, folder: Path) -> NDArray[np.float64]:
    """Count from the moment an order was due; what was not acknowledged took for ever."""
    rows = ordered(shop, folder, LASTS_S)
    return np.asarray(rows.latency_ms[rows.orders])


def _stock(shop: RunningShop, name: str) -> NDArray[np.float64]:
    """Read what Locust itself prints: how many answers took how many ms, rounded as it rounds them."""
    which = "Fast" if name == "FastHttpUser" else "Stock"
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "tests" / "stock_users.py"), which, "--host", shop.entry.url]
    command += ["--headless", "--json", "-u", str(USERS), "-r", str(USERS), "-t", f"{LASTS_S}s", "--exit-code-on-error", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LASTS_S + 60)
    must(done.returncode == 0, f"locust ended with {done.returncode}: {done.stderr[-600:]}")
    (entry,) = json.loads(done.stdout)
    times = {float(ms): int(count) for ms, count in entry["response_times"].items()}
    return np.sort(np.repeat(np.array([*times]), np.array([*times.values()])))
