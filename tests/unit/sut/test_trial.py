"""The storefront tries out its own way to the database and to names: what it answers, and what it refuses."""

import asyncio
import json
import socket
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from sut.services import trial
from sut.services.link import CallError, DeclinedError, Link, LostError, UnreachableError
from sut.services.trial import Trial
from sut.services.way import Way

DSN = Way("postgresql://shop@127.0.0.1:1/shop")


def asked(query: str = "") -> Request:
    """Make a request with this query."""
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": query.encode()})


def test_it_knocks_at_the_databases_own_address() -> None:
    response = asyncio.run(Trial(DSN, "localhost").knocks(asked("count=5&within_ms=500")))
    took_ms = json.loads(bytes(response.body))
    assert len(took_ms) == 5
    assert all(isinstance(ms, float) for ms in took_ms)


@pytest.mark.parametrize(
    "query", ["", "count=5", "count=0&within_ms=9", "count=501&within_ms=9", "count=5&within_ms=9999", "count=x&within_ms=9"]
)
def test_no_more_than_a_look_needs_can_be_asked_for(query: str) -> None:
    assert asyncio.run(Trial(DSN, "localhost").knocks(asked(query))).status_code == 400


class Slow:
    """A link on which a piece takes some time, and which breaks after some pieces."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, piece_s: float, breaks_after: int = 1000) -> None:
        self.pieces = 0

        async def call(_self: Link, _kind: str, _statement: str, text: str, **_: float) -> list[Any]:
            if text:
                await asyncio.sleep(piece_s)
                if self.pieces == breaks_after:
                    raise LostError("gone")
                self.pieces += 1
            return []

        monkeypatch.setattr(Link, "call", call)


def rate() -> Response:
    """Ask for it."""
    return asyncio.run(Trial(DSN, "localhost").rate(asked()))


def test_the_rate_is_what_passed_in_a_second_or_less(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, piece_s=0.2)
    kbytes_per_s = json.loads(bytes(rate().body))["kbytes_per_s"]
    assert 25 < kbytes_per_s <= 40, "8 kbytes in 0.2 s"
    assert 4 <= slow.pieces <= 6


def test_a_fast_link_is_not_filled_for_a_whole_second(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, piece_s=0.0)
    assert json.loads(bytes(rate().body))["kbytes_per_s"] > 1000
    assert slow.pieces * trial.PIECE_KBYTES == trial.MOST_KBYTES


def test_what_broke_half_way_counts_what_passed_and_nothing_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    Slow(monkeypatch, piece_s=0.05, breaks_after=2)
    assert 50 < json.loads(bytes(rate().body))["kbytes_per_s"] < 110
    monkeypatch.setattr(trial, "PIECE_S", 0.1)
    Slow(monkeypatch, piece_s=0.15, breaks_after=0)
    assert rate().status_code == 504


@pytest.mark.parametrize("failure", [UnreachableError("ConnectionRefusedError"), DeclinedError("57P03 starting up")])
def test_a_database_that_says_no_is_no_silence(failure: CallError, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link too narrow lets nothing come in time; that somebody refused came in time."""

    async def call(*_: object, **__: float) -> list[Any]:
        raise failure

    monkeypatch.setattr(Link, "call", call)
    assert rate().status_code == 503
    Slow(monkeypatch, piece_s=0.0, breaks_after=0)
    assert rate().status_code == 503, "a connection that broke at once"


def test_no_connection_in_time_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(*_: object, **__: float) -> list[Any]:
        error = UnreachableError("TimeoutError")
        error.__context__ = TimeoutError()
        raise error

    monkeypatch.setattr(Link, "call", call)
    assert rate().status_code == 504


def test_a_name_is_found_or_not() -> None:
    assert asyncio.run(Trial(DSN, "localhost").lookup(asked())).status_code == 200
    assert asyncio.run(Trial(DSN, "no such name").lookup(asked())).status_code == 503


def test_while_a_lookup_has_not_returned_no_other_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else they would pile up for as long as nobody answers; what it says at last counts."""
    monkeypatch.setattr(trial, "NAME_S", 0.05)
    begun = list[str]()

    async def story() -> list[int]:
        answers = asyncio.Event()

        async def getaddrinfo(name: str, _port: None) -> list[Any]:
            begun.append(name)
            await answers.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answered")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        one = Trial(DSN, "db_route")
        said = [(await one.lookup(asked())).status_code for _ in range(3)]
        answers.set()
        return [*said, (await one.lookup(asked())).status_code]

    assert asyncio.run(story()) == [504, 504, 504, 503]
    assert begun == ["db_route"]
