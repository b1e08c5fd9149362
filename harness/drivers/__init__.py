"""The drivers: each power beside its mender. The only importers of client libraries of engines and proxies."""

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from harness.errors import SetupError
from harness.events import EngineEvent, Gap
from harness.finding import Finding
from harness.model import Residue, Undo, noun
from harness.shop import Residence

DRIVERS: Mapping[str, str] = {"docker": "harness.drivers.docker", "process": "harness.drivers.process"}
Mender = Callable[[Undo], None]


@noun
class Deviation:
    """One thing that is not as declared, and what would mend it (None: nothing a driver can do)."""

    residue: Residue
    undo: Undo | None


@noun
class Leftover:
    """A run of which something is still on this machine, and the lock that tells whether it lives."""

    run: str
    lock: Path
    things: tuple[str, ...]


class Driver(Protocol):
    """A module that reaches one kind of machinery. Every call has a bound and raises ``ControlError`` when it failed."""

    MENDERS: Mapping[str, Mender]
    """verb → mender. Playing an undo twice is harmless; what has vanished counts as healed."""
    TYPED: Mapping[str, tuple[str, str]]
    """power → the command a person would type for the act, and for its undo; ``{}`` stands for the instance."""

    def deviations(self, residence: Residence) -> tuple[Deviation, ...]:
        """Compare what is there with what was declared."""
        ...

    def observed(self, run: str) -> tuple[Deviation, ...]:
        """Find what is visibly broken in a run of which nothing is known but its label: paused, stopped."""
        ...

    def sweep(self, run: str, folder: Path) -> tuple[str, ...]:
        """Remove everything of a run; give the names of what is left. Twice is harmless."""
        ...

    def collect(self, run: str, folder: Path) -> None:
        """Write the logs of everything of a run into a folder, bounded, secrets removed."""
        ...

    def leftovers(self) -> tuple[Leftover, ...]:
        """Find the runs, living or dead, that have something on this machine."""
        ...

    def cpu_s(self, residence: Residence, *, grown: bool = False) -> Mapping[str, float]:
        """Give the CPU seconds that each of the residence's things has used so far, by name; those that can be told.

        ``grown``: those that steps have added to it, too.
        """
        ...

    def throttled_s(self, residence: Residence) -> Mapping[str, float]:
        """Give for how many seconds so far each thing had used up its CPU quota, by name; 0 for one without a quota."""
        ...

    def confine(self, residence: Residence, cores: Collection[int]) -> None:
        """Let the residence's things run on these of the machine's cores only, also once they are started again."""
        ...

    def examine(self) -> tuple[Finding, ...]:
        """Say how well the machinery is, and what mends it. One that does not answer is a finding; raises nothing for it."""
        ...

    def watch(self, run: str, record: Callable[[EngineEvent | Gap], None], now_ns: Callable[[], int]) -> Callable[[], None]:
        """Record the machinery's own events of a run from now on; give the function that ends it."""
        ...


@noun
class Image:
    """An image that is there. ``made_ns``: wall time since 1970 of its making; None where nobody wrote it down."""

    name: str
    size_bytes: int
    made_ns: int | None


@runtime_checkable
class Imaging(Protocol):
    """A driver whose machinery runs its things from images. Each raises ``SetupError`` where that does not obey."""

    def images(self, names: Sequence[str]) -> Mapping[str, Image]:
        """Give those of the named images that are there."""
        ...

    def save_images(self, names: Sequence[str], file: Path) -> None:
        """Write the named images into one tar file, whole or not at all. ``SetupError`` also where it cannot be written."""
        ...

    def load_images(self, file: Path) -> tuple[str, ...]:
        """Take in what a tar file holds; name it. Raises ``UsageError`` for a file that holds no image."""
        ...


def driver(name: str) -> Driver:
    """Give a driver by its key in ``DRIVERS``. Raises ``SetupError`` for another name."""
    if name not in DRIVERS:
        raise SetupError(f"driver {name!r} is not known; known: {', '.join(DRIVERS)}")
    return cast("Driver", importlib.import_module(DRIVERS[name]))
