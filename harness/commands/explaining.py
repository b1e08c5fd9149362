"""What a name means, without starting anything."""

from pathlib import Path

import click

from harness.commands import completing
from harness.errors import UsageError
from harness.explain import explain
from harness.project import find
from harness.reporters._words import visible


@click.command("explain")
@click.argument("name", shell_complete=completing.kinds)
def explain_command(name: str) -> None:
    """Say what NAME means: a scenario (file or stem), a fault, a checker, a probe, or a defect of the shop."""
    try:
        project = find(Path.cwd())
    except UsageError:
        project = None
    click.echo("\n".join(visible(line) for line in explain(name, project).splitlines()))
