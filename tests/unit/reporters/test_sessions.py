"""Sessions in the report: each is counted once, and what was planned is told from what was begun and finished."""

import json
from dataclasses import replace

import numpy as np

from harness.history import SHED, History
from harness.model import Outcome
from harness.reporters import html
from harness.reporters import json as reporter
from harness.reporters._series import series
from harness.reporters._sessions import Sessions, sessions
from tests.fake_runs import a_history, a_plan
from tests.sample_reports import sample_report

MADE = a_plan(browsing=True)
HISTORY = a_history(MADE)


def counted(history: History) -> Sessions:
    found, orders = sessions(history), series(history)
    assert found is not None
    assert orders is not None
    binned = sessions(history, orders.bins)
    assert binned is not None
    assert binned.totals == found.totals
    for name, layer in binned.layers.items():
        assert round(float(layer @ orders.bins.seconds)) == found.totals[name]
    return found


def disturbed(history: History) -> History:
    """Give the history in which the first session was held back, and the second got a wrong status."""
    ledger, visits = history.ledger, history.visits
    first, second = ledger.seq[ledger.sessions][:2]
    fate = np.where(ledger.seq == first, SHED, ledger.fate).astype(np.int8)
    status = np.where(visits.session == second, 500, visits.status).astype(np.int16)
    kept = visits.session != first
    fields = {name: getattr(visits, name)[kept] for name in visits.__dataclass_fields__}
    return replace(history, ledger=replace(ledger, fate=fate), visits=replace(visits, **(fields | {"status": status[kept]})))


def test_every_session_is_in_exactly_one_layer() -> None:
    found = counted(HISTORY)
    assert found.planned == found.begun == np.count_nonzero(HISTORY.ledger.sessions)
    assert found.totals["good"] == found.finished > 400
    assert found.totals["open"] == found.planned - found.finished > 0, "those at the end of the load went home"


def test_what_failed_and_what_was_held_back_are_told_apart() -> None:
    was, found = counted(HISTORY), counted(disturbed(HISTORY))
    assert (found.planned, found.begun, found.finished) == (was.planned, was.planned - 1, was.finished - 1)
    assert (found.totals["missed"], found.totals["unbegun"]) == (1, 1)


def test_a_page_shows_the_sessions_beside_the_orders() -> None:
    history = disturbed(HISTORY)
    found, report = counted(history), replace(sample_report(Outcome.PASS), plan=MADE)
    page = html.render(replace(report, history=history))
    assert page.index("Orders per second by") < page.index("Sessions per second by") < page.index(">Recovery")
    assert f"planned: {found.planned}, begun: {found.begun}<" in page
    assert "failed: 1<" in page
    assert "never begun, by the generator's fault: 1<" in page
    assert "100 orders and 10 sessions per second" in page
    assert "never begun" not in html.render(replace(report, history=HISTORY))


def test_the_document_counts_them() -> None:
    report = replace(sample_report(Outcome.PASS), plan=MADE, history=disturbed(HISTORY))
    found = counted(report.history)
    (run,) = json.loads(reporter.render(report))["runs"]
    wanted = {"planned": found.planned, "begun": found.begun, "finished": found.finished, "failed": 1}
    assert run["sessions"] == wanted


def test_where_there_are_none_nothing_is_said_of_them() -> None:
    report = sample_report(Outcome.PASS)
    assert sessions(report.history) is None
    assert "Sessions per second" not in html.render(report)
    assert json.loads(reporter.render(report))["runs"][0]["sessions"] is None
