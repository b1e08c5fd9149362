"""Steering and edges as they are configured, and how an edge's answer is compared with the origin's."""

import re
from typing import Any, cast

import pytest

from harness.capabilities import Wrong
from harness.faults.truncate import Truncate
from harness.history import UNKNOWN
from harness.model import Target
from sut.components import cdn_a, cdn_b, lb, names, steering
from sut.components.edge import ELSEWHERE, differs, named
from sut.components.part import Part
from sut.shop import ReferenceShop
from sut.shopper import OneCallShopper

ORDER = OneCallShopper("r", 1).order(1, last_piece=False)
EDGES = {"cdn_a": "198.18.7.17", "cdn_b": "198.18.7.18"}
ORIGIN = "198.18.7.16"
HOWS: tuple[Wrong, ...] = ("status", "body", "stale", "truncated", "slow")


def said(at_ms: int) -> bytes:
    """Give what the balancer answers at a moment."""
    filled = lb._TELLS.replace("%[date(0,ms)]", str(at_ms))
    period = at_ms // 1000 // lb.PERIOD_S
    filled = filled.replace(f"%[date,div({lb.PERIOD_S})]", str(period))
    return filled.replace(f"%[date({lb.PERIOD_S}),div({lb.PERIOD_S})]", str(period + 1)).encode()


SAID = said(1_795_892_927_792)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (SAID, None),
        (said(1_795_892_925_800), None),
        (said(1_795_892_925_000), "stale"),
        (SAID[:300], "truncated"),
        (SAID[:40], "truncated"),
        (SAID[:3], "truncated"),
        (SAID[:3].upper(), "wrong"),
        (b"", "wrong"),
        (ELSEWHERE.encode(), "wrong"),
        (SAID.replace(b"line 07", b"line 77"), "wrong"),
        (SAID.replace(b"at ", b"at x"), "wrong"),
        (said(1_795_892_925_000)[:300], "truncated"),
    ],
)
def test_an_answer_that_passed_an_edge_is_compared_with_the_origin_s(body: bytes, seen: str | None) -> None:
    assert differs(body, SAID) == seen


def test_whatever_a_truncation_leaves_is_seen_to_be_one() -> None:
    """Of every length that the fault takes: one that was never seen to bite would waste a run."""
    for after_bytes in range(1, 1001):
        Truncate(target=Target.parse("cdn_a"), after_bytes=after_bytes)
        assert differs(said(1_795_892_927_999)[:after_bytes], SAID) == "truncated", after_bytes


def test_an_origin_that_is_wrong_itself_is_never_called_right() -> None:
    assert differs(SAID, b"<html>") == "wrong"
    assert differs(SAID[:3], b"<html>") == "wrong"


def test_steering_finds_what_it_wants_only_in_a_whole_answer_of_this_period_or_the_last() -> None:
    """As HAProxy fills in the moment: at most 10 s may have passed."""
    at_s = 1_795_892_927
    for age_s, found in ((0, True), (4, True), (10, False), (60, False)):
        wanted = lb.in_time().replace(f"%[date,div({lb.PERIOD_S})]", str((at_s + age_s) // lb.PERIOD_S)).encode()
        assert (wanted in said(at_s * 1000)) is found
        assert wanted not in said(at_s * 1000)[:1000], "it stands at the very end"


def test_steering_repeats_once_what_had_no_effect_and_what_may_have_it_twice() -> None:
    """Only where nothing is repeated that may have had an effect does it say that there was none."""
    text = steering.settings(EDGES)
    backends = {part.split()[0]: part for part in text.split("\nbackend ")[1:]}
    once = {name for name, part in backends.items() if "disable-l7-retry if !METH_GET" in part}
    assert once == {name for name, part in backends.items() if '"refused"' in part} == {"once", "any"}
    chosen = re.findall(r"^ +(?:use|default)_backend (.*)$", text, re.MULTILINE)
    keyed = "again if { method PUT } or { req.hdr(Idempotency-Key) -m found }"
    assert chosen == ["any if { nbsrv(edges) eq 0 }", keyed, "once if !METH_GET", "edges"]
    assert re.findall(r"^ +retries (.*)$", text, re.MULTILINE) == ["1"]
    assert "option redispatch 1" in text


def test_what_steering_may_send_twice_it_has_as_a_whole_and_no_refusal_of_it_is_passed_on() -> None:
    """HAProxy repeats nothing whose body it did not have when it began to send; a second no says nothing of the first."""
    backends = {part.split()[0]: part for part in steering.settings(EDGES).split("\nbackend ")[1:]}
    assert {name for name, part in backends.items() if "option http-buffer-request" in part} == {"again"}
    (rule,) = re.findall(r"^ +http-response (.*)$", backends["again"], re.MULTILINE)
    assert rule.startswith("return status 504 ")
    assert rule.endswith("if again { status 409 503 }")
    assert "acl again txn.conn_retries gt 0" in backends["again"]
    assert OneCallShopper("r", 1).judge_order(ORDER, 504, b'{"unknown":"effect"}').fate == UNKNOWN


def test_steering_sends_what_may_have_an_effect_over_connections_that_are_used_once() -> None:
    """And judges an edge for them as for all others."""
    backends = {part.split()[0]: part for part in steering.settings(EDGES).split("\nbackend ")[1:]}
    assert {name for name, part in backends.items() if "http-server-close" in part} == {"again", "once", "any"}
    for name in ("again", "once"):
        assert re.findall(r"track (\S+)", backends[name]) == ["edges/cdn_a", "edges/cdn_b"]


def test_steering_asks_for_an_answer_of_the_origin_and_as_a_bad_shop_for_the_edge_s_word() -> None:
    good, bad = steering.settings(EDGES), steering.settings(EDGES, {"steering_asks_edge"})
    assert "uri /now" in good
    assert "string-lf" in good
    assert "port 8081" not in good
    assert "uri /health" in bad
    assert "string-lf" not in bad
    assert bad.count("port 8081 check") == len(EDGES)
    repeats = {text: re.findall(r"^ +retry-on (.*)$", text, re.MULTILINE)[0] for text in (good, bad)}
    assert repeats[good].split() == [*repeats[bad].split(), "502", "503", "504"]


def test_in_the_bad_shop_steering_judges_an_answer_by_its_beginning() -> None:
    """All else it does as the good one does. So it leaves an edge for a status or another body, and not for an end."""
    good, bad = steering.settings(EDGES), steering.settings(EDGES, {"accepts_truncated"})
    changed = [pair for pair in zip(good.splitlines(), bad.splitlines(), strict=True) if len(set(pair)) > 1]
    expected = "    http-check expect "
    assert changed == [(f"{expected}string-lf '{lb.in_time()}'", f"{expected}rstring '^at '")]
    for answer, believed in ((SAID, True), (SAID[:500], True), (SAID[1:], False), (ELSEWHERE.encode(), False), (b"", False)):
        assert bool(re.search(b"^" + lb.BEGINNING.encode(), answer)) is believed


def test_in_the_bad_shop_steering_names_an_edge_that_it_has_judged_and_shoppers_go_where_they_were_told() -> None:
    """It judges as the good one does; but who enters is served by a name, and nothing ever leads them elsewhere."""
    good, bad = steering.settings(EDGES), steering.settings(EDGES, {"steering_by_dns"})
    sections = {part.partition("\n")[0]: part for part in bad.split("\n\n")}
    assert sections["backend edges"] in good
    assert re.findall(r"^ +(?:use|default)_backend (.*)$", bad, re.MULTILINE) == ["once if !METH_GET", "told"]
    for goes in (sections["backend told"], sections["backend once"]):
        servers = re.findall(r"server (\S+) (\S+):8080 cookie (\S+) resolvers names ", goes)
        assert servers == [(edge, names.near(edge), edge) for edge in EDGES]
        assert not re.search(r"\b(check|track)\b", goes)
        assert goes.endswith("\n    no option redispatch")
    assert "disable-l7-retry if !METH_GET" in sections["backend once"]
    assert not any(word in good for word in ("resolvers", "lua", "no option", names.near("cdn_a")))


def test_an_answer_is_kept_for_as_long_as_it_says() -> None:
    """HAProxy does not read that from it: it has been told the same, and all names lead to those who judge."""
    kept = re.findall(r"^ +(?:timeout resolve|hold valid) (.*)$", names.settings(), re.MULTILINE)
    assert kept == ["300s", "300s"]
    assert ", IN, 300, address)" in names.program("edges")
    assert 'core.backends["edges"].servers' in names.program("edges")


def test_in_the_bad_shop_steering_repeats_what_may_have_had_an_effect() -> None:
    good, bad = steering.settings(EDGES), steering.settings(EDGES, {"replays_post"})
    left_out = [line for line in good.splitlines() if line not in bad.splitlines()]
    assert set(left_out) == {"    http-request disable-l7-retry if !METH_GET"}
    assert "disable-l7-retry" not in bad
    assert good.replace("    http-request disable-l7-retry if !METH_GET\n", "") == bad


def test_an_edge_is_good_unless_told_otherwise() -> None:
    good = cdn_a.settings("cdn_a", ORIGIN)
    assert "proxy_next_upstream error;" in good
    assert "non_idempotent" not in good
    assert "ignore_headers" not in good
    assert "proxy_ignore_headers Cache-Control Expires Set-Cookie" in cdn_a.settings(
        "cdn_a", ORIGIN, defects={"caches_cookies"}
    )


def test_what_may_have_an_effect_goes_over_connections_that_are_used_once() -> None:
    text = cdn_b.settings("cdn_b", ORIGIN)
    once = re.search(r"backend once \{(.*)\}", text)
    assert once
    assert ".proxy_header = 1" in once[1]
    assert f'.port = "{lb.ONCE_PORT}"' in once[1]
    assert f"bind :{lb.ONCE_PORT} accept-proxy" in lb.settings({"storefront-1": "198.18.7.14"}, 8080)


@pytest.mark.parametrize("how", HOWS)
def test_a_wrong_configuration_differs_from_the_right_one_and_from_all_others(how: Wrong) -> None:
    for product in (cdn_a, cdn_b):
        texts = {product.settings("cdn", ORIGIN, product._wrong(one, 500)) for one in HOWS}
        assert len(texts | {product.settings("cdn", ORIGIN)}) == len(HOWS) + 1
    assert named(how, 0) == f"wrongly-{how}"
    assert named(how, 7) == f"wrongly-{how}-7"


@pytest.mark.parametrize("how", HOWS)
def test_a_bad_edge_stays_as_bad_as_it_is_while_it_answers_wrongly(how: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    def named_only(edge: Part, _ground: object, instance: str, *_: object, **__: object) -> None:
        edge.instance = instance

    monkeypatch.setattr(Part, "__init__", named_only)
    for defects in ({"caches_cookies"}, set[str]()):
        edge = cdn_a.CdnA(cast("Any", None), "cdn_a", origin=ORIGIN, defects=defects)
        _, _, line, _, text = edge.wrongly(how, 100)
        assert (cdn_a._KEEPS_ALL in text) is bool(defects)
        assert line.startswith(f"echo {named(how, 100)} > "), "by which it is seen to do so"


def test_an_authority_vouches_for_its_own_and_keeps_its_key() -> None:
    from sut.components.authority import Authority  # noqa: PLC0415 -- the rest needs no library

    authority = Authority()
    assert authority.certificate.count("BEGIN CERTIFICATE") == 1
    assert "PRIVATE" not in authority.certificate
    assert "PRIVATE KEY" in authority.vouch("198.18.7.19", "steering")
    assert Authority().certificate != authority.certificate


def test_shoppers_enter_at_the_balancer_unless_a_scenario_says_so() -> None:
    assert ReferenceShop().declaration.entries == ("lb", "steering")
