"""The run as data: valid against the published schema, whatever stands in it."""

import json
import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.events import Sample
from harness.model import Outcome
from harness.reporters import json as reporter
from harness.reporters._document import Document
from tests.fake_monitoring import CLASS
from tests.fake_runs import a_history, without
from tests.sample_reports import sample_report

SCHEMA = Path(__file__).parents[3] / "reports" / "report.schema.json"


@pytest.mark.parametrize("outcome", Outcome)
def test_the_document_is_of_its_published_shape(outcome: Outcome) -> None:
    document = msgspec.json.decode(reporter.render(sample_report(outcome)), type=Document)
    (run,) = document.runs
    assert (document.format, document.outcome, run.outcome) == (1, outcome.name, outcome.name)
    assert [one.objective for one in run.objectives] == ["rto", "orders_lost", "goodput"]
    assert run.orders.offered == 13_500
    (fault,) = run.faults
    assert (fault.fault, fault.target, fault.t0_s) == ("kill", "orders_db:primary", 70.0)
    assert (fault.bitten_s is None) is (outcome is Outcome.INCONCLUSIVE)
    assert (fault.mend is None) is (outcome is not Outcome.DIRTY)


def test_what_an_order_cost_is_told_where_somebody_counted() -> None:
    """A made-up run in which each uses as much; those whose work nobody counted have no cost, not none at all."""
    report = sample_report(Outcome.PASS)
    uncounted = replace(report, history=without(a_history(), Sample))
    (bare,) = msgspec.json.decode(reporter.render(uncounted), type=Document).runs
    assert bare.cost is None
    (run,) = msgspec.json.decode(reporter.render(replace(report, history=a_history())), type=Document).runs
    assert run.cost is not None
    assert run.cost.cpu_ms == pytest.approx(sum(run.cost.by_component_ms.values()))
    assert run.cost.by_component_ms["storefront"] == pytest.approx(2 * run.cost.by_component_ms["generator"])
    assert (run.cost.calls[CLASS] > 0, run.cost.lacking, run.cost.unseen) == (True, "", "")


def test_the_schema_file_is_the_shape() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == reporter.schema()


def test_figures_that_json_cannot_hold_are_told_in_words() -> None:
    report = sample_report(Outcome.FAIL)
    odd = {"p95_ms": math.inf, "low_ms": -math.inf, "none_ms": math.nan, "ratio": 0.5}
    verdicts = tuple(replace(verdict, measured=odd) for verdict in report.judgement.verdicts)
    text = reporter.render(replace(report, judgement=replace(report.judgement, verdicts=verdicts)))
    measured = msgspec.json.decode(text, type=Document).runs[0].objectives[0].measured
    assert measured == {"p95_ms": "infinity", "low_ms": "-infinity", "none_ms": None, "ratio": 0.5}


def test_several_runs_share_a_document_and_the_worst_outcome_is_its_own() -> None:
    document = json.loads(reporter.render_all([sample_report(Outcome.PASS), sample_report(Outcome.FAIL)]))
    assert document["outcome"] == "FAIL"
    assert [run["outcome"] for run in document["runs"]] == ["PASS", "FAIL"]


def test_no_run_is_no_pass() -> None:
    assert json.loads(reporter.render_all([]))["outcome"] == "INCONCLUSIVE"


def test_a_run_without_a_journal_can_be_told() -> None:
    report = sample_report(Outcome.INCONCLUSIVE)
    bare = replace(report, history=replace(report.history, events=()))
    (run,) = msgspec.json.decode(reporter.render(bare), type=Document).runs
    assert (run.id, run.seed, run.residue, run.faults) == (None, None, None, ())
