"""The reference shop while it runs: where its parts are, what they can undergo, how they are seen, read back and removed."""

from collections.abc import Mapping
from pathlib import Path

from harness.audited import Audit
from harness.capabilities import (
    Carries,
    Crashable,
    Cuttable,
    Delayable,
    Detachable,
    Killable,
    Lossy,
    Pausable,
    Poisonable,
    Refusable,
    Scalable,
    Shares,
    Throttleable,
    Unnameable,
)
from harness.declaration import Component, Declaration, Link
from harness.drivers import driver
from harness.drivers.docker import ContainerPowers
from harness.drivers.docker_network import NetworkPowers
from harness.drivers.toxiproxy import LinkPowers
from harness.errors import ControlError
from harness.model import Located, Residue, Target
from harness.shop import Entry, Residence, Site, Thing
from sut.components.entrance import Entrance
from sut.components.ground import Ground
from sut.components.orders_db import OrdersDb
from sut.components.part import Part
from sut.components.spare import Spare
from sut.components.together import Together
from sut.components.toxiproxy import Toxiproxy
from sut.readback import Readback

_POWERS = (Killable, Crashable, Pausable)
_NETWORK_POWERS = (Cuttable, Refusable, Lossy, Throttleable, Delayable, Unnameable, Detachable)


def instances(component: Component) -> tuple[str, ...]:
    """Give the names of a component's instances: its own name, or numbered from 1 where there are several."""
    if component.instances == 1:
        return (component.name,)
    return tuple(f"{component.name}-{n}" for n in range(1, component.instances + 1))


def spares(component: Component) -> tuple[str, ...]:
    """Give the names of the instances that steps can add to a component: numbered on."""
    first = component.instances + 1
    return tuple(f"{component.name}-{n}" for n in range(first, first + component.spares))


class RunningReferenceShop:
    """The reference shop of one run. ``parts`` are those that were started, by instance; shoppers enter at ``entry``.

    ``readback`` knows what the stock began with; None where nobody kept that, or where no database runs. ``rooms`` are those
    for instances that steps add, by instance.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- what it is made of
        self,
        site: Site,
        declaration: Declaration,
        entry: str,
        ground: Ground,
        parts: Mapping[str, Part],
        secrets: tuple[str, ...],
        readback: Readback | None,
        rooms: Mapping[str, Spare],
    ) -> None:
        self._site, self._declaration, self._entry = site, declaration, entry
        self._ground, self._parts = ground, parts
        self._secrets, self._readback, self._rooms = secrets, readback, rooms

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords of this run, and the key of its tokens."""
        return self._secrets

    @property
    def versions(self) -> Mapping[str, str]:
        """The packages that each component runs, with their versions, from the list in its image."""
        return {
            component.name: ", ".join(f"{name} {version}" for name, version in part.versions().items())
            for component in self._declaration.components
            if (part := self._parts.get(instances(component)[0])) is not None
        }

    @property
    def entry(self) -> Entry:
        """Where shoppers enter: its own address where that can be reached over the bridge, else its published port."""
        part = self._parts.get(self._entry)
        if not isinstance(part, Entrance):
            raise ControlError(f"{self._entry} was not started: no part of the plan needs it")
        return part.entry()

    @property
    def residence(self) -> Residence:
        """Every container with the state it is declared to be in."""
        things = (
            Thing(
                name=name,
                ref=part.ref,
                state={"status": "running", "network": self._ground.network, "address": part.address},
            )
            for name, part in self._parts.items()
        )
        return Residence(run=self._site.id, driver="docker", things=tuple(things))

    def instances(self, component: Component) -> tuple[str, ...]:
        """The names of a component's instances."""
        return instances(component)

    def locate(self, target: Target) -> Located:
        """Resolve a target now: a role by the word of the database's own nodes, a whole link to its component's own name."""
        component = self._declaration.component(target.component or "")
        names = [name for name in instances(component) if name in self._parts] if component else []
        there = [*names, *(name for name in spares(component) if name in self._rooms)] if component and names else []
        if component is None or not names:
            raise ControlError(f"{target}: no such part runs; running: {', '.join(self._parts)}")
        if target.role is not None:
            instance = self._holder(component, target.role, self._part(names[0]))
        elif target.index is None and target.peer is not None:
            instance = component.name
        elif target.index is None and len(names) > 1:
            raise ControlError(f"{target}: which of {', '.join(names)}? Write {component.name}#1, or a role")
        elif (target.index or 1) > len(there):
            raise ControlError(f"{target}: there are only {', '.join(there)}")
        else:
            instance = there[(target.index or 1) - 1]
        return Located(target=target, component=component.name, instance=instance, at_ns=self._site.now_ns())

    def able(self, instance: str, protocol: type) -> object:
        """Give the power or sense of one instance; of a component, those over its links as a whole."""
        if protocol in (Scalable, Shares):
            if instance not in self._rooms:
                raise ControlError(
                    f"{instance} is nothing that was to be added; that is: {', '.join(self._rooms) or 'none'}"
                )
            return self._rooms[instance]
        component = next((c for c in self._declaration.components if instance in (c.name, *instances(c))), None)
        if component is None:
            raise ControlError(f"{instance} is no part of the shop {self._declaration.name}")
        if protocol not in component.abilities:
            able = ", ".join(sorted(ability.__name__ for ability in component.abilities))
            raise ControlError(f"{instance} is not {protocol.__name__}; it is {able}")
        links = [link for link in self._declaration.links if link.component == component.name]
        if protocol is Carries:
            return Together([self._parts[name] for name in instances(component) if name in self._parts])
        if protocol is Poisonable:
            proxy = next(link.proxy for link in links if link.proxy is not None)
            return LinkPowers(self._part(proxy).get_wrapped_container(), component.name)
        part = self._part(instance)
        if protocol in _NETWORK_POWERS:
            peers = {link.peer: self._on_the_way(link) for link in links}
            return NetworkPowers(part.get_wrapped_container(), instance, self._ground.wiring(instance, peers))
        return ContainerPowers(part.ref, instance, part.main_process) if protocol in _POWERS else part

    def fingerprint(self) -> tuple[Residue, ...]:
        """What is not as declared: a container, its address; no primary or two, a standby that does not stream."""
        off = tuple(deviation.residue for deviation in driver("docker").deviations(self.residence))
        database = self._database
        return off + (database.residue() if database else ())

    def audit(self) -> Audit:
        """Read back orders and stock from every node that can be read."""
        if self._readback is None:
            raise ControlError("the database was not started, or nobody kept what its stock began with")
        return self._readback.audit()

    def collect(self, folder: Path) -> None:
        """Write the last lines of each part's log to ``folder/<instance>.log``, passwords removed."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in self._parts.items():
            text = part.log()
            for secret in self._secrets:
                text = text.replace(secret, "***")
            (folder / f"{name}.log").write_text(text, encoding="utf-8")

    def stop(self) -> None:
        """Remove every container, network and volume of the run, and look that nothing is left."""
        left = driver("docker").sweep(self._site.id, self._site.folder)
        if left:
            raise ControlError(f"run {self._site.id}: could not remove {', '.join(left)}. Type: windtunnel heal")
        for part in self._parts.values():
            part.get_docker_client().client.close()
        for room in self._rooms.values():
            room.close()

    def _on_the_way(self, link: Link) -> tuple[str, ...]:
        """Name those at whose addresses a component finds its peer: the proxy first, where one carries this link."""
        proxies = [part for part in self._parts.values() if isinstance(part, Toxiproxy)]
        peer = self._declaration.component(link.peer)
        carry = [part.instance for part in proxies if str(link) in (one.link for one in part.detours)]
        return (*carry, *(instances(peer) if peer else ()))

    @property
    def _database(self) -> OrdersDb | None:
        return next((part for part in self._parts.values() if isinstance(part, OrdersDb)), None)

    def _part(self, instance: str) -> Part:
        if instance not in self._parts:
            raise ControlError(f"{instance} does not run; running: {', '.join(self._parts)}")
        return self._parts[instance]

    def _holder(self, component: Component, role: str, part: Part) -> str:
        if role not in component.roles or not isinstance(part, OrdersDb):
            raise ControlError(f"{component.name} has no role {role!r}; it has {', '.join(component.roles) or 'none'}")
        instance = part.holder(role)
        if instance is None:
            raise ControlError(f"{component.name}:{role}: no node says that it is; {part.roles()}")
        return instance
