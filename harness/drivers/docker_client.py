"""The connection to the Docker engine, and the labels that say whose a container is."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
from docker.models.containers import Container

from harness.errors import ControlError, SetupError

RUN, INSTANCE, LOCK = "windtunnel.run", "windtunnel.instance", "windtunnel.lock"
# Where a container belongs, and the image of what reaches into its network: for those who know no more than its labels.
NETWORK, ADDRESS, TOOLS = "windtunnel.network", "windtunnel.address", "windtunnel.tools"
LINKS = "windtunnel.links"  # the links that go through a container, one that spoils them on request
# How a container tells that it was told to do its work in another way, and how it gets back to its own: shell lines.
ASTRAY, RESTORE = "windtunnel.astray", "windtunnel.restore"
ADDED = "windtunnel.added"  # an instance that a step has added to those of the shop, by its own name
HELPER = "windtunnel.helper"  # a container that only reaches into another one, named here
LASTING = "windtunnel.lasting"  # a helper that is itself what breaks the other one, by the name of its power
CONTROL_S = 5


@functools.lru_cache(maxsize=4)
def client(timeout_s: float | None = CONTROL_S) -> docker.DockerClient:
    """Connect to the engine. Raises ``SetupError`` when none answers, with the command that starts one.

    ``timeout_s`` bounds every call; None is for streams that last as long as a run.
    """
    try:
        docker.from_env(timeout=CONTROL_S).ping()
        return docker.from_env(timeout=timeout_s)  # type: ignore[arg-type]  # None is what requests calls "no bound"
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise SetupError(f"no Docker engine answers: {error}; start one with `make prepare`") from error


@contextmanager
def controlled(what: str) -> Iterator[None]:
    """Turn whatever the client library raises into a ``ControlError`` that says what was being done."""
    try:
        yield
    except docker.errors.ContainerError as error:  # a helper that failed
        raise ControlError(f"{what}: {_text(error.stderr) or error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise ControlError(f"{what}: {error}") from error


def labelled(run: str | None, timeout_s: float = CONTROL_S) -> list[Container]:
    """Find the containers of one run, or of all. Raises ``ControlError``."""
    with controlled("list the run's containers"):
        label = RUN if run is None else f"{RUN}={run}"
        return client(timeout_s).containers.list(all=True, filters={"label": label}, ignore_removed=True)


def _text(said: bytes | str | None) -> str:
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else said or ""
