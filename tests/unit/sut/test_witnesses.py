"""Witnesses of links: they call one silent only where both its ends answer, and where somebody is ill they cannot tell."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.model import REFUSED, SILENT, Reading
from sut.components import ask, cache, cdn_a, cdn_b, edge, lb, storefront
from sut.components.ask import Deadline
from sut.components.edge import BEYOND, ELSEWHERE, OWN_PORT, PORT, Edge
from sut.components.storefront import Storefront

EDGE, ORIGIN, FRONT = "198.18.7.17", "198.18.7.16", "198.18.7.14"
TOLD = b"at 1795892927792\nline 00\n"
WELL = (200, b"well\n")
GONE = ConnectionRefusedError("nobody listens")
LATE = TimeoutError("the deadline has passed")
Answer = tuple[int, bytes] | Exception
Asked = tuple[str, int, str]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[Asked, Answer]], None]:
    """Let a table answer every GET; what is not in it refuses."""

    def answer(answers: Mapping[Asked, Answer]) -> None:
        def get(address: str, port: int, path: str, _: Deadline) -> tuple[int, bytes]:
            answer = answers.get((address, port, path), GONE)
            if isinstance(answer, Exception):
                raise answer
            return answer

        for module in (ask, edge, storefront):
            monkeypatch.setattr(module, "http_get", get)

    return answer


class SomeEdge(Edge):
    """An edge that is only asked."""

    def __init__(self) -> None:
        self.ground = cast("Any", SimpleNamespace(now_ns=int))
        self.instance, self.address, self._origin = "cdn_a", EDGE, ORIGIN


def heard(beyond: Answer, own: Answer = WELL, origin: Answer = (200, TOLD)) -> Mapping[Asked, Answer]:
    """Say how an edge answers that tells shoppers 503 whatever they ask, and how those around it do."""
    return {
        (EDGE, PORT, lb.NOW): (503, b""),
        (EDGE, OWN_PORT, BEYOND): beyond,
        (EDGE, OWN_PORT, "/health"): own,
        (ORIGIN, lb.PORT, lb.NOW): origin,
    }


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (heard((502, b"")), SILENT),
        (heard((504, b"")), SILENT),
        (heard(LATE), SILENT),
        (heard((200, TOLD)), 0.0),
        (heard((503, b"")), None),
        (heard((500, b"")), None),
        (heard((200, ELSEWHERE.encode())), None),
        (heard(GONE, own=GONE), None),
        (heard(LATE, own=LATE), None),
        (heard((504, b""), origin=LATE), None),
        (heard((504, b""), origin=GONE), None),
        (heard((502, b""), origin=(503, b"")), None),
    ],
)
def test_the_link_of_an_edge_is_silent_only_where_edge_and_balancer_answer(
    answers: Mapping[Asked, Answer], value: float | str | None, web: Callable[[Mapping[Asked, Answer]], None]
) -> None:
    """An edge that tells shoppers 503, one that is dead or frozen, a balancer that is: none of them is a cut."""
    web(answers)
    seen = SomeEdge().heard_ms("lb")
    assert seen.value == value
    assert (seen.why is None) == (value is not None)


def test_an_edge_fetches_what_is_beyond_it_whatever_it_is_told_to_answer_shoppers() -> None:
    """On its own port, never from what it keeps, and none of its wrong ways touches that."""
    for how in ("status", "body", "stale", "truncated", "slow"):
        text = cdn_a.settings("cdn_a", ORIGIN, cdn_a._wrong(how, 500))
        shoppers, _, own = text.partition(f"listen {OWN_PORT};")
        assert f"location = {BEYOND} {{ proxy_pass http://origin{lb.NOW}; }}" in own
        assert "proxy_cache" not in own
        assert cdn_a._wrong(how, 500) in shoppers
        wrong = cdn_b._wrong(how, 500)
        assert wrong.count("sub vcl_recv") == wrong.count('sub vcl_recv { if (local.socket != "own"') + wrong.count(
            'sub vcl_recv {\n    if (local.socket != "own"'
        )
        assert cdn_b.settings("cdn_b", ORIGIN, wrong).count(f'req.url == "{BEYOND}"') == 1


class SomeStorefront(Storefront):
    """A storefront that is only asked."""

    def __init__(self) -> None:
        self.ground = cast("Any", SimpleNamespace(now_ns=int))
        self.instance, self.address, self._login, self._cache = "storefront-1", FRONT, "login", "198.18.7.9:6379"


def hears(peer: str) -> Reading:
    return SomeStorefront().heard_ms(peer)


@pytest.mark.parametrize(("peer", "path"), [("db_route", "/health"), ("cache", "/health/cache")])
@pytest.mark.parametrize(
    ("said", "other", "value"),
    [
        ((200, b""), GONE, 0.0),
        ((503, b""), None, SILENT),
        ((503, b""), GONE, None),
        ((503, b""), LATE, None),
        ((404, b""), None, None),
        (GONE, None, None),
        (LATE, None, None),
    ],
)
def test_the_links_of_a_storefront_are_silent_only_where_it_says_so_and_the_peer_answers_others(  # noqa: PLR0917 -- fixtures, too
    peer: str,
    path: str,
    said: Answer,
    other: Exception | None,
    value: float | str | None,
    web: Callable[[Mapping[Asked, Answer]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web({(FRONT, storefront.PORT, path): said})
    asked = peer_answers(monkeypatch, other)
    seen = hears(peer)
    assert seen.value == value
    assert (seen.why is None) == (value is not None)
    assert asked == ([] if said != (503, b"") else ["login"] if peer == "db_route" else ["198.18.7.9"])


def peer_answers(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> list[str]:
    """Let those at the other ends answer, or not; give whom they were asked by."""
    asked = list[str]()

    def ask_it(whom: str, *_: object) -> list[tuple[str, ...]]:
        asked.append(whom)
        if error is not None:
            raise error
        return [("1",)]

    monkeypatch.setattr(storefront, "query", ask_it)
    monkeypatch.setattr(storefront, "pong", ask_it)
    return asked


@pytest.mark.parametrize(
    ("said", "other", "value"),
    [
        ((200, json.dumps({"kbytes_per_s": 48.5}).encode()), GONE, 48.5),
        ((504, b""), None, SILENT),
        ((504, b""), LATE, None),
        ((503, b""), None, REFUSED),
        ((500, b""), None, None),
        ((200, b"?"), None, None),
        (GONE, None, None),
        (LATE, None, None),
    ],
)
def test_bytes_are_silent_only_where_a_storefront_that_answers_says_so_and_the_database_answers_others(
    said: Answer,
    other: Exception | None,
    value: float | str | None,
    web: Callable[[Mapping[Asked, Answer]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a database that is lost would pass for a link too slow to carry anything."""
    web({(FRONT, storefront.PORT, "/trial/rate"): said})
    peer_answers(monkeypatch, other)
    assert SomeStorefront().kbytes_per_s("db_route").value == value


@pytest.mark.parametrize(
    ("said", "value"),
    [((200, b"{}"), 0.0), ((504, b""), SILENT), ((503, b"{}"), REFUSED), ((500, b""), None), (GONE, None), (LATE, None)],
)
def test_names_are_gone_only_where_a_storefront_that_answers_says_so(
    said: Answer, value: float | str | None, web: Callable[[Mapping[Asked, Answer]], None]
) -> None:
    web({(FRONT, storefront.PORT, "/trial/name"): said})
    assert SomeStorefront().lookup_ms().value == value


def test_a_cache_answers_a_ping_or_is_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_told", lambda *_: [b"PONG"])
    cache.pong("198.18.7.9", cast("Any", None))
    monkeypatch.setattr(cache, "_told", lambda *_: [b"LOADING"])
    with pytest.raises(ValueError, match="LOADING"):
        cache.pong("198.18.7.9", cast("Any", None))
