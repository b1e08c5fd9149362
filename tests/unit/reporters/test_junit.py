"""JUnit XML as CI systems read it."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.model import Judgement, Outcome
from harness.report import Report
from harness.reporters import junit
from tests.sample_reports import sample_report

SUITE = {"id", "name", "package", "hostname", "timestamp", "time", "tests", "failures", "errors", "skipped"}


def parsed(*reports: Report) -> ET.Element:
    """Give the document's root."""
    return ET.fromstring(junit.render_all(reports))  # noqa: S314 -- our own text


def told(report: Report) -> dict[str, str]:
    """Give for each test case what CI will show."""
    return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in parsed(report).iter("testcase")}


@pytest.mark.parametrize(
    ("outcome", "cases"),
    [
        (Outcome.PASS, {"rto": "passed", "orders_lost": "passed", "goodput": "passed"}),
        (Outcome.FAIL, {"rto": "failure", "orders_lost": "passed", "goodput": "passed"}),
        (Outcome.INCONCLUSIVE, {"rto": "error", "orders_lost": "error", "goodput": "error"}),
        (Outcome.DIRTY, {"rto": "passed", "orders_lost": "error", "goodput": "passed"}),
    ],
)
def test_each_objective_is_a_case(outcome: Outcome, cases: dict[str, str]) -> None:
    report = sample_report(outcome)
    assert told(report) == cases
    suite = parsed(report)[0]
    kinds = list(cases.values())
    assert suite.attrib["tests"] == "3"
    assert suite.attrib["failures"] == str(kinds.count("failure"))
    assert suite.attrib["errors"] == str(kinds.count("error"))
    assert {case.attrib["classname"] for case in suite.iter("testcase")} == {"scenarios/db_primary_lost.toml"}


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.FAIL, Outcome.DIRTY])
def test_a_run_worse_than_its_objectives_is_not_green(outcome: Outcome) -> None:
    report = sample_report(Outcome.PASS)
    worse = replace(report, judgement=replace(report.judgement, outcome=outcome))
    assert told(worse)["run"] == ("failure" if outcome is Outcome.FAIL else "error")
    empty = replace(report, judgement=Judgement(outcome=outcome, verdicts=(), doubts=()))
    assert told(empty) == {"run": "failure" if outcome is Outcome.FAIL else "error"}


@pytest.mark.parametrize("outcome", Outcome)
def test_it_has_the_shape_that_the_schemas_of_ant_and_jenkins_share(outcome: Outcome) -> None:
    root = parsed(sample_report(outcome))
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.attrib.keys() == SUITE
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
        for case in suite.iter("testcase"):
            assert case.attrib.keys() == {"name", "classname", "time"}
            assert [child.tag for child in case] in ([], ["error"], ["failure"])
            assert all(child.attrib.keys() == {"type", "message"} for child in case)
        assert all(one.attrib.keys() == {"name", "value"} for one in suite.iter("property"))


def test_measured_values_are_properties() -> None:
    properties = {one.attrib["name"]: one.attrib["value"] for one in parsed(sample_report(Outcome.PASS)).iter("property")}
    assert properties["outcome"] == "PASS"
    assert properties["rto.measured.recovery_s"] == "21.3"
    assert properties["rto.limit.budget_s"] == "45.0"
    assert properties["goodput.evidence"] == "2997"


def test_several_runs_are_several_suites() -> None:
    root = parsed(sample_report(Outcome.PASS), sample_report(Outcome.FAIL))
    assert [suite.attrib["id"] for suite in root] == ["0", "1"]
