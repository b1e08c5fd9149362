"""The fake shop's monitoring: one process that asks the others, samples their counters, and calls whoever is on call."""

import asyncio
import http.client
import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

from tests.fake_shop_part import DEFECTS, PEERS, Part, call, fresh, leader

EVERY_S, WATCHDOG_S, RESTARTED_S = 0.1, 2.0, 5.0
HOLDS_S, SLOW_S = 0.3, 600.0
RECEIVER = "FAKE_SHOP_RECEIVER"
MISSING = ("OrdersDbNoPrimary", "StorefrontDown")
Condition = tuple[str, str, str]  # alert, component, instance ("" where none is meant)


class Monitor(Part):
    """Rules as the reference shop has them: what holds for 0.3 s is told, and told again when it is over.

    Defect ``alert_missing`` leaves out two of them, ``alert_slow`` waits ten minutes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.samples: dict[str, list[list[Any]]] = {}
        self._since: dict[Condition, float] = {}
        self._firing: set[Condition] = set()
        self._runs: dict[str, tuple[str, float]] = {}
        self._told_at = 0.0

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give the samples so far, and whom it calls, beside what all can tell."""
        known = {"samples": self.samples, "receiver": os.environ[RECEIVER]}
        return {request["ask"]: known[request["ask"]]} if request["ask"] in known else await super().answer(request)

    async def work(self) -> None:
        """Look ten times a second."""
        while True:
            said = dict(zip(PEERS, await asyncio.gather(*map(self._ask, PEERS)), strict=True))
            now = time.time()
            for name, counters in said.items():
                for kind, values in (counters or {}).get("calls", {}).items():
                    self.samples.setdefault(f"{name} {kind}", []).append([now, *values])
            await self._tell(self._rules(said, now), now)
            await asyncio.sleep(EVERY_S)

    async def _ask(self, name: str) -> dict[str, Any] | None:
        try:
            return await call(PEERS[name], {"ask": "counters"}, 0.3)
        except (OSError, TimeoutError, ValueError):
            return None

    def _rules(self, said: dict[str, dict[str, Any] | None], now: float) -> set[Condition]:
        """Say what is wrong at this moment."""
        found: set[Condition] = set()
        if not fresh(leader()) or said.get(leader()["name"]) is None:
            found.add(("OrdersDbNoPrimary", "orders_db", ""))
        for name, counters in said.items():
            component = name.rsplit("-", 1)[0]
            if counters is None and component == "storefront":
                found.add(("StorefrontDown", component, name))
            if counters is None or component != "orders_db":
                continue
            started, since = self._runs.get(name, (counters["started"], 0.0))
            if started != counters["started"]:
                since = now
            self._runs[name] = counters["started"], since
            if now - since < RESTARTED_S:
                found.add(("OrdersDbRestarted", component, name))
        return {one for one in found if "alert_missing" not in DEFECTS or one[0] not in MISSING}

    async def _tell(self, wrong: set[Condition], now: float) -> None:
        """Tell what begins to hold, and what no longer does; and every two seconds that we live."""
        self._since = {one: self._since.get(one, now) for one in wrong}
        wait_s = SLOW_S if "alert_slow" in DEFECTS else HOLDS_S
        firing = {one for one, since in self._since.items() if now - since >= wait_s}
        told = [("firing", one) for one in firing - self._firing] + [("resolved", one) for one in self._firing - firing]
        self._firing = firing
        if now - self._told_at >= WATCHDOG_S:
            self._told_at = now
            told.append(("firing", ("Watchdog", "", "")))
        if told:
            await asyncio.to_thread(_post, [_alert(state, *one) for state, one in told])


def _alert(state: str, name: str, component: str, instance: str) -> dict[str, Any]:
    labels = {"alertname": name, "component": component, "instance": instance}
    labels = {key: value for key, value in labels.items() if value}
    return {"status": state, "labels": labels, "annotations": {"playbook": "Wait."}}


def _post(alerts: list[dict[str, Any]]) -> None:
    """Tell the receiver; one that does not listen is told nothing."""
    url = urlsplit(os.environ[RECEIVER])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=1)
    try:
        connection.request("POST", url.path, json.dumps({"alerts": alerts}))
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()
