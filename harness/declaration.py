"""A shop as declared: its components, the links among them, the alerts about them. Pure data, nothing is started."""

from collections.abc import Mapping
from dataclasses import field

from harness.model import noun


@noun
class Alert:
    """An alert that the shop's monitoring raises about a component, as the component declares it.

    ``severity`` says whom it calls (``page``, ``ticket``), ``playbook`` what they do first. ``window_s`` is how far back
    its condition looks, so how long a baseline must be for its silence to mean anything.
    """

    name: str
    severity: str
    playbook: str
    window_s: float


@noun
class Link:
    """A way from the instances of a component to those of another, or among themselves, over which they work together.

    ``proxy`` names the component that can stand in its path, and stands there only where a plan breaks the link by it.
    """

    component: str
    peer: str
    proxy: str | None = None

    def __str__(self) -> str:
        return f"{self.component}->{self.peer}"


@noun
class Screen:
    """What a real browser looks at: the ``path`` of a page with a picture on it, through whatever edge it is told to.

    ``cookie`` is the name of the one by which steering knows a shopper again: its value is the edge that served before.
    """

    path: str
    cookie: str


@noun
class Component:
    """A part of a shop as declared: how many instances, which roles, what it needs to run, what it is able to.

    ``alerts`` are those about it; each carries the labels ``component`` and, where one instance is meant, ``instance``.
    ``abilities`` are the protocols of ``capabilities`` that its instances offer, powers and senses alike.
    ``typed`` says of powers that are this product's alone what a person would type: power → (act, undo), ``{}`` being the
    instance. ``standbys`` is how many synchronous standbys it has when whole (0: it keeps no redundancy of data). ``edge``:
    it stands before the shop and names itself, by this component's name, in ``X-Served-By`` of every answer. ``spares`` is
    how many more instances a step can add, counted on from ``instances``.
    """

    name: str
    instances: int = 1
    roles: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    abilities: frozenset[type] = frozenset()
    standbys: int = 0
    alerts: tuple[Alert, ...] = ()
    edge: bool = False
    spares: int = 0
    typed: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@noun
class Declaration:
    """A whole shop as declared; pure data, nothing is started.

    ``shopper`` names the class that orders (``module:Class``, see ``load.shopper``), ``entries`` the components shoppers
    can enter at (never a target; the first where a scenario names none), ``defects`` the switches of the gallery of bad
    shops: name → objective that must fail. ``driver`` is the key in ``drivers.DRIVERS`` of what its instances run on.
    ``links`` are the ways among its parts that can be broken by themselves. ``shown_in`` names for a defect the scenarios in
    which it has room to show, so that its objective must fail there. ``screen`` is what a browser looks at, where the shop
    has pages and edges before them. ``calls`` names for a class of statements all who may raise one: ``orders``,
    ``products``, ``lists``, ``logs`` (arrivals, one call each at most), ``sessions``, ``browser``, or a probe.
    """

    name: str
    components: tuple[Component, ...]
    entries: tuple[str, ...]
    shopper: str
    defects: Mapping[str, str]
    driver: str = "docker"
    links: tuple[Link, ...] = ()
    shown_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    screen: Screen | None = None
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def component(self, name: str) -> Component | None:
        """Give the component of that name, or None."""
        return next((part for part in self.components if part.name == name), None)

    def link(self, component: str, peer: str) -> Link | None:
        """Give the link from a component to a peer, or None."""
        return next((link for link in self.links if (link.component, link.peer) == (component, peer)), None)
