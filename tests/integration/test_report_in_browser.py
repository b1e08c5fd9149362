"""The four reports as a reader sees them: headless Chromium, network off, telephone and desk, light and dark."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model import Outcome
from harness.reporters import html
from tests.browser import Browser
from tests.fake_runs import a_history, a_plan
from tests.hostile import MARKUP, spoiled
from tests.sample_reports import sample_report

pytestmark = pytest.mark.browser
SCREENS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
OPENED = "document.querySelectorAll('details').forEach(one => one.open = true), document.documentElement.scrollWidth"
WIDE = "[...document.querySelectorAll('svg.plot')].every(one => one.getBoundingClientRect().width > 200)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    with Browser(tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_report_opens_without_an_error_and_without_scrolling_sideways(
    browser: Browser, tmp_path: Path, outcome: Outcome, width: int, scheme: str
) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.render(sample_report(outcome)), encoding="utf-8")
    browser.complaints.clear()
    browser.open(page, width, dark=scheme == "dark")
    assert browser.ask("document.title") == f"{outcome.name}: db_primary_lost"
    assert browser.ask("innerWidth") == width
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(OPENED) <= width
    assert browser.ask(WIDE) is True
    paper, ink = lightness(browser, "backgroundColor"), lightness(browser, "color")
    assert (paper < 60 and ink > 200) if scheme == "dark" else (paper > 200 and ink < 60)
    assert browser.complaints == []


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_text_neither_acts_nor_widens_a_telephone(browser: Browser, tmp_path: Path, text: str) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.render(spoiled(Outcome.DIRTY, text)), encoding="utf-8")
    browser.complaints.clear()
    browser.open(page, 390, dark=False)
    assert browser.ask(OPENED) <= 390
    assert browser.ask("document.scripts.length + document.images.length") == 0
    assert browser.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_screenshot_and_the_sessions_are_seen_within_the_page(browser: Browser, tmp_path: Path, width: int) -> None:
    """Embedded: the network is off."""
    shot, page = tmp_path / "shot.png", tmp_path / "report.html"
    browser.screenshot(shot)
    made = a_plan(browsing=True)
    history = a_history(made)
    report = replace(sample_report(Outcome.PASS), plan=made, history=history, shots={0: shot.read_bytes()})
    page.write_text(html.render(report), encoding="utf-8")
    browser.complaints.clear()
    browser.open(page, width, dark=False)
    assert browser.ask("[...document.images].map(one => one.complete && one.naturalWidth > 0)") == [True]
    assert browser.ask("document.querySelectorAll('svg.plot').length") == 4, "orders, latency, sessions, the witness"
    assert browser.ask(WIDE) is True
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []


def test_the_browser_would_have_complained(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        '<!DOCTYPE html><meta name=viewport content="width=device-width"><div style="width:2000px">x</div>'
        "<img src='http://198.18.0.1/x.png'><script>console.error('seen'); nothing()</script>",
        encoding="utf-8",
    )
    browser.complaints.clear()
    browser.open(page, 390, dark=False)
    said = " ".join(browser.complaints)
    assert "seen" in said
    assert "nothing is not defined" in said
    assert "ERR_INTERNET_DISCONNECTED" in said
    assert browser.ask("document.documentElement.scrollWidth") >= 2000


def lightness(browser: Browser, property_: str) -> float:
    """Give how light a colour of the page is, 0 to 255."""
    levels = browser.ask(f"getComputedStyle(document.body).{property_}.match(/\\d+/g).slice(0, 3).map(Number)")
    return float(sum(levels) / 3)
