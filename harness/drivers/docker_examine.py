"""How well a Docker engine is: its versions, its cgroups, its bridge, the disk it stores on. Only asks."""

import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import requests

from harness.drivers.docker_client import client
from harness.errors import SetupError
from harness.finding import Finding, Level
from harness.host import room

TIGHT_GIB, LEAST_GIB = 2.0, 0.25  # images, and what the shop's containers write while a run lasts
START = "make prepare"
ELSEWHERE = "run windtunnel on the machine of the engine (echo $DOCKER_HOST)"
BLIND = (docker.errors.DockerException, requests.exceptions.RequestException, OSError, KeyError, TypeError)


def examine() -> tuple[Finding, ...]:
    """Examine the engine; where none answers, say that, and what could not be asked. Each call has its deadline."""
    try:
        engine = client()
        version, info = engine.version(), engine.info()
    except (SetupError, *BLIND) as error:
        why = f"none answers: {error.__cause__ if isinstance(error, SetupError) else error}"
        blind = (_blind(what, "no engine answers", START) for what in ("cgroups", "bridge", "engine's disk"))
        return (Finding(what="engine", found=why, mend=START, level=Level.IMPOSSIBLE), *blind)
    looks: Mapping[str, Callable[[], Finding]] = {
        "cgroups": lambda: _cgroups(info),
        "bridge": lambda: _bridge(engine),
        "engine's disk": lambda: _disk(Path(info["DockerRootDir"])),
    }
    found = f"Docker {version.get('Version', 'of unknown version')}, API {version.get('ApiVersion', 'unknown')}"
    return (Finding(what="engine", found=found), *(_looked(what, look) for what, look in looks.items()))


def _looked(what: str, look: Callable[[], Finding]) -> Finding:
    """Look at one thing; that it cannot be seen must not hide the others."""
    try:
        return look()
    except BLIND as error:
        return _blind(what, f"{type(error).__name__}: {error}")


def _blind(what: str, why: str, mend: str = "docker info") -> Finding:
    return Finding(what=what, found=f"could not be looked at: {why}", mend=mend, level=Level.WARNING)


def _cgroups(info: Mapping[str, Any]) -> Finding:
    version = info.get("CgroupVersion", "1")  # engines before 20.10 knew no other
    return Finding(what="cgroups", found=f"version {version}, driver {info['CgroupDriver']}")


def _bridge(engine: docker.DockerClient) -> Finding:
    """Say whether containers can be reached at their own addresses: then the default bridge's gateway is one of ours."""
    subnets = engine.networks.get("bridge").attrs["IPAM"]["Config"] or []
    gateway = next((one["Gateway"] for one in subnets if "." in one.get("Gateway", "")), None)
    if gateway is None:
        return _blind("bridge", "the engine names no gateway of its default bridge")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            found = f"{gateway} is not an address of this machine: no part of the shop, and no witness, could be reached"
            return Finding(what="bridge", found=found, mend=ELSEWHERE, level=Level.IMPOSSIBLE)
    return Finding(what="bridge", found=f"reachable: {gateway} is an address of this machine")


def _disk(root: Path) -> Finding:
    if not root.exists():
        return _blind("engine's disk", f"{root} is not a folder of this machine")
    return room("engine's disk", root, tight_gib=TIGHT_GIB, least_gib=LEAST_GIB)
