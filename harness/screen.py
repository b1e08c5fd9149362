"""The console of a run: that nobody reads it any more must not end what it tells of."""

import os
import sys
from typing import Any

from rich.console import Console


class Screen(Console):
    """A console that falls silent when its reader has hung up or the disk behind it is full. A run goes on without it."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Print as ever."""
        try:
            super().print(*objects, **how)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Fall silent, and let nothing that is still buffered raise the same again at the end of the process."""
        self.quiet = True
        if self.file is sys.stdout:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
