"""The Markdown summary: what a person sees of a campaign on the page of a CI job."""

import re
from dataclasses import replace

from harness.events import Run
from harness.model import Outcome
from harness.report import Report
from harness.reporters import markdown
from harness.reporters.markdown import render, render_all
from tests.sample_reports import sample_report


def rows(text: str) -> list[list[str]]:
    """Give the cells of the table's body."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def named(report: Report, name: str) -> Report:
    """Give the same as a run of another scenario."""
    scenario = replace(report.plan.scenario, name=name, file=f"scenarios/{name}.toml")
    return replace(report, plan=replace(report.plan, scenario=scenario))


def test_a_run_that_passed_is_one_row() -> None:
    text = render(sample_report(Outcome.PASS))
    assert text.startswith("## ✅ windtunnel: PASS, 1 of 1 runs passed\n")
    (row,) = rows(text)
    assert row[:3] == ["✅ PASS", r"db\_primary\_lost", "all 3"]


def test_of_others_each_objective_that_did_not_pass_is_one() -> None:
    text = render_all([sample_report(Outcome.FAIL), named(sample_report(Outcome.INCONCLUSIVE), "other")])
    assert text.startswith("## ❌ windtunnel: FAIL, 0 of 2 runs passed\n")
    found = rows(text)
    assert [row[:3] for row in found] == [
        ["❌ FAIL", r"db\_primary\_lost", "rto"],
        *(["❔ INCONCLUSIVE", "other", name] for name in ("rto", r"orders\_lost", "goodput")),
    ]
    assert "recovery 62 s" in found[0][3]
    assert found[0][4] == "budget 45, contract 900"


def test_every_attempt_is_shown_and_only_the_last_counts() -> None:
    first, last = sample_report(Outcome.INCONCLUSIVE), sample_report(Outcome.PASS)
    text = render_all([first, last], final=[last])
    assert text.startswith("## ✅ windtunnel: PASS, 1 of 1 runs passed\n")
    assert [row[1] for row in rows(text)] == [r"db\_primary\_lost, flown again"] * 3 + [r"db\_primary\_lost"]


def test_a_scenario_that_was_named_twice_is_two_runs() -> None:
    text = render_all([sample_report(Outcome.FAIL), sample_report(Outcome.PASS)])
    assert text.startswith("## ❌ windtunnel: FAIL, 1 of 2 runs passed\n")


def test_the_runs_of_a_series_are_no_attempts() -> None:
    def part(number: int) -> Report:
        report = sample_report(Outcome.PASS)
        run = report.history.run
        assert isinstance(run, Run)
        events = tuple(replace(run, part=number, of=2) if event is run else event for event in report.history.events)
        return replace(report, history=replace(report.history, events=events))

    names = [row[1] for row in rows(render_all([part(1), part(2)]))]
    assert names == [rf"db\_primary\_lost, run {number} of 2" for number in (1, 2)]


def test_what_was_not_flown_is_not_passed() -> None:
    text = render_all([sample_report(Outcome.PASS)], ["calm: the 3 minutes are used up"])
    assert text.startswith("## ❔ windtunnel: INCONCLUSIVE, 1 of 2 runs passed\n")
    assert ["❔ not flown", r"calm\: the 3 minutes are used up", "", "", "", ""] in rows(text)
    assert render_all([]).startswith("## ❔ windtunnel: INCONCLUSIVE, 0 of 0")


def test_a_long_campaign_says_what_it_leaves_out() -> None:
    text = render_all([named(sample_report(Outcome.FAIL), f"{n}{'x' * 500}") for n in range(1000)])
    assert len(text.encode()) < markdown.LIMIT + 100
    assert f"{1000 - len(rows(text))} more rows are in the reports." in text
