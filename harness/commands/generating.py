"""One of several generators that share a load, on a machine of its own."""

import os
import re
import sys
from pathlib import Path

import click

from harness.errors import UsageError
from harness.project import find

ADDRESS = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}")


@click.command("generator")
@click.argument("where", metavar="HOST:PORT")
def generator_command(where: str) -> None:
    """Send a part of the load of a run that gathers its generators at HOST:PORT, and end with it.

    Type it in a clone of the run's project, for each core that is to send; begin the run with `--generators N --gather`.
    The two sides believe each other: use it in a network that is yours alone.
    """
    if not ADDRESS.fullmatch(where):
        raise UsageError(f"{where}: expected HOST:PORT, such as 192.0.2.7:5557")
    os.chdir(find(Path.cwd()).root)
    os.execv(sys.executable, [sys.executable, "-m", "harness.load.worker", where])  # noqa: S606 -- the load has its own world
