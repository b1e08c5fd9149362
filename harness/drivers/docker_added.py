"""Instances that a step adds to those of the shop: told by a label, asked to go, then removed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import docker
from docker.models.containers import Container

from harness.drivers import Deviation
from harness.drivers.docker_client import ADDED, RUN, client, controlled
from harness.errors import ControlError
from harness.model import Residue, Undo
from harness.shop import Thing

GOES_S = 5  # in which it may end what it has begun


def retiring(name: str, instance: str) -> Undo:
    """Give the undo that takes an added instance away; ``name`` is that of its container."""
    return Undo(verb="retire", on=name, args={"instance": instance})


def retire(container: Container, _undo: Undo) -> None:
    """Ask it to go, and remove it, whether it went or not. Raises ``ControlError`` for one that belongs to the shop."""
    if ADDED not in container.labels:
        raise ControlError(f"{container.name} was not added by a step; not touched")
    with suppress(docker.errors.NotFound):  # somebody else takes it away
        try:
            container.stop(timeout=GOES_S)
        finally:
            container.remove(force=True, v=True)


def added(run: str) -> tuple[Thing, ...]:
    """Find those of a run that are there. Raises ``ControlError``."""
    with controlled("look for what was added"):  # by the label, so that nobody else is looked at each time
        there = client().containers.list(all=True, filters={"label": [f"{RUN}={run}", ADDED]}, ignore_removed=True)
    return tuple(Thing(name=one.labels[ADDED], ref=str(one.id), state={}) for one in there)


def deviations(there: Sequence[Container]) -> Iterator[Deviation]:
    """Say which of a run's containers were added."""
    for container in there:
        if ADDED in container.labels:
            name = container.labels[ADDED]
            undo = retiring(container.name or str(container.id), name)
            yield Deviation(residue=Residue(on=name, what="was added"), undo=undo)


MENDERS: Mapping[str, Callable[[Container, Undo], None]] = {"retire": retire}
