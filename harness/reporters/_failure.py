"""One objective that did not pass, told to whoever looks at a test's output: figures, orders, logs, what to type next."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from harness.events import ClockPair
from harness.history import FATES, History
from harness.model import Verdict
from harness.report import Report
from harness.reporters._words import figures, visible

ROWS, LINES, LINE_LONGEST = 5, 12, 200
BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=3)


def failure(report: Report, verdict: Verdict) -> str:
    """Tell it, in at most some forty lines of plain text that cannot act on a terminal."""
    return "\n".join(_lines(report, verdict))


def again(report: Report) -> str:
    """Give the command that repeats a run: the same scenario, load, seed and defects."""
    scenario, run = report.plan.scenario, report.history.run
    if run and not scenario.file.endswith(".toml"):  # written in a test
        return run.command
    words = ["windtunnel", "run", scenario.file]
    if run:
        words += ["--seed", str(run.seed - run.part + 1)]
    if report.plan.scale != 1:
        words += ["--rate", f"{report.plan.orders_per_s:g}"]
    for defect in report.plan.defects:
        words += ["--defect", defect]
    return shlex.join(words)


def _lines(report: Report, verdict: Verdict) -> Iterator[str]:
    history = report.history
    yield f"{verdict.outcome.name}  {visible(verdict.objective)}: {visible(verdict.because)}"
    for figure in figures(verdict.measured, verdict.limit):
        limit = f"  (limit: {figure.limit})" if figure.limit else ""
        yield f"  measured  {figure.name} {figure.value} {figure.unit}".rstrip() + limit
    yield f"  evidence  {verdict.evidence:,} of {verdict.needed:,} needed"
    for example in verdict.examples[:ROWS]:
        yield f"  example   {visible(example, most=LINE_LONGEST)}"
    failed = _failed(history)
    if len(failed):
        yield f"  the first of {len(failed):,} orders that were not served well:"
        yield "            seq       due      sent      done  fate          status  attempts  order id"
        yield from (_order(history, int(row)) for row in failed[:ROWS])
    about_ns = int(history.ledger.intended_ns[failed[0]]) if len(failed) else None
    if about_ns is None and history.disturbances:
        about_ns = history.disturbances[0].at_ns
    logs = tuple(_logs(report, about_ns)) if about_ns is not None else ()
    if logs and about_ns is not None:
        yield f"  logs around T+{about_ns / 1e9:.1f} s:"
        yield from (f"    {line}" for line in logs)
    yield f"  report    {visible(str(report.folder))}/report.html"
    yield f"  again     {visible(again(report))}"


def _failed(history: History) -> NDArray[np.int64]:
    """Give the rows of orders that were lost or not served well, those from the first disturbance on before others."""
    rows = np.flatnonzero(history.ledger.orders & ~history.good)
    begun_ns = history.disturbances[0].at_ns if history.disturbances else 0
    since = rows[history.ledger.intended_ns[rows] >= begun_ns]
    lost = rows[history.lost[rows]]
    return next((found for found in (lost, since) if len(found)), rows)


def _order(history: History, row: int) -> str:
    """Write one row of the ledger; times in seconds since the run's zero."""
    ledger = history.ledger
    times = (ledger.intended_ns[row], ledger.sent_ns[row], ledger.done_ns[row])
    due, sent, done = (f"{at / 1e9:.3f}" if at >= 0 else "-" for at in times)
    fate = "lost" if history.lost[row] else FATES[ledger.fate[row]]
    return (
        f"  {ledger.seq[row]:>13} {due:>9} {sent:>9} {done:>9}  {fate:<12}  {ledger.status[row]:>6}  "
        f"{ledger.attempts[row]:>8}  {visible(ledger.order_id[row], most=LINE_LONGEST)}"
    )


def _logs(report: Report, about_ns: int) -> Iterator[str]:
    """Give log lines that begin with a time around a moment, a few of each instance, oldest first."""
    pairs = tuple(report.history.all(ClockPair))
    if not pairs:
        return
    pair = min(pairs, key=lambda one: abs(one.at_ns - about_ns))
    moment = datetime.fromtimestamp((pair.wall_ns + about_ns - pair.at_ns) / 1e9, UTC)
    each = max(1, LINES // max(1, len(report.logs)))
    found = []
    for name, text in report.logs.items():
        lines = [(at, f"{name}: {line}") for line in text.splitlines() if (at := _time(line)) is not None]
        found += [one for one in lines if moment - BEFORE <= one[0] <= moment + AFTER][:each]
    yield from (visible(line, most=LINE_LONGEST) for _, line in sorted(found))


def _time(line: str) -> datetime | None:
    """Read the time that an engine writes before a line of log: ISO 8601 in UTC; None where there is none."""
    word = line.partition(" ")[0]
    try:
        return datetime.fromisoformat(word) if word.endswith("Z") else None
    except ValueError:
        return None
