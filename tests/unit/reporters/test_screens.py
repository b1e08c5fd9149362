"""Screenshots in the report: embedded, few, with what was measured of just that load; what is no picture is left out."""

import base64
import re
from dataclasses import replace

import pytest

from harness.model import Outcome
from harness.report import Report
from harness.reporters import html
from harness.reporters._screens import MOST, PNG, pictures
from harness.views import BROKEN
from tests.fake_runs import a_history, a_plan, act_ns
from tests.fake_views import reseen
from tests.hostile import MARKUP
from tests.sample_reports import sample_report

S = 1_000_000_000
MADE = a_plan(browsing=True)
HISTORY = a_history(MADE)


def seen(shots: dict[int, bytes]) -> Report:
    """Give a report of a run in which a browser looked, with these screenshots."""
    return replace(sample_report(Outcome.PASS), plan=MADE, history=HISTORY, shots=shots)


def test_a_page_holds_its_screenshots_and_fetches_none() -> None:
    png = PNG + b"pixels"
    page = html.render(seen({1: png}))
    assert "What a browser saw" in page
    (source,) = re.findall(r'<img src="([^"]*)"', page)
    assert source == "data:image/png;base64," + base64.b64encode(png).decode()
    assert "img-src data:" in page
    assert "<b>cdn_b</b>, before anything was broken: served by cdn_b; first paint after 100 ms" in page


def test_without_screenshots_nothing_is_said_of_them() -> None:
    assert "What a browser saw" not in html.render(seen({}))


def test_it_says_when_it_was_and_who_served() -> None:
    after = int((act_ns(MADE) + 4 * S - HISTORY.views.due_ns[0]) // (2 * S))
    one, other = pictures(seen({after: PNG, after + 1: PNG}))
    assert {one.edge, other.edge} == {"cdn_a", "cdn_b"}
    assert re.fullmatch(r"\d\.\d s after step1", one.when)
    assert one.said.startswith("served by cdn_b; first paint")
    last = len(HISTORY.views) - 1
    assert "after our heal of step1" in pictures(seen({last: PNG}))[0].when


def test_what_did_not_show_is_told() -> None:
    history = reseen(HISTORY, lambda _: [0], error=BROKEN, picture_ms=float("inf"))
    (one,) = pictures(replace(seen({0: PNG}), history=history))
    assert one.said == "served by cdn_a; not whole: broken_picture"


def test_only_so_many_and_only_pictures() -> None:
    assert len(pictures(seen(dict.fromkeys(range(MOST + 3), PNG)))) == MOST
    assert pictures(seen({0: b"<svg onload=alert(1)>", 10_000: PNG})) == ()


@pytest.mark.parametrize("text", MARKUP)
def test_what_an_edge_calls_itself_is_escaped(text: str) -> None:
    history = reseen(HISTORY, lambda _: [0], served=text)
    page = html.render(replace(seen({0: PNG}), history=history))
    assert text[:40] not in page or not set(text[:40]) & set("<>&\"'")
