"""The page of the conformance: what pytest told, and nothing better."""

from pathlib import Path

import pytest

from tests import conformance_page
from tests.acceptance import book
from tests.conformance_page import main

BITES = """<testcase name="test_it_bites_only_between_act_and_undo[kill storefront#2]"><properties>
<property name="bitten_s" value="0.11"/><property name="healed_s" value="1.52"/></properties></testcase>"""
IDLE = """<testcase name="test_an_act_that_does_nothing_is_not_seen_to_bite[kill storefront#2]"/>"""
KILLED = """<testcase name="test_what_a_killed_harness_leaves_is_mended_from_its_undo_log[start]">%s</testcase>"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of a report, and of a page."""
    monkeypatch.setattr(book, "commit", lambda: "c1")
    monkeypatch.setattr(conformance_page, "PAGE", tmp_path / "docs" / "conformance.md")
    return tmp_path / "report.xml"


def written(report: Path, *cases: str) -> tuple[int, str]:
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return main([str(report)]), conformance_page.PAGE.read_text()


def test_what_was_seen_of_each_fault_is_a_row(report: Path) -> None:
    code, page = written(report, BITES, IDLE, KILLED % "")
    assert code == 0
    assert "3 of 3 tests passed" in page
    assert "| kill storefront#2 | 0.11 | 1.52 | yes | yes |" in page
    assert "| start | yes |" in page


@pytest.mark.parametrize("how", ["failure", "error", "skipped"])
def test_what_failed_was_not_seen_or_was_not_tried_is_said(how: str, report: Path) -> None:
    code, page = written(report, BITES, KILLED % f"<{how}/>")
    assert code == 1
    assert "1 of 2 tests passed" in page
    assert "| kill storefront#2 | 0.11 | 1.52 | yes | not tried |" in page
    assert "| start | **no** |" in page
    assert written(report)[0] == 1, "nothing tried is nothing shown"


@pytest.mark.parametrize("text", [None, "", "<testsuites>"])
def test_without_a_whole_report_there_is_no_page(text: str | None, report: Path) -> None:
    """An earlier page is not written again, as if it were of this commit."""
    if text is not None:
        report.write_text(text)
    assert main([str(report)]) == 1
    assert not conformance_page.PAGE.exists()
