"""The network of one container: packets lost or held back where they enter or leave it, and the whole of it taken away.

Packets are lost by a table of rules of our own in the container's network namespace, so nothing outside of it is touched
and the rules are gone when it is. A short-lived helper container that shares the namespace writes and deletes the table:
the container itself needs neither a program nor a right for it.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

from docker.models.containers import Container

from harness.capabilities import Way
from harness.drivers import docker_delay
from harness.drivers.docker_client import ADDRESS, NETWORK, TOOLS, client, controlled
from harness.drivers.docker_helper import PREFIX, inside, inside_each
from harness.errors import ControlError
from harness.model import Break, Undo, noun

ALIVE = ("running", "paused")  # in any other state it has no network namespace, and so no rules
HOOKS: Mapping[str, tuple[str, str]] = {"in": ("input", "saddr"), "out": ("output", "daddr")}
RESOLVER = "127.0.0.11"  # where the engine resolves names, in each container's own namespace
BURST_KBYTES = 16  # what may pass at once where bytes per second are limited: less than a segment would let none pass
SEEDS = 2**32 - 1  # the kernel's seeds have 32 bits, and 0 may mean a random one to it


@noun
class Wiring:
    """How one container hangs in its network. ``tools`` is the image of the helper, ``peers`` the addresses by component."""

    network: str
    address: str
    tools: str
    peers: Mapping[str, Sequence[str]]


class NetworkPowers:
    """What the network of one container of a run can undergo."""

    def __init__(self, container: Container, instance: str, wiring: Wiring) -> None:
        self._container, self._instance, self._wiring = container, instance, wiring

    def cut(self, peer: str | None, way: Way) -> Break:
        """Prepare the loss of packets, by rules in its own namespace. Raises ``ControlError`` for an unknown peer."""
        return self._filtered("cut", self._between(peer, way, ("drop",)))

    def refuse(self, peer: str | None, way: Way) -> Break:
        """Prepare that TCP is answered with a reset, by rules in its own namespace. Raises as ``cut`` does."""
        return self._filtered("refuse", self._between(peer, way, ("meta l4proto tcp reject with tcp reset", "drop")))

    def lose(self, peer: str | None, way: Way, percent: int, seed: int) -> Break:
        """Prepare the loss of some packets: of the first, the second … by a hash of that number. Raises as ``cut`` does.

        Not by what is in a packet: one that is sent again would be lost again, and an answer to a SYN always has the same.
        """
        chance = f"jhash numgen inc mod {SEEDS} mod 100 seed {seed % SEEDS + 1} < {percent}"
        return self._filtered("lose", self._between(peer, way, (f"{chance} drop",)))

    def throttle(self, peer: str | None, way: Way, kbytes_per_s: int) -> Break:
        """Prepare the loss of what comes faster, each way for itself. Raises as ``cut`` does."""
        over = f"limit rate over {kbytes_per_s} kbytes/second burst {BURST_KBYTES} kbytes"
        return self._filtered("throttle", self._between(peer, way, (f"{over} drop",)))

    def unname(self) -> Break:
        """Prepare that no question for a name arrives. Where it arrives, not where it leaves: that would be said at once."""
        return self._filtered("unname", {"in": (f"ip daddr {RESOLVER} drop",)})

    def delay(self, peer: str | None, ms: int, jitter_ms: int, seed: int) -> Break:
        """Prepare that a helper holds back what comes in. Raises as ``cut`` does."""
        held = docker_delay.Held(addresses=self._addresses(peer), ms=ms, jitter_ms=jitter_ms, seed=seed)
        return docker_delay.delaying(self._container, self._instance, self._wiring.tools, held)

    def isolate(self) -> Break:
        """Prepare that the engine takes it off the run's network."""
        name, network, reference = self._container.name, self._wiring.network, str(self._container.id)

        def act() -> None:
            with controlled(f"isolate {self._instance}"):
                client().networks.get(network).disconnect(reference, force=True)

        undo = attaching(reference, self._instance, network, self._wiring.address)
        return Break(undo=(undo,), act=act, typed=f"docker network disconnect -f {network} {name}")

    def _addresses(self, peer: str | None) -> Sequence[str]:
        """Give the addresses of the instances of ``peer``, none for everybody. Raises ``ControlError``."""
        if peer is None:
            return ()
        if not self._wiring.peers.get(peer):
            raise ControlError(f"{self._instance}: no link leads to {peer}; links: {', '.join(self._wiring.peers)}")
        return self._wiring.peers[peer]

    def _between(self, peer: str | None, way: Way, verdicts: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Give the rules, by way, for what comes from or goes to ``peer``; everybody but the container itself if None.

        The first of ``verdicts`` that fits a packet is its own.
        """
        addresses, rules = self._addresses(peer), dict[str, Sequence[str]]()
        for one, (hook, end) in HOOKS.items():
            if way in (one, "both"):
                face = f"{hook[0]}ifname"
                whom = f"ip {end} {{ {', '.join(addresses)} }}" if addresses else f'{face} != "lo"'
                rules[one] = [f"{whom} {verdict}" for verdict in verdicts]
        return rules

    def _filtered(self, power: str, rules: Mapping[str, Sequence[str]]) -> Break:
        """Prepare a table of our own with these rules by way; its undo deletes it."""
        table, name, tools = f"{PREFIX}{power}", self._container.name, self._wiring.tools
        script = _written(table, rules)

        def act() -> None:
            with controlled(f"{power} {self._instance}"):
                inside(self._container, tools, ["nft", script])

        typed = f"docker run --rm --network container:{name} --cap-add NET_ADMIN {tools} nft {shlex.quote(script)}"
        return Break(undo=(clearing(self._container, self._instance, tools, table),), act=act, typed=typed)


def attaching(reference: str, instance: str, network: str, address: str) -> Undo:
    """Give the undo that brings a container back into its network."""
    return Undo(verb="attach", on=reference, args={"instance": instance, "network": network, "address": address})


def attach(container: Container, undo: Undo) -> None:
    """Bring a container back into its network, under its name and at its address; twice is harmless."""
    name, address = str(undo.args["network"]), str(undo.args["address"])
    network = client().networks.get(name)
    there = container.attrs["NetworkSettings"]["Networks"].get(name)
    if there is not None and there["IPAddress"] == address:
        return
    if there is not None:
        network.disconnect(container, force=True)
    network.connect(container, ipv4_address=address, aliases=[str(undo.args["instance"])])


def unblock(container: Container, undo: Undo) -> None:
    """Delete one of our tables from a container's namespace; twice is harmless, and without a namespace there is none."""
    if container.status in ALIVE:
        table, image = str(undo.args["table"]), str(undo.args["image"])
        if table == docker_delay.CHAIN:
            docker_delay.unqueue(container, image)
        else:  # add: it may be gone already
            inside(container, image, ["nft", f"add table inet {table}; delete table inet {table}"])


def tables(containers: Sequence[Container]) -> Iterator[tuple[Container, tuple[str, ...] | ControlError]]:
    """Name our tables in each container's namespace, and the one chain that is no table of its own: that of a delay.

    An error in their place where it cannot be asked. Those that do not say who can look there, and those that have no
    namespace, are left out.
    """
    asked = [one for one in containers if TOOLS in one.labels and one.status in ALIVE]
    for image in sorted({one.labels[TOOLS] for one in asked}):
        those = [one for one in asked if one.labels[TOOLS] == image]
        try:
            with controlled("look for rules in its network"):
                told = inside_each(those, image, ["nft", "list", "chains"])
        except ControlError as error:
            yield from ((one, error) for one in those)
        else:
            yield from ((one, _ours(told.get(str(one.id)))) for one in those)


def clearing(container: Container, instance: str, tools: str, table: str) -> Undo:
    """Give the undo that deletes one table."""
    return Undo(verb="unblock", on=str(container.id), args={"instance": instance, "table": table, "image": tools})


def home(container: Container) -> tuple[str, str] | None:
    """Give network and address that a container was started at, by its own labels; None where it has none."""
    labels = container.labels
    return (labels[NETWORK], labels[ADDRESS]) if NETWORK in labels and ADDRESS in labels else None


def _ours(told: tuple[int, str] | None) -> tuple[str, ...] | ControlError:
    """Find the names of our tables in what was told of a namespace."""
    if told is None or told[0] != 0:
        return ControlError(f"look for rules in its network: {told[1] if told else 'the helper ended before'}")
    return tuple(word for word in told[1].split() if word.startswith(PREFIX))


def _written(table: str, rules: Mapping[str, Sequence[str]]) -> str:
    """Write a table of our own with a chain for each way."""
    lines = [f"add table inet {table}"]
    for way, them in rules.items():
        hook, _ = HOOKS[way]
        lines.append(f"add chain inet {table} {way} {{ type filter hook {hook} priority -300; policy accept; }}")
        lines += [f"add rule inet {table} {way} {rule}" for rule in them]
    return "\n".join(lines)


MENDERS: Mapping[str, Callable[[Container, Undo], None]] = {
    "attach": attach,
    "unblock": unblock,
    "remove": docker_delay.remove,
}
