"""The connection to the Docker engine, and the labels that say whose a container is."""

import functools

import docker
import requests

from harness.errors import SetupError

RUN, INSTANCE, LOCK = "windtunnel.run", "windtunnel.instance", "windtunnel.lock"
# Where a container belongs, and the image of what reaches into its network: for those who know no more than its labels.
NETWORK, ADDRESS, TOOLS = "windtunnel.network", "windtunnel.address", "windtunnel.tools"
LINKS = "windtunnel.links"  # the links that go through a container, one that spoils them on request
HELPER = "windtunnel.helper"  # a container that only reaches into another one, named here
CONTROL_S = 5


@functools.lru_cache(maxsize=4)
def client(timeout_s: int | None = CONTROL_S) -> docker.DockerClient:
    """Connect to the engine. Raises ``SetupError`` when none answers, with the command that starts one.

    ``timeout_s`` bounds every call; None is for streams that last as long as a run.
    """
    try:
        docker.from_env(timeout=CONTROL_S).ping()
        return docker.from_env(timeout=timeout_s)  # type: ignore[arg-type]  # None is what requests calls "no bound"
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise SetupError(f"no Docker engine answers: {error}; start one with `make prepare`") from error
