"""The table for people at a terminal."""

import io

import pytest
from rich.console import Console

from harness.model import Outcome
from harness.reporters import terminal
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
