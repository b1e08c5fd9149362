"""The runs of a campaign in one Markdown table, for the summary page of a CI job: what did not pass, and why.

A run that passed is one row; of any other, each objective that did not pass is one. Of a run that was flown again every
attempt is shown. Texts from outside cannot become markup; at most ``LIMIT`` bytes, then it says how many rows are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

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


def render_all(reports: Sequence[Report], not_flown: Sequence[str] = ()) -> str:
    """Give the summary of several, in the order in which they were flown; ``not_flown`` says what was left out, and why."""
    last = {_key(report): report for report in reports}
    worst = max((report.judgement.outcome for report in last.values()), default=Outcome.INCONCLUSIVE)
    worst = max(worst, Outcome.INCONCLUSIVE) if not_flown else worst
    passed = sum(report.judgement.outcome is Outcome.PASS for report in last.values())
    text = f"## {MARK[worst]} windtunnel: {worst.name}, {passed} of {len(last) + len(not_flown)} runs passed\n\n"
    text += f"{MEANING[worst]}\n\n{HEAD}"
    rows = [*_rows(reports), *(f"| {UNDECIDED} not flown | {escaped(why)} | | | | |\n" for why in not_flown)]
    for number, row in enumerate(rows):
        if len(text.encode()) + len(row.encode()) > LIMIT:
            text += f"\n{len(rows) - number} more rows are in the reports.\n"
            break
        text += row
    return text


def escaped(text: str) -> str:
    """Give a text from outside as it can stand in a table: shown as it is, on one line, never markup, link or entity."""
    return re.sub(r"([\\`*_\[\]<>&|~$:@#])", r"\\\1", visible(text, most=CELL))


def _rows(reports: Sequence[Report]) -> Iterator[str]:
    """Give the rows: one for a run that passed, else one for each objective that did not."""
    attempts = Counter(map(_key, reports))
    seen: Counter[tuple[str, int]] = Counter()
    for report in reports:
        key = _key(report)
        seen[key] += 1
        attempt = f", attempt {seen[key]} of {attempts[key]}" if attempts[key] > 1 else ""
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


def _key(report: Report) -> tuple[str, int]:
    """Tell attempts at the same run from other runs."""
    return report.plan.scenario.file, report.history.run.part if report.history.run else 1
