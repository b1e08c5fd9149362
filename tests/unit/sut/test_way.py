"""The way to the database: where names are gone, the last address that was known holds."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from sut.services.link import Link, UnreachableError
from sut.services.way import Way

DSN = "postgresql://shop:s3cret@db_route:20002/shop"
ADDRESS = "198.18.0.13"
Answer = Callable[[], Any]


class Resolver:
    """Stands for the resolver of names; ``answer`` is what comes of each question."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def getaddrinfo(self, host: str, port: None) -> Any:
        """Answer, or do not."""
        del port
        self.asked.append(host)
        return await self.answer()


async def found() -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESS, 0))]


async def silent() -> Any:
    await asyncio.sleep(30)


async def unknown() -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def told(monkeypatch: pytest.MonkeyPatch, way: Way, *answers: Answer) -> list[str]:
    """Ask for the address once for each answer of the resolver; the address, or what was raised."""

    async def story() -> list[str]:
        resolver, said = Resolver(found), list[str]()
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo)
        for answer in answers:
            resolver.answer = answer
            try:
                said.append(await way.address())
            except OSError as error:
                said.append(type(error).__name__)
        assert set(resolver.asked) == {"db_route"}
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return said

    return asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize(("gone", "why"), [(silent, "TimeoutError"), (unknown, "gaierror")])
def test_while_names_are_gone_the_last_address_holds(gone: Answer, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Way(DSN), found, gone, gone) == [ADDRESS] * 3
    assert told(monkeypatch, Way(DSN), gone) == [why], "it was never known"


@pytest.mark.parametrize(("gone", "why"), [(silent, "TimeoutError"), (unknown, "gaierror")])
def test_in_the_bad_shop_there_is_no_way_without_names(gone: Answer, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Way(DSN, remembers=False), found, gone) == [ADDRESS, why]


def test_a_new_address_replaces_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def moved() -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.18.0.99", 0))]

    assert told(monkeypatch, Way(DSN), found, moved, unknown) == [ADDRESS, "198.18.0.99", "198.18.0.99"]


def test_a_question_that_nobody_answers_is_not_asked_twice_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> int:
        resolver, way = Resolver(silent), Way(DSN)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo)
        await asyncio.gather(*(way.address() for _ in range(20)), return_exceptions=True)
        await asyncio.gather(way.address(), return_exceptions=True)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return len(resolver.asked)

    assert asyncio.run(asyncio.wait_for(story(), 10)) == 1


def test_a_link_connects_to_that_address_and_is_unreachable_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, int]] = []

    async def connect(dsn: str, *, host: str, port: int, **_: object) -> Any:
        asked.append((dsn, host, port))
        raise ConnectionRefusedError

    class Known(Way):
        async def address(self) -> str:
            return ADDRESS

    class Unknown(Way):
        async def address(self) -> str:
            raise TimeoutError

    monkeypatch.setattr("sut.services.link.asyncpg.connect", connect)
    for way in (Known(DSN), Unknown(DSN)):
        with pytest.raises(UnreachableError):
            asyncio.run(Link(way).call("way", "select 1"))
    assert asked == [(DSN, ADDRESS, 20002)]
