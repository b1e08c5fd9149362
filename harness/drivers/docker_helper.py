"""Helpers: containers that enter the network namespace of another one, or of several, and speak to the kernel there."""

import shlex
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


def inside_each(containers: Sequence[Container], image: str, command: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Let one helper run a command in the network namespace of each container; give its exit code and words, by id.

    Within 5 s for all of them: to start a helper costs more than all that it does here. It finds a namespace by the process
    of its container, so it must see those of the host. Raises what the client library raises.
    """
    pids = {str(container.attrs["State"]["Pid"]): str(container.id) for container in containers}
    script = f'for pid; do said=$(nsenter -t "$pid" -n {shlex.join(command)} 2>&1); echo "$pid $?" $said; done'
    said: bytes = client().containers.run(
        image,
        ["timeout", str(CONTROL_S), "sh", "-fc", script, "sh", *pids],
        network_mode="none",
        pid_mode="host",
        userns_mode="host",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"],  # to speak to the kernel, to enter, to see where
        security_opt=["apparmor=unconfined"],  # its usual profile forbids to enter
        labels=dict(labels_of(containers[0])),
        remove=True,
    )
    told = (line.split(maxsplit=2) for line in said.decode(errors="replace").splitlines())
    return {pids[pid]: (int(code), " ".join(words)) for pid, code, *words in told}
