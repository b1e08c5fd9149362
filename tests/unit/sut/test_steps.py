"""What shoppers do is written into their logs: the request, the route, what an answer proves. And two bad shops' orders."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Tracked
from sut.services.batches import Batches
from sut.services.link import CallError, Links, LostError, UnreachableError
from sut.services.orders import Answer
from sut.services.settings import Settings
from sut.services.sql import EVENT
from sut.services.storefront import Storefront
from sut.shopper import OneCallShopper
from tests.asgi import PAINTED, ask

SETTINGS = Settings(
    dsn="postgresql://shop@127.0.0.1:1/shop", route="localhost", signing_secret="s", port=8080, defects=frozenset()
)
SHOPPER = OneCallShopper("r", 1)
STEP = SHOPPER.step(5)
ORDER = json.dumps({"lines": [{"sku": "A", "qty": 1}, {"sku": "B", "qty": 1}]}).encode()
Calls = list[tuple[object, ...]]


def calling(
    monkeypatch: pytest.MonkeyPatch, error: CallError | None = None, rows: Sequence[Mapping[str, str]] = ()
) -> Calls:
    """Let no call reach a database, each be answered by ``rows``; give those that were made."""
    seen: Calls = []

    async def call(_self: Links, kind: str, statement: str, *arguments: object, limit_s: float) -> Any:
        assert limit_s <= 1.0
        seen.append((kind, statement, *arguments))
        if error is not None:
            raise error
        return list(rows)

    monkeypatch.setattr(Links, "call", call)
    return seen


def test_a_step_is_written_into_the_log_of_its_shopper_and_known_by_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(SHOPPER, Tracked)
    seen = calling(monkeypatch)
    status, _, body = ask(Storefront(SETTINGS, PAINTED).app(), STEP.method, STEP.path, STEP.body, dict(STEP.headers))
    told = json.loads(STEP.body)
    assert (status, seen) == (201, [("event", EVENT, int(STEP.path.split("/")[2]), told["kind"], told["sku"])])
    assert SHOPPER.judge_read(STEP, status, body).fate == ACKNOWLEDGED
    assert SHOPPER.judge_read(STEP, 200, body).fate == UNKNOWN
    other = next(one for seq in range(9) if (one := SHOPPER.step(seq)).path != STEP.path)
    assert SHOPPER.judge_read(other, status, body).fate == UNKNOWN, "an answer about somebody else"
    assert SHOPPER.judge_read(replace(STEP, body=b'{"kind": "viewed", "sku": "B"}'), status, body).fate == UNKNOWN


@pytest.mark.parametrize(
    ("error", "status", "fate"), [(UnreachableError("busy"), 503, REFUSED), (LostError("reset"), 504, UNKNOWN)]
)
def test_a_step_that_was_not_surely_written_is_not_called_so(
    error: CallError, status: int, fate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calling(monkeypatch, error)
    answered, _, body = ask(Storefront(SETTINGS, PAINTED).app(), STEP.method, STEP.path, STEP.body, dict(STEP.headers))
    assert (answered, SHOPPER.judge_read(STEP, answered, body).fate) == (status, fate)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/shoppers/0/events", STEP.body, 404),
        ("/shoppers/999999/events", STEP.body, 404),
        ("/shoppers/7/events", b"?", 400),
        ("/shoppers/7/events", b"[]", 400),
        ("/shoppers/7/events", b'{"kind": "stolen", "sku": "A"}', 400),
        ("/shoppers/7/events", b'{"kind": [], "sku": "A"}', 400),
        ("/shoppers/7/events", b'{"kind": "viewed", "sku": "a b"}', 400),
    ],
)
def test_what_is_no_step_reaches_no_database(path: str, body: bytes, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calling(monkeypatch)
    assert ask(Storefront(SETTINGS, PAINTED).app(), "POST", path, body)[0] == status
    assert seen == []


@pytest.mark.parametrize(
    ("defect", "calls", "sleeps"),
    [("n_plus_one", ["product", "list"] * 2, 0), ("sync_sleep", [], 1), ("", [], 0)],
)
def test_two_bad_shops_do_more_for_an_order_than_it_needs(
    defect: str, calls: list[str], sleeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, slept = calling(monkeypatch, rows=[{"category": "CAT-01"}]), list[float]()

    async def place(_self: Batches, _key: str, _lines: tuple[tuple[str, int], ...]) -> Answer:
        return 201, {}

    monkeypatch.setattr(Batches, "place", place)
    monkeypatch.setattr("time.sleep", slept.append)
    shop = Storefront(replace(SETTINGS, defects=frozenset({defect})), PAINTED).app()
    assert ask(shop, "POST", "/orders", ORDER, {"Idempotency-Key": "k"})[0] == 201
    assert [one[0] for one in seen] == calls
    assert slept == [0.005] * sleeps
