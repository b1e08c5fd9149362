"""The table of objectives for people at a terminal, then the outcome in words and where the report is."""

import io

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.model import Outcome, Verdict
from harness.report import Report
from harness.reporters._story import mending, story
from harness.reporters._words import MEANING, Figure, figures, visible

FILE = "summary.txt"
COLUMNS = 120  # of the stored file
ROOMY = 100  # from this width on a sentence fits beside the figures
LINES = 5  # figures of one objective; the other reports hold them all
COLOUR = {Outcome.PASS: "green", Outcome.INCONCLUSIVE: "yellow", Outcome.FAIL: "red", Outcome.DIRTY: "magenta"}


def render(report: Report) -> str:
    """Give the plain text, without colour, 120 columns wide."""
    file = io.StringIO()
    show(report, Console(file=file, width=COLUMNS, color_system=None, force_terminal=False))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def show(report: Report, console: Console) -> None:
    """Print it to a console; rich leaves colours away where that is no terminal."""
    told, outcome = story(report), report.judgement.outcome
    console.print(_line("", report.plan.scenario.name, "bold"))
    console.print(_line("Promised: ", told.promised))
    console.print(_line("Happened: ", told.happened))
    console.print()
    console.print(_objectives(report.judgement.verdicts, console.width))
    for doubt in report.judgement.doubts:
        console.print(_line("Doubt: ", visible(doubt.because)))
    console.print(Text.assemble((outcome.name, f"bold {COLOUR[outcome]}"), f": {MEANING[outcome]}"))
    console.print(_line("To be trusted? ", told.trust))
    for command in mending(report):
        console.print(_line("To mend: ", visible(command), "bold"))
    console.print(_line("Report: ", visible(f"{report.folder}/report.html")), soft_wrap=True)


def _objectives(verdicts: tuple[Verdict, ...], width: int) -> RenderableType:
    """The table, each sentence below the objective's name; where there is no room for it, below the table."""
    roomy = width >= ROOMY
    table = Table(header_style="bold", pad_edge=False, box=box.HORIZONTALS, show_lines=True)
    table.add_column("objective", overflow="fold", ratio=1 if roomy else None)
    for title in ("measured", "limit", "unit"):
        table.add_column(title, overflow="fold")
    table.add_column("outcome", no_wrap=True)
    sentences = []
    for verdict in verdicts:
        name, because = visible(verdict.objective), visible(verdict.because)
        first = Text.assemble((name, "bold"), f"\n{because}") if roomy else Text(name)
        table.add_row(first, *_figures(verdict), Text(verdict.outcome.name, style=COLOUR[verdict.outcome]))
        if not roomy:
            sentences.append(_line(f"{name}: ", because))
    return Group(table, *sentences)


def _figures(verdict: Verdict) -> tuple[Text, Text, Text]:
    """The cells for measured values, limits and units, a line each."""
    lines = figures(verdict.measured, verdict.limit)
    more = len(lines) - LINES
    if more > 0:
        lines = (*lines[:LINES], Figure(name=f"({more} more in the report)", value="", limit="", unit=""))
    return (
        Text("\n".join(f"{line.name} {line.value}".strip() for line in lines)),
        Text("\n".join(line.limit for line in lines)),
        Text("\n".join(line.unit for line in lines)),
    )


def _line(label: str, text: str, style: str = "") -> Text:
    return Text.assemble((label, "dim"), (visible(text), style))
