"""The console of a run: that nobody reads it any more must not end what it tells of."""

import os
import sys
from contextlib import suppress
from typing import IO, Any

import click
from rich.console import Console


class Screen(Console):
    """A console that falls silent when its reader has hung up or the disk behind it is full. A run goes on without it."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Print as ever."""
        try:
            super().print(*objects, **how)
        except (OSError, UnicodeError):  # also a terminal that knows not all of our letters
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Fall silent, and let nothing that is still buffered raise the same again at the end of the process."""
        self.quiet = True
        if self.file is sys.stdout:
            _hush(sys.stdout)


def tell(line: str, *, err: bool = False) -> None:
    """Print a line on standard output, or error. Where nobody can read it any more nothing is said: mending goes on."""
    try:
        click.echo(line, err=err)
    except OSError:
        _hush(sys.stderr if err else sys.stdout)


def _hush(stream: IO[str]) -> None:
    """Let what goes to a stream of this process go nowhere from now on, what is still buffered too."""
    with suppress(OSError):  # one without a descriptor buffers nothing
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
