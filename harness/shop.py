"""What the harness asks of a shop: a declaration, and a running shop that can be located, broken, seen and audited."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.audited import Audit
from harness.declaration import Component, Declaration
from harness.model import Located, Residue, Scalar, Target, noun
from harness.planned import Plan


def _hidden_by_nobody(_: Sequence[str]) -> None:
    """Forget them: nobody writes anything down."""


@noun
class Site:
    """The run a shop is started for. ``id`` labels everything it starts (``windtunnel.run=<id>``, see ``LABEL``).

    ``folder`` is the run's folder. ``now_ns`` reads the run's clock. ``say`` shows a line of progress to people.
    ``receive`` opens the harness's receiver of alerts on an address of this machine that the shop's parts can reach, and
    gives its URL; raises ``SetupError`` where that address is not this machine's. ``hide`` is told the secrets of the run
    before any part has them, so that they are written nowhere also where the shop does not come up.
    """

    id: str
    folder: Path
    now_ns: Callable[[], int]
    say: Callable[[str], None]
    receive: Callable[[str], str]
    hide: Callable[[Sequence[str]], None] = _hidden_by_nobody


@noun
class Thing:
    """One thing a running shop is made of, as declared, for the guardian, who imports no shop.

    ``name`` is its instance name, ``ref`` how its driver knows it (a container's id, a process's pid and start time),
    ``state`` how it should be, as the driver compares it (addresses, limits): plain data.
    """

    name: str
    ref: str
    state: Mapping[str, Scalar]


@noun
class Residence:
    """Everything that a run has put on this machine, as data, written to ``site.json`` before anything is broken.

    ``driver`` is a key of ``harness.drivers.DRIVERS``. What is not listed here but carries the run's label is swept too.
    """

    run: str
    driver: str
    things: tuple[Thing, ...]


@noun
class Entry:
    """Where shoppers enter a running shop: the URL, and how it is reached (``bridge``, ``published port`` …).

    ``ca`` is the certificate, as PEM text, of the authority that vouches for an entry by https; empty for one by http.
    """

    url: str
    reached: str
    ca: str = ""


class Shop(Protocol):
    """A shop as declared. Constructed with ``defects``, a frozenset that is empty but for the gallery of bad shops."""

    @property
    def declaration(self) -> Declaration:
        """What the shop is made of; pure."""
        ...

    def start(self, plan: Plan, site: Site) -> "RunningShop":
        """Start the plan's parts and wait until each is really ready.

        Raises ``SetupError`` (no engine, no image, a part that did not become ready, with its last log lines). On any
        error all that was started has been removed again, or can be found by the run's label.
        """
        ...


@runtime_checkable
class Imaged(Protocol):
    """A shop whose parts run from images that somebody builds on this machine."""

    def images(self) -> tuple[str, ...]:
        """Name every image that it needs, for the machinery of its driver. Raises ``SetupError`` where nobody can tell."""
        ...

    def build_images(self, say: Callable[[str], None]) -> None:
        """Build those that are missing, telling each. Raises ``SetupError``; nothing half built has a good name then."""
        ...


@runtime_checkable
class Gallery(Protocol):
    """A shop that can say what its defects spoil."""

    def spoils(self, defect: str) -> str:
        """Say in one sentence what a declared defect spoils."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A shop that another process than the one that started it can reach again: one that can be broken by hand."""

    def resume(self, residence: Residence, site: Site, secrets: tuple[str, ...]) -> "RunningShop":
        """Reach the parts of a shop that stands; start and change nothing. ``secrets`` are those of when it was started.

        What it began with is not known any more: its audit may be refused. Raises ``ControlError`` where a part has gone.
        """
        ...


class RunningShop(Protocol):
    """A shop that runs for one run."""

    @property
    def entry(self) -> Entry:
        """Where the plan's shoppers enter; one that was resumed is entered at the first of its entries."""
        ...

    @property
    def residence(self) -> Residence:
        """Everything it has put on this machine."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Passwords and tokens of this run, so that everything written can be cleaned of them."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of the parts that run, by part."""
        ...

    def instances(self, component: Component) -> tuple[str, ...]:
        """The names of a component's instances."""
        ...

    def locate(self, target: Target) -> Located:
        """Resolve a target now, asking the parts themselves for roles. Raises ``ControlError`` if it cannot.

        A link as a whole is located at its component, by whose name powers and senses over it are asked for.
        """
        ...

    def able(self, instance: str, protocol: type) -> object:
        """Give the power or sense of one instance. Raises ``ControlError`` where it has none."""
        ...

    def fingerprint(self) -> tuple[Residue, ...]:
        """What is not as declared: containers, addresses, roles. Empty when all is well."""
        ...

    def audit(self) -> Audit:
        """Read back every order on every node and the stock on the primary. Nodes that cannot be read are ``missing``."""
        ...

    def collect(self, folder: Path) -> None:
        """Write the log of each part to ``folder/<instance>.log`` (bounded), secrets removed."""
        ...

    def stop(self) -> None:
        """Remove everything of this run; twice is harmless. Raises ``ControlError`` naming what is left."""
        ...
