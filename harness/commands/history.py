"""Runs that were: list them, and keep their heap within a bound."""

import sys
from pathlib import Path

import click

from harness import archive
from harness.archive import GIB, KEEP, MAX_GIB, Bound, Kept
from harness.errors import SetupError, UsageError
from harness.project import find
from harness.reporters._words import utc, visible

MIB = 2**20


@click.command("runs")
@click.option("--prune", is_flag=True, help=f"Remove the oldest beyond a bound: {KEEP} runs and {MAX_GIB:g} GiB.")
@click.option("--keep", type=click.IntRange(min=0), help="With --prune: this many runs is the bound, not size.")
@click.option("--max-gib", type=click.FloatRange(min=0), help="With --prune: this size is the bound, not number.")
def runs_command(prune: bool, keep: int | None, max_gib: float | None) -> None:  # noqa: FBT001 -- click hands it over like this
    """List stored runs, newest first. A run that lives, has open undos or left something is never removed."""
    asked = keep is not None or max_gib is not None
    if asked and not prune:
        raise UsageError("--keep and --max-gib bound what --prune leaves; nothing was removed")
    runs = archive.stored(find(Path.cwd()).runs)
    if not prune:
        for run in runs:
            click.echo(visible(_line(run)))
        click.echo(_sum(runs))
        return
    size_bytes = None if max_gib is None else round(max_gib * GIB)
    bound = Bound(runs=keep, size_bytes=size_bytes) if asked else Bound(runs=KEEP, size_bytes=round(MAX_GIB * GIB))
    left = archive.prune(runs, bound, lambda line: click.echo(visible(line)))
    click.echo(f"removed {len(runs) - len(left)}; {_sum(left)}")
    if bound.broken(left):
        sys.exit(_told(left))


def _line(run: Kept) -> str:
    started = "unknown start        " if run.started_ns is None else f"{utc(run.started_ns)}Z"
    outcome = run.outcome.name if run.outcome is not None else "not judged"
    mark = f"  {run.needed}" if run.needed else ""
    return f"{run.folder.name:48s}  {started}  {run.scenario or 'unknown':24s}  {outcome:12s}  {_mib(run):>10s}{mark}"


def _mib(*runs: Kept) -> str:
    return f"{sum(run.size_bytes for run in runs) / MIB:,.1f} MiB"


def _sum(runs: tuple[Kept, ...]) -> str:
    return f"{len(runs)} run(s), {_mib(*runs)}"


def _told(left: tuple[Kept, ...]) -> int:
    """Say why the bound does not hold; give the exit code."""
    click.echo("windtunnel: the bound does not hold: these stay:", err=True)
    for run in left:
        click.echo(visible(f"    {run.folder.name}: {run.needed or 'could not be removed, see above'}"), err=True)
    return SetupError.exit_code
