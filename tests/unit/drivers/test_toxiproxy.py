"""Toxics on a link: put on, read back, and taken off again, whatever the server does."""

import json
import shlex
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import toxiproxy as library

from harness.capabilities import Toxic
from harness.clock import S, monotonic_ns
from harness.drivers import toxiproxy
from harness.drivers.toxiproxy import LinkPowers, deviations, untoxic
from harness.errors import ControlError
from harness.model import Break, Undo
from tests.fake_toxiproxy import FakeToxiproxy

LINK = "storefront->db_route"
UNDO = Undo(verb="untoxic", on="c1", args={"instance": "toxiproxy", "link": LINK})
# the fault's own parameters → what Toxiproxy is to have: type, ways, attributes
ASKED: dict[Toxic, tuple[dict[str, int], str, list[str], dict[str, int]]] = {
    "latency": ({"ms": 300, "jitter_ms": 9}, "latency", ["downstream"], {"latency": 300, "jitter": 9}),
    "bandwidth": ({"kb_per_s": 100}, "bandwidth", ["downstream", "upstream"], {"rate": 100}),
    "slicer": (
        {"piece_bytes": 64, "pause_us": 900},
        "slicer",
        ["downstream", "upstream"],
        {"average_size": 64, "size_variation": 0, "delay": 900},
    ),
    "limit_data": ({"after_bytes": 5000}, "limit_data", ["downstream"], {"bytes": 5000}),
    "reset_peer": ({"after_ms": 7}, "reset_peer", ["upstream"], {"timeout": 7}),
    "link_timeout": ({"closes_after_ms": 0}, "timeout", ["downstream", "upstream"], {"timeout": 0}),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeToxiproxy]:
    monkeypatch.setattr(toxiproxy, "CALL_S", 0.4)
    monkeypatch.setattr(toxiproxy, "AGAIN_S", 0.5)
    with FakeToxiproxy(LINK, "edge->lb") as made:
        monkeypatch.setattr(toxiproxy, "PORT", made.port)
        yield made


def prepared(server: FakeToxiproxy, toxic: Toxic = "latency") -> Break:
    return LinkPowers(server.container(), "storefront").poison("db_route", toxic, ASKED[toxic][0])


def on(server: FakeToxiproxy) -> list[dict[str, Any]]:
    toxics: list[dict[str, Any]] = server.proxies[LINK]["toxics"]
    return toxics


def off(server: FakeToxiproxy) -> list[str]:
    return [one.residue.what for one in deviations([server.container()])]


def test_every_toxic_has_a_way_to_be_asked_for() -> None:
    assert set(get_args(Toxic)) == toxiproxy.KINDS.keys() == ASKED.keys()


@pytest.mark.parametrize("toxic", ASKED)
def test_a_toxic_is_put_on_by_toxiproxys_own_names_and_only_by_the_act(toxic: Toxic, server: FakeToxiproxy) -> None:
    _, kind, ways, attributes = ASKED[toxic]
    breaking = prepared(server, toxic)
    assert not server.heard, "to prepare is not to act"
    breaking.act()
    assert [(one["type"], one["stream"], one["toxicity"]) for one in on(server)] == [(kind, way, 1.0) for way in ways]
    assert all(one["attributes"] == attributes for one in on(server))
    assert server.proxies["edge->lb"]["toxics"] == []
    assert breaking.undo == (UNDO,)


def test_what_people_would_type_is_what_is_sent(server: FakeToxiproxy) -> None:
    breaking = prepared(server, "bandwidth")
    breaking.act()
    commands = [shlex.split(command) for command in breaking.typed.split(" && ")]
    assert [json.loads(words[2]) for words in commands] == on(server)
    assert {words[3] for words in commands} == {f"http://127.0.0.1:{server.port}/proxies/{LINK}/toxics"}


def test_a_link_that_does_not_go_through_it_is_refused_before_anything_happens(server: FakeToxiproxy) -> None:
    with pytest.raises(ControlError, match="storefront->cache does not go through toxiproxy; these do: storefront->db"):
        LinkPowers(server.container(), "storefront").poison("cache", "latency", {"ms": 300})
    assert not server.heard


def test_a_toxic_that_is_refused_silently_is_noticed(server: FakeToxiproxy) -> None:
    """The library takes it for a success; whoever reads back does not."""
    server.status = 202
    with toxiproxy._asking("try", "127.0.0.1") as asked:
        asked.get_proxy(LINK).add_toxic(type="latency", attributes={"latency": 300})
    assert on(server) == []
    with pytest.raises(ControlError, match=r"storefront->db_route: asked for .*latency.*, and there is .*None"):
        prepared(server).act()


def test_the_library_alone_reports_success_where_the_server_said_no(
    server: FakeToxiproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why nobody but the adapter may speak to it."""
    server.status = 500
    monkeypatch.setattr(toxiproxy, "_accepted", lambda response, **_: response)
    with toxiproxy._asking("try", "127.0.0.1"):
        library.Toxiproxy().get_proxy(LINK).add_toxic(type="latency")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_a_toxic_that_is_refused_is_an_error_with_what_the_server_said(status: int, server: FakeToxiproxy) -> None:
    server.status = status
    with pytest.raises(ControlError, match=rf"latency on storefront->db_route: 127.0.0.1:.*{status} "):
        prepared(server).act()


@pytest.mark.parametrize("deaf", ["latency", "jitter"])
def test_a_toxic_that_was_put_on_otherwise_is_noticed(deaf: str, server: FakeToxiproxy) -> None:
    server.deaf = (deaf,)
    with pytest.raises(ControlError, match="asked for"):
        prepared(server).act()


def test_a_link_that_is_spoilt_or_closed_already_is_not_broken_again(server: FakeToxiproxy) -> None:
    prepared(server).act()
    with pytest.raises(ControlError, match="spoilt already; first type: windtunnel heal"):
        prepared(server, "bandwidth").act()
    server.begin_anew()
    server.proxies[LINK]["enabled"] = False
    with pytest.raises(ControlError, match="closed"):
        prepared(server).act()


@pytest.mark.parametrize("says", [b"", b"?", b"[]", b"{}", b"null", b'{"storefront->db_route": {}}', b"[" * 100_000])
def test_what_is_no_toxiproxy_is_an_error(says: bytes, server: FakeToxiproxy) -> None:
    server.says = says
    with pytest.raises(ControlError, match=r"latency on storefront->db_route|its proxy is not there"):
        prepared(server).act()


def test_a_server_that_says_nothing_is_an_error_in_time(server: FakeToxiproxy) -> None:
    server.hangs = ("GET",)
    begun_ns = monotonic_ns()
    with pytest.raises(ControlError, match="latency on storefront->db_route"):
        prepared(server).act()
    assert monotonic_ns() - begun_ns < 2 * S


def test_an_undo_leaves_the_link_clean_and_open_and_twice_is_harmless(server: FakeToxiproxy) -> None:
    prepared(server, "slicer").act()
    server.proxies["edge->lb"]["toxics"] = [{"name": "theirs", "type": "latency", "stream": "upstream", "toxicity": 1.0}]
    for _ in range(2):
        untoxic(server.container(), UNDO)
        assert on(server) == []
    assert server.restarts == 0
    assert not [one for one in server.heard if one.startswith("POST") and not one.endswith("toxics")], "never closed"
    assert server.proxies["edge->lb"]["toxics"], "another link is not its business"


def test_a_link_that_somebody_closed_is_opened(server: FakeToxiproxy) -> None:
    server.proxies[LINK]["enabled"] = False
    assert off(server) == [f"{LINK} is closed"]
    untoxic(server.container(), UNDO)
    assert off(server) == []


def test_where_a_deletion_hangs_the_link_is_closed_and_opened(server: FakeToxiproxy) -> None:
    prepared(server).act()
    server.hangs = ("DELETE",)
    close = library.Proxy.disable

    def closing(proxy: library.Proxy) -> None:
        close(proxy)
        server.hangs = ()  # nobody is connected any more, so nothing is in the way

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.Proxy, "disable", closing)
        untoxic(server.container(), UNDO)
    assert (on(server), server.proxies[LINK]["enabled"], server.restarts) == ([], True, 0)


def test_where_closing_hangs_too_the_server_is_started_anew(server: FakeToxiproxy) -> None:
    prepared(server).act()
    server.hangs = ("DELETE", "POST")
    begun_ns = monotonic_ns()
    untoxic(server.container(), UNDO)
    assert (on(server), server.restarts, off(server)) == ([], 1, [])
    assert monotonic_ns() - begun_ns < 3 * S


def test_what_no_fallback_helps_against_is_an_error(server: FakeToxiproxy) -> None:
    prepared(server).act()
    server.hangs = ("DELETE", "POST")
    with pytest.raises(ControlError, match=r"was started anew, and still: storefront->db_route is spoilt \(latency\)"):
        untoxic(server.container(restarted=lambda: None), UNDO)


def test_one_that_does_not_run_holds_no_toxic(server: FakeToxiproxy) -> None:
    stopped = server.container(status="exited")
    untoxic(stopped, UNDO)
    assert list(deviations([stopped])) == []
    assert not server.heard


def test_what_is_off_is_seen_without_an_undo_log_and_with_its_undo(server: FakeToxiproxy) -> None:
    assert off(server) == []
    prepared(server, "link_timeout").act()
    server.proxies["edge->lb"]["enabled"] = False
    found = list(deviations([server.container()]))
    assert [(one.residue.on, one.residue.what) for one in found] == [
        ("toxiproxy", f"{LINK} is spoilt (timeout, timeout)"),
        ("toxiproxy", "edge->lb is closed"),
    ]
    assert [one.undo and one.undo.args["link"] for one in found] == [LINK, "edge->lb"]
    assert found[0].undo == UNDO


def test_a_proxy_that_is_missing_or_a_server_that_is_silent_is_off(server: FakeToxiproxy) -> None:
    container = server.container()
    del server.proxies["edge->lb"]
    assert [one.residue.what for one in deviations([container])] == ["edge->lb is closed"]
    server.hangs = ("GET",)
    (first, second) = deviations([container])
    assert first.residue.what.startswith(f"cannot tell about {LINK}: look at {LINK}: 127.0.0.1")
    assert first.undo == UNDO
    assert second.undo is not None


def test_containers_that_carry_no_link_are_not_asked(server: FakeToxiproxy) -> None:
    other = server.container()
    other.labels.clear()
    assert list(deviations([other])) == []
    assert not server.heard
