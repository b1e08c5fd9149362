"""The table for people at a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from harness.events import NotHealed
from harness.model import Outcome
from harness.reporters import html, terminal
from tests.sample_reports import sample_report


@pytest.mark.parametrize("outcome", Outcome)
def test_it_tells_objectives_outcome_and_where_the_report_is(outcome: Outcome) -> None:
    report = sample_report(outcome)
    text = terminal.render(report)
    for verdict in report.judgement.verdicts:
        assert verdict.objective in text
        assert verdict.outcome.name in text
    assert f"\n{outcome.name}: " in text
    assert text.endswith(f"Report: {report.folder}/report.html\n")
    assert ("windtunnel heal" in text) is (outcome is Outcome.DIRTY)


def test_what_is_dirty_by_its_last_comparison_alone_can_be_mended_too() -> None:
    """No fault was "not healed"; the shop is not as declared all the same."""
    report = sample_report(Outcome.DIRTY)
    left = tuple(event for event in report.history.events if not isinstance(event, NotHealed))
    report = replace(report, history=replace(report.history, events=left))
    command = f"windtunnel heal {report.folder.name}"
    assert f"To mend: {command}\n" in terminal.render(report)
    assert command in html.render(report)


def test_the_stored_file_is_plain_and_never_wider_than_its_columns() -> None:
    text = terminal.render(sample_report(Outcome.FAIL))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= terminal.COLUMNS


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_every_sentence_is_there_at_every_width(width: int) -> None:
    report, file = sample_report(Outcome.PASS), io.StringIO()
    terminal.show(report, Console(file=file, width=width, force_terminal=False))
    words = set(file.getvalue().split())
    for verdict in report.judgement.verdicts:
        assert set(verdict.because.split()) <= words or width == 40


def test_colour_is_only_for_terminals() -> None:
    coloured, plain = io.StringIO(), io.StringIO()
    terminal.show(sample_report(Outcome.FAIL), Console(file=coloured, force_terminal=True, color_system="standard"))
    terminal.show(sample_report(Outcome.FAIL), Console(file=plain))
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()
