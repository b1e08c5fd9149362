"""How far the shop can go: the highest rate that keeps the promises of a scenario, and the part that gives way first."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from harness.campaign import Change, Manner, Sortie, fly, planned, run_id
from harness.commands import completing
from harness.cores import Cores, apart
from harness.cost import PROBE
from harness.errors import PlanError, SetupError
from harness.knee import page
from harness.knee.ladder import asked_of, ladder
from harness.knee.rungs import THROTTLED, Rung, of_all, rungs
from harness.knee.search import HIGHEST, Knee, found, next_rates
from harness.model import Outcome, noun
from harness.plan import plan
from harness.progress import Progress
from harness.project import Project, find
from harness.report import Report
from harness.reporters._words import visible
from harness.scenario import Scenario, load, parse
from harness.screen import Screen

TRY_S, AGREE = 20.0, 0.10
PAGE, FIGURES = "knee.html", "knee.json"


@noun
class _Asked:
    """What is sought, and how: the rate tried first, orders a second, how long each is tried, in s, the shop's defects."""

    project: Project
    scenario: Scenario
    first: int
    try_s: float
    defects: tuple[str, ...]
    manner: Manner
    cores: Cores

    def sortie(self, rates: Sequence[int]) -> Sortie:
        """Plan a ladder, with those looking on who tell what the parts of the shop were short of."""
        name = str(Path(self.scenario.file).with_stem(f"{self.scenario.name}_knee"))
        climbing = parse(ladder(self.scenario, rates, self.try_s), name)
        made = plan(climbing, self.project.shop(self.defects).declaration, defects=self.defects)
        return Sortie(plan=replace(made, probes=tuple(sorted({*made.probes, PROBE, THROTTLED}))), part=1, of=1)


@noun
class _Ended:
    """What a search came to; the runs of its ladders; the exit code of what ended it before its time, else None."""

    knee: Knee
    reports: tuple[Report, ...]
    code: int | None


@click.command("knee")
@click.argument("file", type=click.Path(path_type=Path), shell_complete=completing.scenarios)
@click.option(
    "--from",
    "first",
    metavar="RATE",
    type=click.IntRange(1, HIGHEST),
    help="Orders/s tried first (default: half of FILE's).",
)
@click.option("--try-s", type=click.FloatRange(10, 600), default=TRY_S, show_default=True, help="How long a rate is tried.")
@click.option("--searches", type=click.IntRange(1, 10), default=1, help="Search so often; they must agree within 10 %.")
@click.option("--defect", "defects", multiple=True, help="A switch of the gallery of bad shops.")
@click.option("--wait", is_flag=True, help="Wait while another measuring run has the machine, 30 min at most.")
@click.option("--out", type=click.Path(path_type=Path), help="Where run folders go (default: reports/runs).")
def knee_command(  # noqa: PLR0913, PLR0917 -- one argument for each option
    file: Path,
    first: int | None,
    try_s: float,
    searches: int,
    defects: tuple[str, ...],
    wait: bool,  # noqa: FBT001 -- click hands options over like this
    out: Path | None,
) -> None:
    """Find the highest rate at which the shop keeps what FILE promises, and say what gives way first.

    Rates are tried as ladders, each on one shop: a wide one, then a narrow one where it gave way. Shop and generator have
    cores of their own. Exit code 0: found; 1: an order was lost, or another promise about the whole run broken; 12: open.
    """
    project, console, scenario = find(Path.cwd()), Screen(highlight=False), load(file)
    planned(project, [file], Change(defects=defects))  # so that what is wrong with it is said in its own words
    asked_of(scenario, try_s)
    cores = apart()
    asked = _Asked(
        project=project,
        scenario=scenario,
        first=first or max(1, round(scenario.load.arrivals.orders_per_s / 2)),
        try_s=try_s,
        defects=defects,
        manner=Manner(out=out or project.runs, command=shlex.join(["windtunnel", *sys.argv[1:]]), wait=wait, apart=cores),
        cores=cores,
    )
    ended: list[_Ended] = []
    while len(ended) < searches and (not ended or ended[-1].code is None):
        ended.append(_searched(asked, console))
        console.print(_table(ended[-1].knee))
        for sentence in page.sentences(ended[-1].knee):
            console.print(Text(visible(sentence)), soft_wrap=True)
    code = _code(ended, console) if ended[-1].code is None else ended[-1].code
    try:
        if any(one.knee.rungs for one in ended):
            console.print(Text(f"Page: {_write(asked, ended)}"), soft_wrap=True)
    except SetupError as error:
        if ended[-1].code is None:
            raise
        click.echo(f"windtunnel: {visible(str(error))}", err=True)  # what ended the search is the graver news
    sys.exit(code)


def _searched(asked: _Asked, console: Screen) -> _Ended:
    """Fly ladders until the knee is known, or cannot be."""
    seen: tuple[Rung, ...] = ()
    reports: list[Report] = []
    code: int | None = None
    while code is None and (rates := next_rates(seen, asked.first)):
        try:
            sortie = asked.sortie(rates)
        except PlanError as error:
            if not reports:
                raise
            console.print(Text(f"The search ends: so few orders prove nothing: {visible(str(error))}"), soft_wrap=True)
            code = Outcome.INCONCLUSIVE.exit_code
            break
        title = f"{asked.scenario.name}: {', '.join(f'{rate:,}' for rate in rates)} orders/s"
        console.print(title, style="bold", markup=False)
        with Progress(console, title) as progress:
            flown = fly(asked.project, sortie, asked.manner, progress)
        console.print(Text(visible(f"Report: {flown.report.folder}/report.html")), soft_wrap=True)
        reports.append(flown.report)
        tried = rungs(flown.report)
        seen = tuple(sorted((*seen, *tried), key=lambda one: one.per_s))
        if flown.report.judgement.outcome is Outcome.DIRTY:
            code = Outcome.DIRTY.exit_code
            console.print(Text(f"To mend: windtunnel heal {visible(flown.report.folder.name)}"), soft_wrap=True)
        elif flown.interrupted is not None:
            code = flown.interrupted
        elif len(tried) < len(rates):
            code = Outcome.INCONCLUSIVE.exit_code
    return _Ended(knee=found(seen, len(asked.cores.shop)), reports=tuple(reports), code=code)


def _code(ended: Sequence[_Ended], console: Screen) -> int:
    """Give the exit code: what was not kept, or not shown to be kept, in a whole run first; then what else stays open."""
    amiss = [
        verdict
        for one in ended
        for report in one.reports
        for verdict in of_all(report)
        if verdict.outcome is not Outcome.PASS
    ]
    for verdict in amiss:
        sentence = f"{verdict.outcome.name} {verdict.objective}: {verdict.because}"
        console.print(Text(visible(sentence), style="bold"), soft_wrap=True)
    if amiss:
        return max(verdict.outcome for verdict in amiss).exit_code
    rates = [one.knee.per_s for one in ended]
    if max(rates) > (1 + AGREE) * min(rates):
        console.print(f"The searches do not agree within {AGREE:.0%}: {', '.join(f'{rate:,}' for rate in rates)} orders/s")
        return Outcome.INCONCLUSIVE.exit_code
    return max(one.knee.outcome for one in ended).exit_code


def _table(sought: Knee) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=box.HORIZONTALS)
    for head in page.HEADS:
        table.add_column(head, justify="left" if head == page.HEADS[-1] else "right")
    for one in sought.rungs:
        table.add_row(*page.cells(one))
    return table


def _write(asked: _Asked, ended: Sequence[_Ended]) -> Path:
    """Write page and figures beside the runs; give the page. Raises ``SetupError``."""
    run = next(report.history.run for one in ended for report in one.reports)
    told = page.Told(
        scenario=asked.scenario.file,
        shop=asked.project.shop_name,
        defects=asked.defects,
        machine=run.machine if run else "",
        commit=run.commit if run else "",
        command=asked.manner.command,
    )
    folder = asked.manner.out.parent / "knees" / run_id(asked.scenario.name)
    sought = [one.knee for one in ended if one.knee.rungs]
    try:
        folder.mkdir(parents=True)
        (folder / FIGURES).write_bytes(page.figures(told, sought))
        (folder / PAGE).write_text(page.render(told, sought), encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{folder}: the page cannot be written: {error}; free some space") from error
    return folder / PAGE
