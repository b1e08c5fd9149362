"""A container that is told something by a command inside it: to answer by another configuration, and by its own again.

How one tells that it has another, and how it gets back its own, are shell lines in its labels, as whoever started it wrote
them: so that it can be mended by those who know no more than that it runs.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from docker.models.containers import Container

from harness.drivers import Deviation
from harness.drivers.docker_client import ASTRAY, CONTROL_S, INSTANCE, RESTORE, controlled
from harness.errors import ControlError
from harness.model import Break, Residue, Undo


def upkeep(astray: str, restore: str) -> Mapping[str, str]:
    """Give the labels of a container that can be told something.

    ``astray`` is a shell line that prints what it was told, nothing where that is nothing; ``restore`` one that takes it
    back. A fresh start of the container must do so too.
    """
    return {ASTRAY: astray, RESTORE: restore}


def commanding(container: Container, command: Sequence[str], typed: str) -> Break:
    """Prepare a command inside a container that has an ``upkeep``, whose ``restore`` is the undo."""

    def act() -> None:
        _run(container, command)

    return Break(undo=(_restoring(container),), act=act, typed=typed)


def restore(container: Container, undo: Undo) -> None:
    """Run a shell line that takes back what a container was told; twice is harmless, and a fresh start has done it."""
    if container.status in ("running", "paused"):
        _run(container, ["sh", "-c", str(undo.args["command"])])


def astray(container: Container) -> Iterator[Deviation]:
    """Say whether a container has been told something; one that runs and does not tell is to take it back all the same."""
    if ASTRAY not in container.labels or container.status != "running":
        return
    try:
        told = _run(container, ["sh", "-c", container.labels[ASTRAY]])
    except ControlError as error:
        what = f"does not tell how it is configured: {error}"
    else:
        what = f"configured {told}" if told else ""
    if what:
        yield Deviation(residue=Residue(on=container.labels[INSTANCE], what=what), undo=_restoring(container))


def _restoring(container: Container) -> Undo:
    args = {"instance": container.labels[INSTANCE], "command": container.labels[RESTORE]}
    return Undo(verb="exec", on=str(container.id), args=args)


def _run(container: Container, command: Sequence[str]) -> str:
    """Run a command inside a container; give what it printed. Raises ``ControlError``."""
    name = container.labels.get(INSTANCE, container.name or container.short_id)
    with controlled(f"run a command in {name}"):
        done = container.exec_run(["timeout", str(CONTROL_S), *command])
    said = done.output.decode(errors="replace").strip() if isinstance(done.output, bytes) else ""
    if done.exit_code != 0:
        raise ControlError(f"{name}: {shlex.join(command)[:200]} gave {done.exit_code}: {said[-300:]}")
    return said


MENDERS = {"exec": restore}
