"""What is off in a run's containers: they do not run, are off their network, or something of ours breaks their network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from docker.models.containers import Container

from harness.drivers import Deviation, docker_added, docker_commands, docker_delay, docker_network, toxiproxy
from harness.drivers.docker_client import ADDED, HELPER, INSTANCE, LASTING, TOOLS, labelled
from harness.errors import ControlError
from harness.model import Residue, Undo
from harness.shop import Residence

LOOKERS = 8


def _stopped(container: Container) -> Deviation | None:
    """Say whether a container does not run, or is paused."""
    name = container.labels.get(INSTANCE, container.name or container.short_id)
    state = str(container.attrs["State"]["Status"])
    verb = {"paused": "unpause", "running": ""}.get(state, "start")
    undo = Undo(verb=verb, on=str(container.id), args={"instance": name}) if verb else None
    return Deviation(residue=Residue(on=name, what=state), undo=undo) if undo else None


def _strayed(container: Container, network: str, address: str) -> Deviation | None:
    """Say whether a container is not in its network, or not at its address."""
    here = container.attrs["NetworkSettings"]["Networks"].get(network, {}).get("IPAddress")
    if here == address:
        return None
    name = container.labels.get(INSTANCE, container.name or container.short_id)
    what = f"at address {here}, not {address}" if here else "off its network"
    undo = docker_network.attaching(str(container.id), name, network, address)
    return Deviation(residue=Residue(on=name, what=what), undo=undo)


def _unasked(container: Container, error: ControlError) -> Deviation:
    """Say of a container that it cannot be asked: then it is off itself."""
    name = container.labels.get(INSTANCE, container.name or container.short_id)
    return Deviation(residue=Residue(on=name, what=f"cannot be asked: {error}"), undo=None)


def _filtered(containers: Sequence[Container]) -> Iterator[Deviation]:
    """Say which rules of ours are in their networks: packets are lost, or handed to who holds them back."""
    for container, found in docker_network.tables(containers):
        if isinstance(found, ControlError):
            yield _unasked(container, found)
            continue
        name = container.labels.get(INSTANCE, "")
        for table in found:
            does = "queues packets" if table == docker_delay.CHAIN else "loses packets"
            undo = docker_network.clearing(container, name, container.labels[TOOLS], table)
            yield Deviation(residue=Residue(on=name, what=f"{does} ({table})"), undo=undo)


def _each(containers: Sequence[Container], look: Callable[[Container], Iterable[Deviation]]) -> Iterator[Deviation]:
    """Look at some containers side by side. One that cannot be asked hides nothing of the others."""
    with ThreadPoolExecutor(LOOKERS) as pool:
        looks = [(one, pool.submit(lambda one: tuple(look(one)), one)) for one in containers]
    for one, looked in looks:
        try:
            yield from looked.result()
        except ControlError as error:
            yield _unasked(one, error)


def _helped(containers: Sequence[Container]) -> Iterator[Deviation]:
    """Say which of a run's containers are helpers that break another one as long as they are there."""
    for container in containers:
        if LASTING in container.labels:
            on, name = container.labels.get(HELPER, ""), container.name or str(container.id)
            residue = Residue(on=on, what=f"has a helper ({container.labels[LASTING]})")
            yield Deviation(residue=residue, undo=docker_delay.removing(name, on))


def _spoilt(there: Sequence[Container], containers: Sequence[Container]) -> Iterator[Deviation]:
    """Say what ``containers`` were made to do, or to suffer, beside being stopped and moved, and who was added.

    ``there`` are all containers of the run, helpers and those that were added among them.
    """
    yield from _helped(there)
    yield from docker_added.deviations(there)
    yield from _filtered(containers)
    yield from toxiproxy.deviations(containers)
    yield from _each(containers, docker_commands.astray)


def deviations(residence: Residence) -> tuple[Deviation, ...]:
    """Compare every container of the residence with its declared state and address, and see what else it was made to do."""
    there = labelled(residence.run)
    found = {str(container.id): container for container in there}
    off: list[Deviation | None] = []
    for thing in residence.things:
        container = found.get(thing.ref)
        if container is None:
            off.append(Deviation(residue=Residue(on=thing.name, what="container is gone"), undo=None))
            continue
        network, address = thing.state.get("network"), thing.state.get("address")
        off.append(_stopped(container) or (_strayed(container, str(network), str(address)) if network else None))
    off += _spoilt(there, [found[thing.ref] for thing in residence.things if thing.ref in found])
    return tuple(one for one in off if one is not None)


def observed(run: str) -> tuple[Deviation, ...]:
    """Find the containers of a run that are paused, stopped, off their network, or were made to do something else."""
    there = labelled(run)
    containers = [container for container in there if not {HELPER, ADDED} & container.labels.keys()]
    off = [
        _stopped(container) or (_strayed(container, *home) if (home := docker_network.home(container)) else None)
        for container in containers
    ]
    return tuple(one for one in (*off, *_spoilt(there, containers)) if one is not None)
