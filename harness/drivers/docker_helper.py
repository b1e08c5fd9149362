"""Helpers: containers that enter the network namespace of another one, or of several, and speak to the kernel there."""

import shlex
from collections.abc import Mapping, Sequence

from docker.models.containers import Container

from harness.drivers.docker_client import CONTROL_S, HELPER, INSTANCE, LOCK, RUN, client

PREFIX = "windtunnel_"  # of the name of all that we write into the namespace of another one
# For each `<id>:<pid>` one line: the id, the code, the words of the command, which is the shell's $0.
EACH = """
for one; do
    id=${one%:*} pid=${one#*:}
    said=$(
        grep -qs "$id" "/proc/$pid/cgroup" || { echo "process $pid is not its own"; exit 1; }
        nsenter -t "$pid" -n sh -c "$0" 2>&1
    )
    echo "$id $?" $said
done
"""


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
    of its container, so it must see those of the host; a process of another control group is not entered, and its code is 1.
    Raises what the client library raises.
    """
    whom = [f"{one.id}:{one.attrs['State']['Pid']}" for one in containers]
    said: bytes = client().containers.run(
        image,
        ["timeout", str(CONTROL_S), "sh", "-fc", EACH, shlex.join(command), *whom],
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
    return {reference: (int(code), " ".join(words)) for reference, code, *words in told}
