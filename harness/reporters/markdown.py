"""The runs of a campaign in one Markdown table, for the summary page of a CI job: what did not pass, and why.

A run that passed is one row; of any other, each objective that did not pass is one. Of a run that was flown again every
attempt is shown. Texts from outside cannot become markup; at most ``LIMIT`` bytes, then it says how many rows are left out.
"""

import re
from collections.abc import Container, Iterator, Sequence

from harness.model import Outcome, Verdict
from harness.report import Report
from harness.reporters._story import story
from harness.reporters._words import MEANING, figures, visible

FILE = "summary.md"
LIMIT = 190 * 1024  # GitHub takes a mebibyte for a step; other places less
CELL = 600
HEAD = "| outcome | scenario | objective | measured | limit | |\n|---|---|---|---|---|---|\n"
MARK = {Outcome.PASS: "✅", Outcome.INCONCLUSIVE: "❔", Outcome.FAIL: "❌", Outcome.DIRTY: "🟪"}
UNDECIDED = MARK[Outcome.INCONCLUSIVE]


def render(report: Report) -> str:
    """Give the summary of one run."""
    return render_all([report])


def render_all(reports: Sequence[Report], not_flown: Sequence[str] = (), final: Sequence[Report] | None = None) -> str:
    """Give the summary of several, in the order in which they were flown; ``not_flown`` says what was left out, and why.

    ``final`` are those that count, where some were attempts at the same run; all of them by default.
    """
    counts = reports if final is None else final
    worst = max((report.judgement.outcome for report in counts), default=Outcome.INCONCLUSIVE)
    worst = max(worst, Outcome.INCONCLUSIVE) if not_flown else worst
    passed = sum(report.judgement.outcome is Outcome.PASS for report in counts)
    text = f"## {MARK[worst]} windtunnel: {worst.name}, {passed} of {len(counts) + len(not_flown)} runs passed\n\n"
    text += f"{MEANING[worst]}\n\n{HEAD}"
    rows = [
        *_rows(reports, {id(report) for report in counts}),
        *(f"| {UNDECIDED} not flown | {escaped(why)} | | | | |\n" for why in not_flown),
    ]
    for number, row in enumerate(rows):
        if len(text.encode()) + len(row.encode()) > LIMIT:
            text += f"\n{len(rows) - number} more rows are in the reports.\n"
            break
        text += row
    return text


def escaped(text: str) -> str:
    """Give a text from outside as it can stand in a table: shown as it is, on one line, never markup, link or entity."""
    shown = re.sub(r"([\\`*_\[\]<>&|~$:@#])", r"\\\1", visible(text, most=CELL))
    return re.sub(r"(?i)(www)\.", r"\1\\.", shown)  # or else GitHub links to it


def _rows(reports: Sequence[Report], counting: Container[int]) -> Iterator[str]:
    """Give the rows: one for a run that passed, else one for each objective that did not."""
    for report in reports:
        attempt = "" if id(report) in counting else ", flown again"
        run = report.history.run
        part = f", run {run.part} of {run.of}" if run and run.of > 1 else ""
        name = f"{escaped(report.plan.scenario.name)}{part}{attempt}"
        bad = [verdict for verdict in report.judgement.verdicts if verdict.outcome is not Outcome.PASS]
        if report.judgement.outcome is Outcome.PASS or not bad:
            outcome, count = report.judgement.outcome, len(report.judgement.verdicts)
            yield f"| {MARK[outcome]} {outcome.name} | {name} | all {count} | | | {escaped(story(report).happened)} |\n"
        else:
            yield from (_row(name, verdict) for verdict in bad)


def _row(name: str, verdict: Verdict) -> str:
    """Give the row of one objective, with the figures that have a limit."""
    shown = [one for one in figures(verdict.measured, verdict.limit) if one.limit]
    measured = "<br>".join(escaped(f"{one.name} {one.value} {one.unit}".strip()) for one in shown)
    limit = "<br>".join(escaped(one.limit) for one in shown)
    outcome = f"{MARK[verdict.outcome]} {verdict.outcome.name}"
    return f"| {outcome} | {name} | {escaped(verdict.objective)} | {measured} | {limit} | {escaped(verdict.because)} |\n"
