"""The command line. Exit codes: 0 PASS, 1 FAIL, 2 usage, 10 environment, 11 stopped, 12 INCONCLUSIVE, 13 DIRTY, 130, 143."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from harness import cores, dryrun, gate
from harness.campaign import Change, Flown, Manner, Sortie, demand_browser, fly, planned
from harness.commands import (
    completing,
    explaining,
    gallery,
    generating,
    history,
    knee,
    machine,
    shop,
    stored,
    tending,
    trouble,
)
from harness.cores import Cores
from harness.errors import SetupError, UsageError
from harness.interrupts import EXIT_CODES
from harness.progress import Progress
from harness.project import find
from harness.reporters import json, junit, terminal
from harness.screen import Screen

FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), shell_complete=completing.scenarios
)
SEED = click.option("--seed", type=int, help="The seed in place of the scenario's.")
DEFECT = click.option("--defect", multiple=True, help="A switch of the gallery of bad shops.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="windtunnel")
def cli() -> None:
    """Prove, with evidence, whether an online shop keeps its promises while things break."""


@cli.command("plan")
@FILES
@click.option("--rate", type=float, help="Orders a second in place of the scenario's.")
@SEED
@DEFECT
def plan_command(files: tuple[Path, ...], rate: float | None, seed: int | None, defect: tuple[str, ...]) -> None:
    """Show what would happen, and start nothing."""
    project = find(Path.cwd())
    sorties = planned(project, files, Change(rate=rate, seed=seed, defects=defect))
    demand_browser(sorties)
    for sortie in sorties:
        click.echo(dryrun.told(sortie.plan))


@cli.command("run")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), shell_complete=completing.scenarios)
@click.option("--tag", help="Only scenarios with this tag; without FILES, of all in scenarios/.")
@click.option("--rate", type=float, help="Orders a second in place of the scenario's; needed evidence scales with it.")
@click.option("--keep", is_flag=True, help="Leave the shop running afterwards.")
@click.option("--wait", is_flag=True, help="Wait while another measuring run has the machine, 30 min at most.")
@click.option("--generators", type=click.IntRange(1, 64), default=1, help="Processes that share the load, each on a core.")
@click.option("--gather", metavar="HOST:PORT", default="", help="They join here from elsewhere: `windtunnel generator`.")
@click.option("--apart", is_flag=True, help="Give the generator a core of its own, the shop all others, as `knee` does.")
@SEED
@DEFECT
@click.option("--max-minutes", type=click.FloatRange(min=0, min_open=True), help="Refuse, or leave out, what takes longer.")
@click.option(
    "--retry-inconclusive",
    "again",
    metavar="TIMES",
    type=click.IntRange(0, 5),
    default=0,
    help="Fly again what was not decided.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where run folders go (default: reports/runs).")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML of all runs here too.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write JSON of all runs here too.")
@click.option("--summary", type=click.Path(path_type=Path), help="Write a Markdown summary here, beside GitHub's.")
def run_command(  # noqa: PLR0913, PLR0917 -- one argument for each option
    files: tuple[Path, ...],
    tag: str | None,
    rate: float | None,
    keep: bool,  # noqa: FBT001 -- click hands options over like this
    wait: bool,  # noqa: FBT001 -- the same
    generators: int,
    gather: str,
    apart: bool,  # noqa: FBT001 -- the same
    seed: int | None,
    defect: tuple[str, ...],
    max_minutes: float | None,
    again: int,
    out: Path | None,
    junit_path: Path | None,
    json_path: Path | None,
    summary: Path | None,
) -> None:
    """Run scenarios. All are planned before the first starts; the worst outcome is the exit code."""
    _try_writing(junit_path, json_path, summary)  # first of all: what an earlier command wrote is not about these runs
    project = find(Path.cwd())
    console = Screen(highlight=False)
    sorties = planned(project, gate.chosen(project, files, tag), Change(rate=rate, seed=seed, defects=defect))
    demand_browser(sorties)
    console.print(gate.told(sorties, max_minutes))
    command = shlex.join(["windtunnel", *sys.argv[1:]])
    if gather:
        generating.can_gather(gather, len(sorties))
    manner = Manner(out=out or project.runs, command=command, keep=keep, wait=wait, generators=generators, gather=gather)
    if apart:
        manner = replace(manner, apart=_apart(sorties, manner))

    def flown(sortie: Sortie) -> Flown:
        with Progress(console, sortie.plan.scenario.name) as progress:
            ended = fly(project, sortie, manner, progress)
        terminal.show(ended.report, console)
        return ended

    passage = gate.pass_through(sorties, flown, minutes=max_minutes, again=again)
    for left_out in passage.not_flown if passage.trouble is None or passage.reports else ():
        console.print(f"not run: {left_out}", style="bold")
    _tell(passage, junit_path, json_path, summary)
    for line in gate.annotations(passage):
        click.echo(line)
    if passage.trouble is not None:
        click.echo(f"windtunnel: {trouble.said(passage.trouble)}", err=True)
    sys.exit(passage.exit_code)


def _apart(sorties: Sequence[Sortie], manner: Manner) -> Cores:
    """Share out the cores. Raises ``UsageError`` where not all would keep to theirs, ``SetupError`` for a single core."""
    if manner.generators > 1 or manner.gather:
        raise UsageError("--apart: one generator has a core of its own; leave --generators and --gather out")
    for sortie in sorties:
        if sortie.plan.added:
            raise UsageError(f"--apart: {sortie.plan.scenario.file} adds to the shop, and what is added runs on every core")
    return cores.apart()


def _tell(passage: gate.Passage, junit_path: Path | None, json_path: Path | None, summary: Path | None) -> None:
    """Write the pages that were asked for. One that cannot be written changes no verdict, but is no success either."""
    for tell in (
        partial(_write, junit_path, junit.render_all(passage.final, passage.not_flown)),
        partial(_write, json_path, json.render_all(passage.final, passage.not_flown)),
        partial(gate.summarize, passage, summary),
    ):
        try:
            tell()
        except SetupError as error:
            passage.trouble = passage.trouble or error


def _try_writing(*paths: Path | None) -> None:
    """Make sure before the first run that what is to be written after the last can be. Raises ``SetupError``."""
    for path in (path for path in paths if path is not None):
        new = not path.exists()
        _write(path, "")  # what an earlier command wrote there must not be taken for the word on these runs
        if new:
            path.unlink()


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{path}: cannot be written: {error}; name another file: each run has its own") from error


for command in (
    stored.judge_command,
    stored.report_command,
    tending.status_command,
    tending.stop_command,
    tending.heal_command,
    history.runs_command,
    gallery.gallery_command,
    knee.knee_command,
    generating.generator_command,
    explaining.explain_command,
    machine.doctor_command,
    machine.images_group,
    completing.completion_command,
    shop.up_command,
    shop.down_command,
    shop.break_command,
    shop.load_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors of the house become one message and their exit code, never a traceback."""
    if sys.platform != "linux":
        click.echo(f"windtunnel: {sys.platform}: Linux is needed, for the guardian, its locks and its namespaces", err=True)
        sys.exit(SetupError.exit_code)
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("windtunnel: interrupted; no run was under way", err=True)
        sys.exit(EXIT_CODES["SIGINT"])
    except Exception as error:  # noqa: BLE001 -- people get one line, never a traceback
        click.echo(f"windtunnel: {trouble.said(error)}", err=True)
        sys.exit(gate.exit_code(error))
