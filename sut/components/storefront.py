"""The storefront: the shop's own service, one replica."""

import json
from collections.abc import Collection
from typing import Any, ClassVar

from harness.model import REFUSED, SILENT, Reading, noun
from sut.components.ask import Deadline, about, healthy, http_get, look, query
from sut.components.cache import pong
from sut.components.ground import Ground
from sut.components.part import CALL_S, TRY_S, Part
from sut.components.truth import Truth
from sut.components.watched import PAGE, TICKET, Rule, Scrape, down

PORT = 8080
CARRIED_S = 2.5  # it waits 2 s itself
MOVED_S = 2.5  # and 2.4 s for bytes that it moves
_FAILED = 'sum(rate(storefront_orders_total{status=~"5.."}[10s])) / sum(rate(storefront_orders_total[10s]))'
_FAST = 'sum(rate(storefront_order_seconds_bucket{le="0.2"}[10s])) / sum(rate(storefront_order_seconds_count[10s]))'


@noun
class Told:
    """What all replicas are told: the way to the database, the name of its route, the key of the tokens, the cache.

    ``cache`` is empty where none runs; ``defects`` are switches of the gallery of bad shops.
    """

    dsn: str
    route: str
    signing_secret: str
    cache: str
    defects: Collection[str]


class Storefront(Part):
    """One replica."""

    role = "app"
    packages: ClassVar[tuple[str, ...]] = ("python3-starlette", "python3-uvicorn", "python3-asyncpg")
    scrape: ClassVar[Scrape] = Scrape(
        port=PORT,
        keep="storefront_(orders_total|names_up|cache_(up|reads_total)|(db_call|order)_seconds_(bucket|count|sum))",
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "StorefrontDown",
            "storefront",
            severity=TICKET,
            playbook="The other replica serves alone: see whether this one runs, and start it.",
        ),
        Rule(
            name="NamesGone",
            severity=TICKET,
            playbook="Names are not found: restart nothing that must look one up to start, and see to the resolver.",
            expr="storefront_names_up == 0",
            for_s=3,
            by=("instance",),
        ),
        Rule(
            name="OrdersFailing",
            severity=PAGE,
            playbook="More than 5 % of all orders fail: look at the database first, then at the storefronts' logs.",
            expr=f"{_FAILED} > 0.05",
            for_s=2,
        ),
        # As long as its range, so that one short stall of a busy machine raises nothing.
        Rule(
            name="OrdersSlow",
            severity=TICKET,
            playbook="The p95 of orders is above 200 ms: look for load, a slow disk, or a slow standby.",
            expr=f"{_FAST} < 0.95",
            for_s=10,
        ),
    )

    def __init__(self, ground: Ground, instance: str, *, told: Told, truth: str) -> None:
        super().__init__(ground, instance, ["python3", "-m", "services.storefront"], memory="256m")
        self._truth = Truth(self.address, PORT, truth)
        self._login, self._cache = truth, told.cache
        self.with_envs(DSN=told.dsn, ROUTE=told.route, SIGNING_SECRET=told.signing_secret, CACHE=told.cache)
        self.with_envs(PORT=str(PORT), DEFECTS=",".join(sorted(told.defects)))
        self.with_envs(RES_OPTIONS="timeout:1 attempts:2")  # names are on this machine: who waits longer waits in vain

    def not_ready(self) -> str | None:
        """Ready when it says that it can commit."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask whether it can commit."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT))

    def heard_ms(self, peer: str | None) -> Reading:
        """The ways to db_route and to the cache work where it can commit, and where the cache answers it, by its own word.

        Silent where it says no, although those at the other end answer others: else nobody could look.
        """
        return self.answer_ms() if peer is None else look(self.ground.now_ns, CALL_S, lambda asked: self._hears(peer, asked))

    def carried_ms(self, peer: str, size_bytes: int) -> Reading:
        """Ask it how its way to db_route carries that: where it does not answer itself, nobody could look at the way."""
        if peer != "db_route":
            return super().carried_ms(peer, size_bytes)
        at_ns = self.ground.now_ns()
        try:
            status, body = http_get(self.address, PORT, f"/carried/{size_bytes}", self.deadline(CARRIED_S))
            told = json.loads(body) if status == 200 else {}
            value = next((word for word in (SILENT, REFUSED) if word in told), None) or float(told["took_ms"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Reading(at_ns=at_ns, value=None, why=f"{self.instance} does not tell: {error!r}")
        return Reading(at_ns=at_ns, value=value)

    def knock(self, peer: str | None, count: int, within_s: float, deadline: Deadline) -> list[float | None]:
        """Knock; at db_route it does so itself."""
        if peer is None:
            return super().knock(peer, count, within_s, deadline)
        found: list[float | None] = self._trial(f"knocks?count={count}&within_ms={within_s * 1000:.0f}", deadline)
        return found

    def kbytes_per_s(self, peer: str | None) -> Reading:
        """Let it move bytes to the database and back."""
        if peer is None:
            return super().kbytes_per_s(peer)
        return look(self.ground.now_ns, TRY_S, lambda _: self._moved())

    def lookup_ms(self) -> Reading:
        """Let it look up the name of db_route."""
        return look(self.ground.now_ns, 2 * CALL_S, self._looked_up)

    def shown_age_ms(self) -> Reading:
        """Hold a product's page against the database."""
        return look(self.ground.now_ns, 2 * CALL_S, self._truth.look)

    def started(self) -> Reading:
        """Ask since when its process runs."""
        return look(self.ground.now_ns, CALL_S, self._started)

    def _started(self, deadline: Deadline) -> str:
        status, body = http_get(self.address, PORT, "/health", deadline)
        answer = json.loads(body) if status in (200, 503) else {}
        return str(answer["started"]) if "started" in answer else REFUSED

    def _hears(self, peer: str, deadline: Deadline) -> str | None:
        with about(self.instance):
            status, body = http_get(self.address, PORT, "/health/cache" if peer == "cache" else "/health", deadline)
            if status not in (200, 503):
                raise ValueError(f"its health gave {status} {body[:100]!r}")
        return None if status == 200 else self._silent_alone(peer)

    def _silent_alone(self, peer: str) -> str:
        """Give ``silent`` for what did not come from a peer that answers others. Raises ``BlindError``."""
        with about(peer):
            if peer == "cache":
                pong(self._cache.partition(":")[0], self.deadline())
            else:
                query(self._login, "select 1", self.deadline())
        return SILENT

    def _moved(self) -> float | str:
        with about(self.instance):
            status, body = http_get(self.address, PORT, "/trial/rate", self.deadline(MOVED_S))
            if status == 200:
                return float(json.loads(body)["kbytes_per_s"])
            if status not in (503, 504):
                raise ValueError(f"GET /trial/rate gave {status} {body[:100]!r}")
        return self._silent_alone("db_route") if status == 504 else REFUSED

    def _looked_up(self, deadline: Deadline) -> str | None:
        with about(self.instance):
            status, body = http_get(self.address, PORT, "/trial/name", deadline)
            if status not in (200, 503, 504):
                raise ValueError(f"GET /trial/name gave {status} {body[:100]!r}")
        return {200: None, 503: REFUSED, 504: SILENT}[status]

    def _trial(self, what: str, deadline: Deadline) -> Any:
        """Let it try out something by itself, see its ``trial``. Raises ``OSError``, ``ValueError``."""
        status, body = http_get(self.address, PORT, f"/trial/{what}", deadline)
        if status != 200:
            raise ConnectionRefusedError(f"GET /trial/{what} gave {status} {body[:100]!r}")
        return json.loads(body)
