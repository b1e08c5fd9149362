"""Containers of a Docker engine: the powers kill, crash and pause, what mends them, and all that is left of a run.

It acts only on containers that carry a run's label. Every call has the deadline ``CONTROL_S``.
"""

import shlex
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import docker
import requests
from docker.models.containers import Container

from harness.drivers import Leftover, Mender, docker_added, docker_commands, docker_network, toxiproxy
from harness.drivers.docker_client import CONTROL_S, INSTANCE, LOCK, RUN, client, controlled, labelled
from harness.drivers.docker_cpu import confine, cpu_s, throttled_s
from harness.drivers.docker_events import watch
from harness.drivers.docker_examine import examine
from harness.drivers.docker_helper import PREFIX
from harness.drivers.docker_images import images, load_images, save_images
from harness.drivers.docker_off import deviations, observed
from harness.drivers.redaction import redacted, secrets_of
from harness.errors import ControlError, SetupError
from harness.model import Break, Undo

SWEEP_S = 30.0
LOG_LINES = 2000
FREEZES, GAVE_UP = 3, "unable to freeze"  # as the engine says it; the container runs on then
FALLEN = 128 + signal.SIGKILL  # a container that ends with its main process takes the one who killed it along
__all__ = [
    "MENDERS",
    "TYPED",
    "ContainerPowers",
    "collect",
    "confine",
    "cpu_s",
    "deviations",
    "examine",
    "images",
    "leftovers",
    "load_images",
    "observed",
    "save_images",
    "sweep",
    "throttled_s",
    "watch",
]
_HELPER = "docker run --rm --network container:{} --cap-add NET_ADMIN <tools>"
_RULES = {
    "cut": "drop its packets",
    "refuse": "reset its connections",
    "lose": "drop some of its packets",
    "throttle": "drop what comes too fast",
    "unname": "drop its questions for names",
}
TYPED: Mapping[str, tuple[str, str]] = {
    "kill": ("docker kill {}", "docker start {}"),
    "crash": ("docker exec {} kill -9 <main process>", ""),
    "pause": ("docker pause {}", "docker unpause {}"),
    "scale_out": ("docker run -d --name {0} <its image>", "docker stop {0}; docker rm {0}"),
    "poison": (
        f"curl -fd '<toxic>' 'http://<proxy>:{toxiproxy.PORT}/proxies/{{}}/toxics'",
        f"curl -fX DELETE 'http://<proxy>:{toxiproxy.PORT}/proxies/{{}}/toxics/<toxic>'",
    ),
    "misanswer": ("docker exec {} <give it another configuration>", "docker exec {} <give it back its own>"),
    "isolate": ("docker network disconnect -f <network> {}", "docker network connect --ip <address> <network> {}"),
    **{
        power: (f"{_HELPER} nft <{rules}>", f"{_HELPER} nft delete table inet {PREFIX}{power}")
        for power, rules in _RULES.items()
    },
    "delay": (
        f"{_HELPER} iptables <queue its packets>; docker run -d … <tools> python3 <let them in later>",
        f"docker rm -f <that helper>; {_HELPER} iptables <delete the queue's chain>",
    ),
}


class ContainerPowers:
    """What one container of a run can undergo. ``main_process``: the argv that kills its main process from inside."""

    def __init__(self, ref: str, instance: str, main_process: tuple[str, ...]) -> None:
        self._ref, self._instance, self._main_process = ref, instance, main_process

    def kill(self) -> Break:
        """Prepare the loss of the host: SIGKILL through the engine, which then does not restart it."""
        container = self._own()
        return Break(undo=(self._undo("start"),), act=self._act("kill", container.kill), typed=self._typed("kill"))

    def pause(self) -> Break:
        """Prepare the freeze: every process of the container stops where it is."""
        container = self._own()
        return Break(
            undo=(self._undo("unpause"),), act=self._act("pause", partial(freeze, container)), typed=self._typed("pause")
        )

    def crash(self) -> Break:
        """Prepare the death of the main process, killed from inside the container; the restart policy still holds."""
        container = self._own()
        command = ["timeout", str(int(CONTROL_S)), *self._main_process]

        def act() -> None:
            done = container.exec_run(command)
            if done.exit_code not in (0, FALLEN):
                raise ControlError(f"crash {self._instance}: {shlex.join(command)} gave {done.exit_code}: {done.output!r}")

        typed = f"docker exec {self._instance} {shlex.join(self._main_process)}"
        return Break(undo=(), act=self._act("crash", act), typed=typed)

    def _own(self) -> Container:
        """Get the container, refusing any that does not carry a run's label."""
        with controlled(f"find {self._instance}"):
            container = client().containers.get(self._ref)
        if RUN not in container.labels:
            raise ControlError(f"{self._instance} does not carry the label {RUN}; windtunnel breaks only what it started")
        return container

    def _undo(self, verb: str) -> Undo:
        return Undo(verb=verb, on=self._ref, args={"instance": self._instance})

    def _typed(self, power: str) -> str:
        return TYPED[power][0].format(self._instance)

    def _act(self, power: str, call: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            with controlled(f"{power} {self._instance}"):
                call()

        return act


def _mend(undo: Undo, call: Callable[[Container], None]) -> None:
    """Mend one container of a run; one that has vanished counts as healed."""
    with controlled(f"{undo.verb} {undo.args.get('instance', undo.on)}"):
        try:
            container = client().containers.get(undo.on)
        except docker.errors.NotFound:
            return
        if RUN not in container.labels:
            raise ControlError(f"{undo.on} does not carry the label {RUN}; not touched")
        call(container)


def freeze(container: Container) -> None:
    """Pause a container; where processes come and go in it, an old kernel may give up, and is asked ``FREEZES`` times.

    Raises what the client library raises.
    """
    for _ in range(FREEZES - 1):
        try:
            return container.pause()
        except docker.errors.APIError as error:
            if GAVE_UP not in str(error):
                raise
    return container.pause()


def _start(container: Container) -> None:
    if container.status == "paused":
        container.unpause()
    container.start()


def _unpause(container: Container) -> None:
    if container.status == "paused":
        container.unpause()


def _mender(call: Callable[[Container, Undo], None]) -> Mender:
    return lambda undo: _mend(undo, lambda container: call(container, undo))


MENDERS: Mapping[str, Mender] = {
    "start": lambda undo: _mend(undo, _start),
    "unpause": lambda undo: _mend(undo, _unpause),
    **{
        verb: _mender(call)
        for menders in (docker_network.MENDERS, docker_commands.MENDERS, docker_added.MENDERS, toxiproxy.MENDERS)
        for verb, call in menders.items()
    },
}


def sweep(run: str, folder: Path) -> tuple[str, ...]:  # noqa: ARG001 -- containers are found by label, not by folder
    """Remove the run's containers, networks and volumes; give the names of what is left."""
    engine, label = client(SWEEP_S), {"label": f"{RUN}={run}"}
    for container in labelled(run, SWEEP_S):
        with suppress(docker.errors.APIError, requests.exceptions.RequestException):
            container.remove(force=True, v=True)
    with controlled("remove the run's networks and volumes"):
        for network in engine.networks.list(filters=label):
            with suppress(docker.errors.APIError):
                network.remove()
        for volume in engine.volumes.list(filters=label):
            with suppress(docker.errors.APIError):
                volume.remove(force=True)
        left = [container.name or container.short_id for container in labelled(run, SWEEP_S)]
        left += [str(network.name) for network in engine.networks.list(filters=label)]
        return (*left, *(str(volume.name) for volume in engine.volumes.list(filters=label)))


def collect(run: str, folder: Path) -> None:
    """Write the last lines of each container's log to ``folder/<instance>.log``, the run's secrets removed."""
    folder.mkdir(parents=True, exist_ok=True)
    containers = labelled(run)
    secrets = {secret for one in containers for secret in secrets_of(one.attrs["Config"].get("Env") or [])}
    for container in containers:
        with suppress(docker.errors.APIError, requests.exceptions.RequestException):
            text = container.logs(tail=LOG_LINES, timestamps=True).decode(errors="replace")
            name = container.labels.get(INSTANCE, container.short_id)
            (folder / f"{name}.log").write_text(redacted(text, secrets), encoding="utf-8")


def leftovers() -> tuple[Leftover, ...]:
    """Find every run that has a container or a network on this engine. Raises ``SetupError`` where it does not answer."""
    found: dict[str, list[tuple[str, str]]] = {}
    try:
        for container in labelled(None):
            found.setdefault(container.labels[RUN], []).append((container.name or "", container.labels.get(LOCK, "")))
        with controlled("list networks"):
            for network in client().networks.list(filters={"label": RUN}):
                labels = (network.attrs or {}).get("Labels") or {}
                found.setdefault(labels[RUN], []).append((str(network.name), labels.get(LOCK, "")))
    except ControlError as error:
        raise SetupError(f"the Docker engine is too busy to answer: {error}; see `docker info`") from error
    return tuple(
        Leftover(
            run=run, lock=Path(next((lock for _, lock in things if lock), "")), things=tuple(name for name, _ in things)
        )
        for run, things in found.items()
    )
