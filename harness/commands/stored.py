"""Stored runs: judge them again, write their reports again."""

import sys
from pathlib import Path

import click

from harness.campaign import NAME_LONGEST
from harness.commands import completing
from harness.conclude import conclude, write
from harness.errors import UsageError
from harness.project import Project, find
from harness.reporters import terminal
from harness.screen import Screen
from harness.store import SCENARIO


@click.command("judge")
@click.argument("run", shell_complete=completing.runs)
def judge_command(run: str) -> None:
    """Judge a stored run again: the same folder gives the same verdicts, byte for byte."""
    project = find(Path.cwd())
    folder = run_folder(project, run)
    report = conclude(folder, project)
    write(report, folder)
    terminal.show(report, Screen(highlight=False))
    sys.exit(report.judgement.outcome.exit_code)


@click.command("report")
@click.argument("run", shell_complete=completing.runs)
def report_command(run: str) -> None:
    """Write the reports of a stored run again."""
    project = find(Path.cwd())
    folder = run_folder(project, run)
    write(conclude(folder, project), folder)
    click.echo(folder / "report.html")


def run_folder(project: Project, run: str) -> Path:
    """Find a run folder by path or id; ``last`` is the newest."""
    if run == "last":
        return max((file.parent for file in project.runs.glob(f"*/{SCENARIO}")), default=project.runs / run)
    try:
        return Path(run) if Path(run).is_dir() else project.runs / run
    except OSError as error:
        raise UsageError(f"{run[:NAME_LONGEST]}…: {error.strerror}; `windtunnel status` lists runs") from error
