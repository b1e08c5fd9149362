"""Makes up a stored run of the reference shop, as large as one likes: a run folder on disk that the judge must pass."""

from dataclasses import replace
from pathlib import Path

from harness import events
from harness.audited import Audit
from harness.history import History
from harness.load.ledger import COLUMNS, TEXTS, Writer
from harness.model import noun
from harness.plan import plan
from harness.planned import Plan
from harness.project import Project
from harness.scenario import parse
from harness.store import JOURNAL, ORDERS, SCENARIO, JournalWriter, write_audit
from tests.fake_runs import AFTER_S, a_history, end_ns

FLAGSHIP = "db_primary_lost"
CHUNK = 360  # rows that the load child writes at a time: about those of a second


@noun
class Stored:
    """A made-up run on disk, and how many arrivals are in its ledger."""

    folder: Path
    arrivals: int


def a_stored_run(project: Project, folder: Path, arrivals: int) -> Stored:
    """Store a run of the flagship, in which the primary is held down for as long as it takes to offer so many arrivals."""
    text = (project.root / "scenarios" / f"{FLAGSHIP}.toml").read_text(encoding="utf-8")
    folder.mkdir(parents=True)
    (folder / SCENARIO).write_text(_held(text, arrivals), encoding="utf-8")
    made = _planned(project, folder)
    history = a_history(made)
    _write_ledger(folder, history, end_ns(made))
    write_audit(folder, _stocked(history.audit))
    _write_journal(folder, history, project)
    return Stored(folder=folder, arrivals=len(history.ledger))


def _stocked(audit: Audit | None) -> Audit:
    """Give the audit of a shop that had enough in stock for all of it."""
    assert audit is not None
    return replace(audit, stock=tuple(replace(level, initial=level.sold + 1, final=1) for level in audit.stock))


def _held(text: str, arrivals: int) -> str:
    """Give the scenario with ``hold_s`` such that the whole load makes ``arrivals``."""
    load = parse(text, FLAGSHIP).load
    seconds = arrivals / (load.arrivals.orders_per_s + load.products_per_s)
    hold_s = round(seconds - load.warm_up_s - load.baseline_s - AFTER_S)
    return text.replace("hold_s = 60", f"hold_s = {hold_s}").replace("stable_s  = 15", f"stable_s  = {AFTER_S - 2}")


def _planned(project: Project, folder: Path) -> Plan:
    text = (folder / SCENARIO).read_text(encoding="utf-8")
    return plan(parse(text, str(folder / SCENARIO)), project.shop(()).declaration)


def _write_ledger(folder: Path, history: History, until_ns: int) -> None:
    """Write the rows in the order in which they were done, as the load child does."""
    ledger = history.ledger
    columns = [getattr(ledger, name).tolist() for name in COLUMNS] + [getattr(ledger, name) for name in TEXTS]
    writer = Writer(folder / ORDERS)
    rows = sorted(zip(*columns, strict=True), key=lambda row: row[COLUMNS.index("done_ns")])
    for number, row in enumerate(rows, 1):
        writer.add(row)
        if number % CHUNK == 0:
            writer.flush()
    writer.seal(until_ns)


def _write_journal(folder: Path, history: History, project: Project) -> None:
    """Write the records of the made-up run, the first of them as a run of this project, and the seal."""
    journal = JournalWriter(folder / JOURNAL)
    for event in history.events:
        if isinstance(event, events.Run):
            journal.append(replace(event, shop=project.shop_name))
        elif not isinstance(event, events.Sealed):
            journal.append(event)
    journal.seal(history.events[-1].at_ns)
