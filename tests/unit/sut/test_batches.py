"""The order writer against a tiny shop kept in memory, and against links that fail in every way."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

import pytest

from sut.services import batches as module
from sut.services import sql
from sut.services.batches import Batches
from sut.services.link import CallError, DeclinedError, Link, LostError, UnreachableError
from sut.services.orders import Answer
from sut.services.pulse import Pulse
from sut.services.way import Way

ONE = (("A", 1),)


class MemoryLink:
    """Does in Python what the statements do in the database; fails first with each of ``failures``, in order."""

    def __init__(self, stock: dict[str, int], *failures: CallError) -> None:
        self.stock = stock
        self.placed: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, int]] = []
        self.failures = list(failures)
        self.told: list[list[int | None]] = []

    async def call(self, kind: str, _statement: str, *arguments: Any) -> list[Any]:
        """Run one statement, as a link does."""
        await asyncio.sleep(0)
        self.calls.append((kind, len(arguments[0])))
        if self.failures:
            raise self.failures.pop(0)
        if kind == "replay":
            return [self.placed[key] for key in arguments[0] if key in self.placed]
        return self._place(*arguments)

    def _place(
        self,
        keys: list[str],
        hashes: list[str],
        numbers: list[int],
        skus: list[str],
        qtys: list[int],
        *told: list[int | None],
    ) -> list[dict[str, Any]]:
        self.told += told
        lines = list(zip(numbers, skus, qtys, strict=True))
        asked = dict.fromkeys(self.stock, 0)
        short = set()
        for o, sku, n in lines:
            asked[sku] = asked.get(sku, 0) + n
            if asked[sku] > self.stock.get(sku, -1):
                short.add(o)
        ids: dict[int, int] = {}
        for o, (key, body_hash) in enumerate(zip(keys, hashes, strict=True), start=1):
            if o in short or key in self.placed:
                continue
            mine = [(sku, n) for number, sku, n in lines if number == o]
            for sku, n in mine:
                self.stock[sku] -= n
            ids[o] = len(self.placed) + 1
            own_skus, own_qtys = zip(*mine, strict=True)
            row = {"id": ids[o], "key": key, "body_hash": body_hash}
            self.placed[key] = {**row, "skus": own_skus, "qtys": own_qtys, "prices": [100] * len(mine)}
        return [
            {
                "o": o,
                "sku": sku,
                "price_cents": 100 if sku in self.stock else None,
                "remaining": self.stock.get(sku),
                "id": ids.get(o),
            }
            for o, sku, _ in lines
        ]


def place_all(
    link: MemoryLink, *orders: tuple[str, tuple[tuple[str, int], ...]], defects: Collection[str] = ()
) -> list[Answer]:
    async def story() -> list[Answer]:
        batches = Batches(link, Pulse(Link(Way(""))), defects)
        tasks = [asyncio.create_task(forever()) for forever in (batches.write, batches.sweep)]
        try:
            return await asyncio.wait_for(asyncio.gather(*(batches.place(key, lines) for key, lines in orders)), 10)
        finally:
            for task in tasks:
                task.cancel()

    return asyncio.run(story())


def statuses(answers: list[Answer]) -> list[int]:
    return [status for status, _ in answers]


def test_orders_that_wait_together_travel_together() -> None:
    link = MemoryLink({"A": 1_000})
    answers = place_all(link, *((f"k{n}", ONE) for n in range(300)))
    assert statuses(answers) == [201] * 300
    assert link.calls == [("order", 256), ("order", 44)]
    assert answers[0][1] == {"order_id": 1, "amount_cents": 100, "lines": [{"sku": "A", "qty": 1, "price_cents": 100}]}


def test_the_last_piece_is_sold_once() -> None:
    link = MemoryLink({"A": 1})
    answers = place_all(link, ("k1", ONE), ("k2", ONE), ("k3", ONE))
    assert answers[0][0] == 201
    assert answers[1:] == [(409, {"refused": "sold_out", "sku": "A"})] * 2
    assert link.stock == {"A": 0}


def test_an_order_that_lost_only_to_a_refused_one_goes_again() -> None:
    """The first wants the last A and a B that is sold out; it is refused whole, and the A is still there for the second."""
    link = MemoryLink({"A": 1, "B": 0})
    answers = place_all(link, ("k1", (("A", 1), ("B", 1))), ("k2", ONE))
    assert answers[0] == (409, {"refused": "sold_out", "sku": "B"})
    assert answers[1][0] == 201
    assert link.stock == {"A": 0, "B": 0}


def test_the_same_key_at_once_is_one_order_and_both_get_its_answer() -> None:
    link = MemoryLink({"A": 9})
    first, second = place_all(link, ("k", ONE), ("k", ONE))
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert link.stock == {"A": 8}


def test_the_same_key_with_another_body_is_refused() -> None:
    answers = place_all(MemoryLink({"A": 9}), ("k", ONE), ("k", (("A", 2),)))
    assert answers[1] == (409, {"refused": "key_reused"})


def test_an_unknown_product_is_refused_and_spoils_no_neighbour() -> None:
    answers = place_all(MemoryLink({"A": 9}), ("k1", (("X", 1),)), ("k2", ONE))
    assert answers[0] == (404, {"refused": "unknown_sku", "sku": "X"})
    assert answers[1][0] == 201


@pytest.mark.parametrize(("failure", "status"), [(DeclinedError("25006"), 503), (LostError("reset"), 504)])
def test_a_failed_batch_is_refused_only_with_proof(failure: CallError, status: int) -> None:
    assert statuses(place_all(MemoryLink({"A": 9}, failure), ("k", ONE))) == [status]


def test_a_batch_that_could_not_be_sent_is_sent_later() -> None:
    link = MemoryLink({"A": 9}, UnreachableError("refused"), UnreachableError("refused"))
    assert statuses(place_all(link, ("k", ONE))) == [201]


def test_who_was_never_sent_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.2)
    link = MemoryLink({"A": 9}, *[UnreachableError("refused")] * 100)
    assert place_all(link, ("k", ONE)) == [(503, {"refused": "database"})]
    assert not link.placed


def test_who_waits_for_a_slow_connection_is_refused_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeper sees only the queue; these orders are nearly always in the writer's hands."""

    class Slow(MemoryLink):
        async def call(self, _kind: str, _statement: str, *_arguments: Any) -> list[Any]:
            await asyncio.sleep(0.3)
            raise UnreachableError("TimeoutError")

    monkeypatch.setattr(module, "WAIT_S", 0.1)
    monkeypatch.setattr(module, "SWEEP_S", 1_000.0)
    assert place_all(Slow({"A": 9}), ("k", ONE)) == [(503, {"refused": "database"})]


def test_an_order_whose_replay_cannot_be_read_is_unknown() -> None:
    """It was not placed now, yet its key may have been placed before."""

    class Unreadable(MemoryLink):
        async def call(self, kind: str, _statement: str, *arguments: Any) -> list[Any]:
            if kind == "replay":
                raise UnreachableError("refused")
            return await super().call(kind, _statement, *arguments)

    link = Unreadable({"A": 0})
    assert statuses(place_all(link, ("k", ONE))) == [504]


def test_a_full_queue_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    answers = place_all(MemoryLink({"A": 9}), *((f"k{n}", ONE) for n in range(3)))
    assert statuses(answers) == [201, 201, 503]


def test_a_shop_that_sheds_nobody_lets_everybody_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    monkeypatch.setattr(module, "WAIT_S", 0.1)
    link = MemoryLink({"A": 9}, *[UnreachableError("refused")] * 4)
    assert statuses(place_all(link, *((f"k{n}", ONE) for n in range(3)), defects={"no_shedding"})) == [201] * 3


def test_a_bug_in_a_batch_leaves_nobody_waiting_and_the_writer_alive() -> None:
    class Buggy(MemoryLink):
        async def call(self, kind: str, _statement: str, *arguments: Any) -> list[Any]:
            if not self.calls:
                self.calls.append((kind, 0))
                raise ZeroDivisionError
            return await super().call(kind, _statement, *arguments)

    link = Buggy({"A": 9})
    assert statuses(place_all(link, ("k1", ONE))) == [504]
    assert statuses(place_all(link, ("k2", ONE))) == [201]


def test_defect_no_idempotency_ignores_what_was_placed_before() -> None:
    class Forgetful(MemoryLink):
        def _place(self, keys: list[str], *rest: Any) -> list[dict[str, Any]]:
            return super()._place([f"{key}/{n}" for n, key in enumerate(keys)], *rest)

    link = Forgetful({"A": 9})
    answers = place_all(link, ("k", ONE), ("k", ONE), defects={"no_idempotency"})
    assert statuses(answers) == [201, 201]
    assert link.stock == {"A": 7}


def test_defect_ack_before_commit_promises_and_forgets() -> None:
    async def story() -> tuple[Answer, Answer, MemoryLink]:
        link = MemoryLink({"A": 9})
        batches = Batches(link, Pulse(Link(Way(""))), {"ack_before_commit"})
        writer: Coroutine[Any, Any, None] = batches.write()
        task = asyncio.create_task(writer)
        first = await batches.place("k1", ONE)  # learns the price
        link.failures = [UnreachableError("refused")]
        second = await batches.place("k2", ONE)
        while link.failures:  # noqa: ASYNC110 -- bounded by the wait_for below
            await asyncio.sleep(0.01)
        await batches.place("k3", ONE)
        await asyncio.sleep(0.2)
        task.cancel()
        return first, second, link

    first, second, link = asyncio.run(asyncio.wait_for(story(), 10))
    assert (first[0], second[0]) == (201, 201)
    assert "k1" in link.placed
    assert "k2" not in link.placed


@pytest.mark.parametrize("defects", [(), ("price_from_cache",)])
def test_defect_price_from_cache_tells_the_database_what_was_shown(defects: Collection[str]) -> None:
    """For each line of each order in the batch; nothing where nothing was shown. A good shop never asks what was shown."""
    asked: list[str] = []

    async def shown_cents(sku: str) -> int | None:
        asked.append(sku)
        return {"A": 1}.get(sku)

    async def story() -> MemoryLink:
        link = MemoryLink({"A": 9, "B": 9})
        batches = Batches(link, Pulse(Link(Way(""))), defects, shown_cents)
        writer: Coroutine[Any, Any, None] = batches.write()
        task = asyncio.create_task(writer)
        answers = await asyncio.gather(batches.place("k1", (("A", 1), ("B", 1))), batches.place("k2", (("B", 2),)))
        task.cancel()
        assert statuses(list(answers)) == [201, 201]
        return link

    link = asyncio.run(asyncio.wait_for(story(), 10))
    assert (link.told, asked) == (([[1, None, None]], ["A", "B", "B"]) if defects else ([], []))


def test_defects_change_the_statement_only_where_they_spoil_it() -> None:
    good = sql.place(())
    assert "no key update" in good
    assert "on conflict" in good
    assert "on conflict" not in sql.place({"no_idempotency"})
    assert "no key update" not in sql.place({"oversell"})
    assert sql.place({"ack_before_commit"}) == good
    assert "$6" not in good
    assert "coalesce(told_cents, price_cents)" in sql.place({"price_from_cache"})
