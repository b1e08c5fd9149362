"""A real browser looks at a little shop: one that is fast, one that never paints, one with a broken picture, and others."""

import asyncio
import base64
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.browser.onlooker import Onlooker
from harness.browser.record import SHOT_BYTES, read, shots
from harness.browser.spec import BrowserSpec
from harness.errors import SetupError
from harness.model import Doubt
from harness.views import BROKEN, CRASHED, NO_PICTURE, STATUS, UNDECODED, UNPAINTED, UNREACHED, Views
from tests.integration.flights import awaited
from tests.integration.little_server import Reply, Server, half, reset
from tests.integration.test_load_over_tls import Authority, authority

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EDGES, S = ("cdn_a", "cdn_b"), 1_000_000_000
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==")
TINY = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" width=1 height=1>'


def page(body: str, picture: bytes = DOT, status: str = "200 OK") -> Reply:
    """Make a shop whose page and picture are these; whoever comes with the cookie of an edge is served by it."""

    def reply(shop: Server, request: bytes, writer: asyncio.StreamWriter) -> None:
        words = request.split()
        edge = re.search(rb"edge=(\w+)", request)
        by = edge[1].decode() if edge else "nobody"
        shop.keys[f"{words[1].decode()} {by} {'no-cache' in request.decode().lower()}".encode()] += 1
        kind, data = ("text/html", f"<!doctype html>{body}".encode()) if words[1] == b"/p/1" else ("image/png", picture)
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nX-Served-By: {by}\r\nCache-Control: max-age=600\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    return reply


GOOD = page(f"<h1>A kettle</h1>{TINY}<img src=/picture.png width=600 height=400>")
BAD = {  # what is wrong → the shop, what is said of it, whether its first paint is known
    "broken picture": (page("<h1>A kettle</h1><img src=/picture.png width=600 height=400>", DOT[:40]), BROKEN, True),
    "no picture": (page("<h1>Welcome</h1><p>This is not the shop."), NO_PICTURE, True),
    "an error that paints fast": (
        page("<h1>Sorry</h1><img src=/picture.png width=600 height=400>", status="503 Sorry"),
        STATUS,
        False,
    ),
    "reset": (reset, UNREACHED, False),
    "nothing to paint": (page("<img src=/picture.png width=600 height=400 style='opacity:0'>"), UNPAINTED, False),
}


def spec_for(folder: Path, url: str, **other: str) -> BrowserSpec:
    """Look at a little shop."""
    spec = BrowserSpec(
        zero_ns=time.monotonic_ns(),
        url=url,
        path="/p/1",
        cookie="edge",
        edges=EDGES,
        record=str(folder / "screens.jsonl"),
        shots=str(folder / "screens"),
        home=str(folder / "browser"),
        shots_s=(0.0,),
    )
    return replace(spec, **other)  # type: ignore[arg-type]  # texts


@contextmanager
def looking(spec: BrowserSpec) -> Iterator[tuple[Onlooker, int]]:
    """Have a browser look from now on; give it, and when it began."""
    one = Onlooker.start(spec)
    try:
        begin_ns = time.monotonic_ns() - spec.zero_ns
        one.begin(begin_ns)
        yield one, begin_ns
    finally:
        one.kill()


def seen(folder: Path, url: str, seconds: float, **other: str) -> tuple[Views, tuple[Doubt, ...]]:
    """Look at a shop for so long; give what was seen."""
    spec = spec_for(folder, url, **other)
    with looking(spec) as (one, begin_ns):
        until_ns = begin_ns + int(seconds * S)
        one.stop_at(until_ns)
        one.finish(seconds + 15)
        return read(Path(spec.record), EDGES, begin_ns, until_ns)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "trusted")


def test_a_good_shop_is_seen_soon_each_time_from_nothing(tmp_path: Path, trusted: Authority) -> None:
    """By https, proved by the run's own authority; with the cookie of each edge by turns; nothing cached, nothing forced."""
    with Server(GOOD, tls=trusted.server) as shop:
        views, doubts = seen(tmp_path, shop.url, 7.5, ca=trusted.ca)
    assert doubts == ()
    assert views.error.tolist() == [""] * 4
    assert views.served.tolist() == ["cdn_a", "cdn_b"] * 2
    assert (views.shown_ms < 2000).all()
    assert (views.fcp_ms > 0).all()
    assert {key: count for key, count in shop.keys.items() if b"favicon" not in key} == {
        f"{path} {edge} False".encode(): 2 for path in ("/p/1", "/picture.png") for edge in EDGES
    }
    taken = shots(tmp_path / "screens", views)
    assert sorted(taken) == [0, 1]
    assert all(png.startswith(b"\x89PNG") and len(png) < SHOT_BYTES for png in taken.values())
    assert not (tmp_path / "browser").exists()


@pytest.mark.parametrize("why", BAD)
def test_what_is_no_good_page_never_shows_its_first_screen(tmp_path: Path, why: str) -> None:
    reply, error, painted = BAD[why]
    with Server(reply) as shop:
        views, doubts = seen(tmp_path, shop.url, 1.0)
    assert doubts == ()
    assert views.error.tolist() == [error]
    assert np.isinf(views.shown_ms).all()
    assert np.isfinite(views.fcp_ms).all() == painted


def test_a_picture_that_ends_too_soon_is_not_decoded(tmp_path: Path) -> None:
    def cut(shop: Server, request: bytes, writer: asyncio.StreamWriter) -> None:
        (GOOD if b"/p/1 " in request else half)(shop, request, writer)

    with Server(cut) as shop:
        views, _ = seen(tmp_path, shop.url, 1.0)
    assert views.error[0] in (BROKEN, UNDECODED)


def test_a_shop_that_hangs_is_given_up_and_what_it_cost_is_left_open(tmp_path: Path) -> None:
    with Server(GOOD) as shop:
        shop.freeze()
        views, doubts = seen(tmp_path, shop.url, 8.5)
        shop.thaw()
    assert doubts == ()
    assert views.error[0] == UNREACHED
    assert np.isinf(views.shown_ms).all()
    assert views.known.tolist().count(True) < len(views) == 5


def test_whom_another_authority_vouches_for_is_not_looked_at(tmp_path: Path, trusted: Authority) -> None:
    stranger = authority(tmp_path / "stranger")
    with Server(GOOD, tls=stranger.server) as shop, pytest.raises(SetupError, match="certificate verify failed"):
        seen(tmp_path, shop.url, 1.0, ca=trusted.ca)
    assert shop.requests == 0
    assert not (tmp_path / "browser").exists()


def test_a_browser_that_is_killed_has_crashed_and_says_nothing_of_the_shop(tmp_path: Path) -> None:
    with Server(GOOD) as shop, looking(spec_for(tmp_path, shop.url)) as (one, begin_ns):
        awaited(lambda: (tmp_path / "screens.jsonl").stat().st_size > 0, 10, "a first load")
        (browser,) = [pid for pid in one.pids() if _is_main(pid)]
        os.kill(browser, signal.SIGKILL)
        until_ns = begin_ns + 6 * S
        one.stop_at(until_ns)
        one.finish(20)
        views, doubts = read(tmp_path / "screens.jsonl", EDGES, begin_ns, until_ns)
    assert doubts == ()
    assert views.error[0] == ""
    assert CRASHED in views.error[1:].tolist()
    assert views.known.tolist() == [True, False, False]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_main(pid: int) -> bool:
    return b"--remote-debugging-pipe" in _words(pid) and b"--type=" not in _words(pid)


def test_nothing_is_left_of_a_browser_whose_keeper_died(tmp_path: Path) -> None:
    with Server(GOOD) as shop, looking(spec_for(tmp_path, shop.url)) as (one, _):
        session = one.pids()
        assert len(session) > 3
        one.kill()
        awaited(lambda: not [pid for pid in session if _words(pid)], 10, "the end of every process of the browser")


def test_it_ends_by_itself_when_the_harness_has_died(tmp_path: Path) -> None:
    """All that the child knows of the harness is the pipe that it hears it by."""
    with Server(GOOD) as shop, looking(spec_for(tmp_path, shop.url)) as (one, _):
        session, child = one.pids(), one._child
        assert child.stdin is not None
        child.stdin.close()
        awaited(lambda: child.poll() is not None, 15, "the end of the child")
        assert child.returncode == 3
        awaited(lambda: not [pid for pid in session if _words(pid)], 10, "the end of every process of the browser")
        assert not (tmp_path / "browser").exists()


def test_a_browser_that_does_not_come_up_is_told_before_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\necho no display >&2\nexit 7\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SetupError, match="no display"):
        Onlooker.start(spec_for(tmp_path, "http://127.0.0.1:1"))
