"""The judge is judged: bad shops that must be caught, the good shop that must not be blamed."""

import shlex
import sys
from pathlib import Path

import click

from harness import gate
from harness.campaign import Flown, Manner, Sortie, fly
from harness.commands import completing, trouble
from harness.errors import SetupError
from harness.gallery.book import Book, known
from harness.gallery.entry import entry
from harness.gallery.pairs import matrix
from harness.gallery.wall import Wall
from harness.model import Outcome
from harness.progress import Progress
from harness.project import Project, find
from harness.reporters import terminal
from harness.reporters._words import visible
from harness.screen import Screen

PAGE = "gallery.md"
MOST_RUNS = 1000


@click.command("gallery")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), shell_complete=completing.scenarios)
@click.option("--defect", "defects", multiple=True, help="Only this bad shop; with FILES, in exactly those.")
@click.option("--runs", type=click.IntRange(1, MOST_RUNS), default=1, help="Runs of each pair, each with its own seed.")
@click.option("--rate", type=float, help="Orders a second in place of the scenarios'; needed evidence scales with it.")
@click.option("--out", type=click.Path(path_type=Path), help="Where run folders go (default: reports/runs).")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help=f"The page (default: docs/{PAGE}).")
@click.option("--resume", is_flag=True, help="Leave out what was decided at this commit, with this load.")
def gallery_command(  # noqa: PLR0913, PLR0917 -- one argument for each option
    files: tuple[Path, ...],
    defects: tuple[str, ...],
    runs: int,
    rate: float | None,
    out: Path | None,
    write: Path | None,
    resume: bool,  # noqa: FBT001 -- click hands options over like this
) -> None:
    """Fly bad shops where they have room to show, the good shop in the same scenarios, and write who was caught.

    Without FILES: all bad shops, in the scenarios that they are declared to show in, and the good shop in all of
    scenarios/. All are planned before the first starts. Page and book (the same name, .jsonl) are written after each run,
    so that an interruption loses nothing. Exit code 0: every bad shop was caught by what must catch it, and the good one
    never blamed; 1: a bad shop was missed, or the good one failed; 12: something stays open.
    """
    project, console = find(Path.cwd()), Screen(highlight=False)
    made = matrix(project, files, defects, runs=runs, rate=rate)
    wall = Wall(project, Book(write or project.documents / PAGE), made)
    sorties = wall.left(resume=resume)
    if resume and not known(wall.commit()):
        console.print("nothing is left out: the tree is not at a commit, so nobody knows what was flown before")
    console.print(gate.told(sorties, None) if sorties else "nothing is left to fly")
    for name in made.homeless:
        console.print(f"not flown: no scenario is declared to show {name}", style="bold", markup=False)
    wall.hang()  # that it can be written is known before the first run
    manner = Manner(out=out or project.runs, command=shlex.join(["windtunnel", *sys.argv[1:]]), wait=True)
    passage = gate.pass_through(sorties, lambda sortie: _flown(sortie, project, wall, manner, console))
    for sentence in wall.summary():
        click.echo(sentence)
    click.echo(wall.book.page)
    if passage.trouble is not None:
        click.echo(f"windtunnel: {trouble.said(passage.trouble)}", err=True)
    sys.exit(_code(passage, wall))


def _flown(sortie: Sortie, project: Project, wall: Wall, manner: Manner, console: Screen) -> Flown:
    """Fly a run and hang it on the wall, if it came to its end: what was cut short has shown nothing, and stays missing."""
    title, commit = wall.title(sortie), wall.commit()
    console.print(title, style="bold", markup=False)
    with Progress(console, title) as progress:
        ended = fly(project, sortie, manner, progress)
    terminal.show(ended.report, console)
    if ended.interrupted is not None:
        return ended
    try:
        wall.add(entry(ended.report, sortie.part, commit=commit))
    except SetupError as error:
        if ended.report.judgement.outcome is not Outcome.DIRTY:
            raise
        click.echo(f"windtunnel: {visible(str(error))}", err=True)  # that the shop is still broken is the graver news
    return ended


def _code(passage: gate.Passage, wall: Wall) -> int:
    """Give the exit code: a shop still broken first, then an interruption, what was proved, and what kept us from it."""
    if any(report.judgement.outcome is Outcome.DIRTY for report in passage.final):
        return Outcome.DIRTY.exit_code
    if passage.interrupted:
        return passage.interrupted
    code = wall.exit_code
    return gate.exit_code(passage.trouble) if passage.trouble is not None and code != Outcome.FAIL.exit_code else code
