"""Runs that live, and what dead ones left: list, stop, mend."""

import sys
from pathlib import Path

import click

from harness import care
from harness.commands import completing
from harness.commands.stored import run_folder
from harness.errors import SetupError, UsageError, WindtunnelError
from harness.model import Outcome
from harness.project import Project, find
from harness.reporters._words import visible
from harness.screen import tell


@click.command("status")
def status_command() -> None:
    """List the runs that live, the shops that stand, and what dead ones left open."""
    project = find(Path.cwd())
    found = care.found(project.runs)
    for one in found:
        state, following = _state(one)
        click.echo(f"{one.run}  {state}; {len(one.opened)} open undo(s); {len(one.things)} thing(s) on this machine")
        for opened in one.opened:
            verbs = ", ".join(f"{undo.verb} {undo.args.get('instance', undo.on)}" for undo in opened.undo)
            click.echo(visible(f"    {opened.step}: {verbs}", keep=" "))
        click.echo(f"    next: windtunnel {following}")
    if not _warned(project) and not found:
        click.echo("nothing runs, nothing is left")


@click.command("stop")
@click.argument("run", shell_complete=completing.runs)
def stop_command(run: str) -> None:
    """Stop a living run: it heals, keeps its evidence, and exits with 11."""
    project = find(Path.cwd())
    if run == "last":  # the newest folder is not always that of the run that lives
        raise UsageError("stop needs the name of one run; `windtunnel status` lists those that live")
    folder = run_folder(project, run)
    if not folder.is_dir():  # a run with --out: its containers know where its folder is
        folder = next((one.folder for one in care.found(project.runs) if one.run == run and one.folder), folder)
    care.stop(folder)
    click.echo(f"{run}: stopped and healed")


@click.command("heal")
@click.argument("runs", nargs=-1, shell_complete=completing.runs)
@click.option("--dry-run", is_flag=True, help="Only say what would be mended and removed.")
def heal_command(runs: tuple[str, ...], dry_run: bool) -> None:  # noqa: FBT001 -- click hands options over like this
    """Mend and remove what dead runs left, with or without their undo log. Living runs are not touched.

    A shop that stands is mended and stays, unless it is named.
    """
    left, project = False, find(Path.cwd())
    named = {folder.name: folder for folder in (run_folder(project, run).resolve() for run in runs)}
    found = care.found(project.runs)
    for outside in {folder.parent for folder in named.values()} - {project.runs.resolve()}:  # runs with --out
        found += tuple(one for one in care.found(outside) if one.run in named.keys() - {known.run for known in found})
    for name in sorted(named.keys() - {one.run for one in found}):
        if not named[name].is_dir():
            raise UsageError(f"{name}: there is no such run; `windtunnel status` lists all that is left")
        tell(f"{name}: nothing is left of it")
    for one in found:
        if named and one.run not in named:
            continue
        keep = one.stands and one.run not in named
        if one.alive:
            tell(f"{one.run}: lives, not touched; `windtunnel stop {one.run}` stops and heals it")
        elif keep and not care.is_ill(one):
            tell(f"{one.run}: stands, not touched; `windtunnel down {one.run}` removes it")
        elif dry_run:
            removed = "" if keep else ", ".join(one.things)
            steps = ", ".join(f"{undo.verb} {undo.args.get('instance', undo.on)}" for o in one.opened for undo in o.undo)
            tell(f"{one.run}: would play: {steps or 'nothing'}; would remove: {removed or 'nothing'}")
        else:
            left |= not _mended(one, keep=keep)
    blind = _warned(project)
    sys.exit(Outcome.DIRTY.exit_code if left else SetupError.exit_code if blind else 0)


def _state(one: care.Found) -> tuple[str, str]:
    """Say in what state a run is, and the command to type next."""
    if one.alive:
        return ("stands, and is being broken" if one.stands else "lives"), f"stop {one.run}"
    if one.stands:  # to heal it by its name would remove it
        return "stands", "heal" if one.opened else f"down {one.run}"
    return "is dead", f"heal {one.run}"


def _mended(one: care.Found, *, keep: bool) -> bool:
    """Mend one run; what keeps us from it must not keep us from the others."""
    try:
        return not care.mend(one, tell, keep=keep)
    except WindtunnelError as error:
        again = "windtunnel heal" if keep else f"windtunnel heal {one.run}"  # by its name what stands would be removed
        tell(f"{one.run}: {error}; `{again}` tries again", err=True)
        return False


def _warned(project: Project) -> bool:
    """Say it where nobody can ask the machinery of the project's shop: to see nothing is not to see that all is well."""
    why = care.unseen(project.shop().declaration.driver)
    if why:
        tell(f"windtunnel: nobody can tell what is left there: {why}", err=True)
    return bool(why)
