"""What a shell may complete: files, names and ids that are cheap to find. Asks no engine, imports no shop."""

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from harness import explain, mark, registry
from harness.errors import UsageError
from harness.project import Project, find, near

PROGRAM = "windtunnel"
SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script that lets a SHELL complete: `eval "$(windtunnel completion bash)"`, `… fish | source`."""
    cls = get_completion_class(shell)
    if cls is None:
        raise UsageError(f"{shell}: this click knows no completion for it; known: {', '.join(SHELLS)}")
    click.echo(cls(context.find_root().command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source())


def scenarios(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's
    """Give the project's scenario files as one would type them here; else let the shell complete any file."""
    project = _project()
    files = [str(near(file)) for file in sorted((project.root / "scenarios").glob("*.toml"))] if project else []
    return _beginning(incomplete, files) or [CompletionItem(incomplete, type="file")]


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's
    """Give the ids of stored runs, newest first, and ``last``."""
    project = _project()
    ids = sorted((folder.name for folder in project.runs.glob("*/")), reverse=True) if project else []
    return _beginning(incomplete, [*ids, "last"])


def kinds(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's
    """Give the names of scenarios, faults, checkers and probes."""
    return _beginning(incomplete, explain.names(_project()))


def faults(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's
    """Give the kinds of faults."""
    return _beginning(incomplete, registry.kinds("faults"))


def standing(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's
    """Give the names of the shops that stand."""
    project = _project()
    return _beginning(incomplete, sorted(f.name for f in project.runs.glob("*/") if mark.is_set(f)) if project else [])


def _beginning(incomplete: str, words: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _project() -> Project | None:
    try:
        return find(Path.cwd())
    except (UsageError, OSError):
        return None
