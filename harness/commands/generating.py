"""One of several generators that share a load, on a machine of its own."""

import os
import re
import socket
import sys
from pathlib import Path

import click

from harness.errors import SetupError, UsageError
from harness.project import find

ADDRESS = re.compile(r"([A-Za-z0-9.-]+):([0-9]{1,5})")


def checked(where: str) -> tuple[str, int]:
    """Take an address apart. Raises ``UsageError``."""
    match = ADDRESS.fullmatch(where)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise UsageError(f"{where}: expected HOST:PORT, such as 192.0.2.7:5557")
    return match[1], int(match[2])


def can_gather(where: str, runs: int) -> None:
    """Make sure before anything starts that generators can join there. Raises ``UsageError``, ``SetupError``."""
    if runs > 1:
        raise UsageError(f"--gather {where}: who joins goes home after one run, and this is {runs}; fly one at a time")
    try:
        with socket.create_server(checked(where)):
            pass
    except OSError as error:
        raise SetupError(f"--gather {where}: nobody can listen there: {error}; name another port of this machine") from error


@click.command("generator")
@click.argument("where", metavar="HOST:PORT")
def generator_command(where: str) -> None:
    """Send a part of the load of a run that gathers its generators at HOST:PORT, and end with it.

    Type it in a clone of the run's project, for each core that is to send; begin the run with `--generators N --gather`.
    The two sides believe each other: use it in a network that is yours alone.
    """
    checked(where)
    os.chdir(find(Path.cwd()).root)
    os.execv(sys.executable, [sys.executable, "-m", "harness.load.worker", where])  # noqa: S606 -- the load has its own world
