"""The network of one container: packets lost where they enter or leave it, and the whole of it taken away.

Packets are lost by a table of rules of our own in the container's network namespace, so nothing outside of it is touched
and the rules are gone when it is. A short-lived helper container that shares the namespace writes and deletes the table:
the container itself needs neither a program nor a right for it.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import docker
import requests
from docker.models.containers import Container

from harness.capabilities import Way
from harness.drivers.docker_client import ADDRESS, CONTROL_S, HELPER, INSTANCE, LOCK, NETWORK, RUN, TOOLS, client
from harness.errors import ControlError
from harness.model import Break, Undo, noun

PREFIX = "windtunnel_"
ALIVE = ("running", "paused")  # in any other state it has no network namespace, and so no rules
LOOKERS = 8
HOOKS: Mapping[str, tuple[str, str]] = {"in": ("input", "saddr"), "out": ("output", "daddr")}


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
        return self._filtered("cut", peer, way, ("drop",))

    def refuse(self, peer: str | None, way: Way) -> Break:
        """Prepare that TCP is answered with a reset, by rules in its own namespace. Raises as ``cut`` does."""
        return self._filtered("refuse", peer, way, ("meta l4proto tcp reject with tcp reset", "drop"))

    def isolate(self) -> Break:
        """Prepare that the engine takes it off the run's network."""
        name, network, reference = self._container.name, self._wiring.network, str(self._container.id)

        def act() -> None:
            with controlled(f"isolate {self._instance}"):
                client().networks.get(network).disconnect(reference, force=True)

        undo = attaching(reference, self._instance, network, self._wiring.address)
        return Break(undo=(undo,), act=act, typed=f"docker network disconnect -f {network} {name}")

    def _filtered(self, power: str, peer: str | None, way: Way, verdicts: Sequence[str]) -> Break:
        if peer is not None and not self._wiring.peers.get(peer):
            raise ControlError(f"{self._instance}: no link leads to {peer}; links: {', '.join(self._wiring.peers)}")
        table = f"{PREFIX}{power}"
        rules = _rules(table, way, self._wiring.peers[peer] if peer else (), verdicts)
        name, tools = self._container.name, self._wiring.tools

        def act() -> None:
            with controlled(f"{power} {self._instance}"):
                _nft(self._container, tools, rules)

        typed = (
            f"docker run --rm --network container:{name} --cap-add NET_ADMIN {self._wiring.tools} nft {shlex.quote(rules)}"
        )
        undo = Undo(
            verb="unblock",
            on=str(self._container.id),
            args={"instance": self._instance, "table": table, "image": tools},
        )
        return Break(undo=(undo,), act=act, typed=typed)


@contextmanager
def controlled(what: str) -> Iterator[None]:
    """Turn whatever the client library raises into a ``ControlError`` that says what was being done."""
    try:
        yield
    except docker.errors.ContainerError as error:  # a helper that failed
        raise ControlError(f"{what}: {_text(error.stderr) or error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise ControlError(f"{what}: {error}") from error


def _text(said: bytes | str | None) -> str:
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else said or ""


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
        table = f"inet {undo.args['table']}"
        _nft(container, str(undo.args["image"]), f"add table {table}; delete table {table}")  # add: it may be gone already


def tables(containers: Sequence[Container]) -> Mapping[str, tuple[str, ...]]:
    """Name our tables in each container's namespace, by the container's id; only of those that say who can look there.

    Raises what the client library raises.
    """
    asked = [one for one in containers if TOOLS in one.labels and one.status in ALIVE]
    with ThreadPoolExecutor(LOOKERS) as pool:
        return {str(one.id): found for one, found in zip(asked, pool.map(_tables, asked), strict=True)}


def clearing(container: Container, table: str) -> Undo:
    """Give the undo that deletes one table."""
    args = {"instance": container.labels[INSTANCE], "table": table, "image": container.labels[TOOLS]}
    return Undo(verb="unblock", on=str(container.id), args=args)


def home(container: Container) -> tuple[str, str] | None:
    """Give network and address that a container was started at, by its own labels; None where it has none."""
    labels = container.labels
    return (labels[NETWORK], labels[ADDRESS]) if NETWORK in labels and ADDRESS in labels else None


def _tables(container: Container) -> tuple[str, ...]:
    words = _nft(container, container.labels[TOOLS], "list tables").split()
    return tuple(word for word in words if word.startswith(PREFIX))


def _nft(container: Container, image: str, script: str) -> str:
    """Let a helper speak to the kernel inside a container's network namespace; give what it printed."""
    labels = {key: container.labels[key] for key in (RUN, LOCK) if key in container.labels}
    said: bytes = client().containers.run(
        image,
        ["timeout", str(CONTROL_S), "nft", script],
        network_mode=f"container:{container.id}",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
        labels=labels | {HELPER: container.labels.get(INSTANCE, "")},
        remove=True,
    )
    return said.decode()


def _rules(table: str, way: Way, addresses: Sequence[str], verdicts: Sequence[str]) -> str:
    """Write a table that hits what comes from, or goes to, some addresses; everybody but the container itself if none.

    The first of ``verdicts`` that fits a packet is its own.
    """
    lines = [f"add table inet {table}"]
    for name, (hook, end) in HOOKS.items():
        if way in (name, "both"):
            face = "iifname" if name == "in" else "oifname"
            whom = f"ip {end} {{ {', '.join(addresses)} }}" if addresses else f'{face} != "lo"'
            lines.append(f"add chain inet {table} {name} {{ type filter hook {hook} priority -300; policy accept; }}")
            lines += [f"add rule inet {table} {name} {whom} {verdict}" for verdict in verdicts]
    return "\n".join(lines)


MENDERS: Mapping[str, Callable[[Container, Undo], None]] = {"attach": attach, "unblock": unblock}
