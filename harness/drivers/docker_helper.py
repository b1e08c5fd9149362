"""Helpers: containers that share the network namespace of another one, and speak to the kernel there."""

from collections.abc import Mapping, Sequence

from docker.models.containers import Container

from harness.drivers.docker_client import CONTROL_S, HELPER, INSTANCE, LOCK, RUN, client

PREFIX = "windtunnel_"  # of the name of all that we write into the namespace of another one


def labels_of(container: Container) -> Mapping[str, str]:
    """Give the labels of a helper of a container: those of its run, and whose helper it is."""
    labels = {key: container.labels[key] for key in (RUN, LOCK) if key in container.labels}
    return labels | {HELPER: container.labels.get(INSTANCE, "")}


def inside(container: Container, image: str, command: Sequence[str]) -> str:
    """Let a helper run one command inside a container's network namespace, within 5 s; give what it printed.

    Raises what the client library raises, ``ContainerError`` with the command's own words where that failed.
    """
    said: bytes = client().containers.run(
        image,
        ["timeout", str(CONTROL_S), *command],
        network_mode=f"container:{container.id}",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
        labels=dict(labels_of(container)),
        remove=True,
    )
    return said.decode()
