"""The page for everybody: whole, self-contained, and it fetches and runs nothing."""

import re
from dataclasses import replace

import numpy as np
import pytest

from harness.events import Fingerprint, Run, Sample
from harness.history import Ledger
from harness.model import Judgement, Outcome
from harness.report import Report
from harness.reporters import html
from tests.sample_reports import sample_report


@pytest.mark.parametrize("outcome", Outcome)
def test_the_verdict_comes_first_and_everything_else_is_there(outcome: Outcome) -> None:
    report = sample_report(outcome)
    page = html.render(report)
    assert f"<title>{outcome.name}: db_primary_lost</title>" in page
    order = ["Promised", "Happened", "To be trusted?", "What shoppers felt", "Recovery", "Objectives", "Doubts"]
    order += ["What was injected", "Playbook", "Logs around the fault", "This run", "To repeat it"]
    places = [page.index(f">{heading}<") for heading in order]
    assert places == sorted(places)
    for text in ("DBA on call", "docker kill", "checkpoint complete", "25c65c8", "postgresql 17.12", "windtunnel judge"):
        assert text in page
    assert ("Mend this first" in page) is (outcome is Outcome.DIRTY)


@pytest.mark.parametrize("outcome", Outcome)
def test_it_fetches_nothing_and_runs_nothing(outcome: Outcome) -> None:
    page = html.render(sample_report(outcome))
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "<script" not in page
    assert not re.search(r"\son\w+=", page)
    assert not re.search(r"url\(|@import", page)
    assert re.findall(r'(?:src|href)="(?!#objective-\d|data:,")[^"]*"', page) == []


@pytest.mark.parametrize("outcome", Outcome)
def test_ids_are_unique_and_references_find_them(outcome: Outcome) -> None:
    page = html.render(sample_report(outcome))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'href="#([^"]*)"', page) + " ".join(re.findall(r'aria-labelledby="([^"]*)"', page)).split()
    assert wanted
    assert set(wanted) <= set(ids)


def test_every_picture_has_a_title_and_a_description_or_is_an_ornament() -> None:
    page = html.render(sample_report(Outcome.PASS))
    for picture in re.findall(r"<svg(?! x=)[^>]*>(?:<title|.)", page):
        assert 'aria-hidden="true"' in picture or picture.endswith("<title")


def test_an_alert_is_shown_with_the_playbook_that_it_named() -> None:
    page = html.render(sample_report(Outcome.PASS))
    assert ">OrdersDbNoPrimary</th><td>orders_db orders_db-1</td><td>Let it fail over.</td>" in page


def test_what_an_order_cost_is_told_by_component_the_dearest_first() -> None:
    """At 100 orders a second, 0.17 s of CPU time each second in the database are 1.7 ms an order."""
    page = html.render(sample_report(Outcome.PASS))
    costs = re.findall(r'<th scope="row">(orders_db|generator|in all)</th><td class="figure">([\d.]+)</td>', page)
    assert [name for name, _ in costs] == ["orders_db", "generator", "in all"]
    assert [float(ms) for _, ms in costs] == pytest.approx([1.7, 0.6, 2.3], rel=0.05)


def test_a_run_in_which_nobody_counted_tells_no_cost() -> None:
    report = sample_report(Outcome.PASS)
    history = report.history
    silent = tuple(one for one in history.events if not (isinstance(one, Sample) and one.probe == "cpu"))
    assert "What an order cost" not in html.render(replace(report, history=replace(history, events=silent)))


def test_phases_of_the_recovery_are_told_in_order() -> None:
    page = html.render(sample_report(Outcome.PASS))
    phases = ["Fault injected (t0)", "Seen to bite", "No primary", "New primary", "First order", "Our heal", "Seen healed"]
    places = [page.index(f'<th scope="row">{phase}') for phase in phases]
    assert places == sorted(places)
    assert "<small>orders_db-2</small>" in page


def test_what_was_not_seen_is_said_to_be_not_seen() -> None:
    page = html.render(sample_report(Outcome.INCONCLUSIVE))
    assert re.search(r"Seen to bite <small>orders_db-1 was not seen to suffer[^<]*</small></th>\s*<td[^>]*>not seen", page)
    assert "no such container" in html.render(sample_report(Outcome.DIRTY))


def test_commands_to_repeat_carry_load_and_defects_and_are_quoted() -> None:
    report = sample_report(Outcome.FAIL)
    events = tuple(replace(event, scale=0.5) if isinstance(event, Run) else event for event in report.history.events)
    plan = replace(
        report.plan, scenario=replace(report.plan.scenario, file="my scenarios/x.toml"), scale=0.5, defects=("no_failover",)
    )
    page = html.render(replace(report, plan=plan, history=replace(report.history, events=events)))
    assert "windtunnel run &#39;my scenarios/x.toml&#39; --seed 7 --rate 50 --defect no_failover" in page


def empty(report: Report) -> Report:
    """Give the report of a run that died before anything happened."""
    nothing = Ledger(
        seq=np.zeros(0, dtype=np.int64),
        kind=np.zeros(0, dtype=np.int8),
        intended_ns=np.zeros(0, dtype=np.int64),
        sent_ns=np.zeros(0, dtype=np.int64),
        done_ns=np.zeros(0, dtype=np.int64),
        fate=np.zeros(0, dtype=np.int8),
        status=np.zeros(0, dtype=np.int16),
        attempts=np.zeros(0, dtype=np.int16),
        recorded=np.zeros(0, dtype=np.bool_),
        order_id=(),
        digest=(),
    )
    history = replace(report.history, events=(), ledger=nothing, lost=np.zeros(0, dtype=np.bool_))
    judgement = Judgement(outcome=Outcome.INCONCLUSIVE, verdicts=(), doubts=())
    return replace(report, history=history, judgement=judgement, logs={})


def test_a_run_of_which_nothing_is_left_still_has_a_page() -> None:
    page = html.render(empty(sample_report(Outcome.INCONCLUSIVE)))
    for sentence in ("No order was due", "No objective was judged", "No log was kept", "this scenario has no fault"):
        assert sentence in page


def test_residue_is_shown_even_where_each_step_was_healed() -> None:
    report = sample_report(Outcome.PASS)
    events = (*report.history.events, Fingerprint(at_ns=10**12, residue=("etcd: paused",)))
    assert "etcd: paused" in html.render(replace(report, history=replace(report.history, events=events)))
