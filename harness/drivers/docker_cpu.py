"""The CPU time of containers: what they have used, for how long they had to wait for more, and on which cores they run."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.drivers.docker_added import added
from harness.drivers.docker_client import client, controlled
from harness.errors import ControlError
from harness.shop import Residence

ROOT = Path("/sys/fs/cgroup")
USED, THROTTLED = ("usage_usec", "cpuacct.usage"), ("throttled_usec", "throttled_time")  # in cgroup v2 and v1
NS, US = 1e9, 1e6


def cpu_s(residence: Residence, *, grown: bool = False) -> dict[str, float]:
    """Read the CPU time of the residence's containers from their cgroups (v1 or v2); a stopped one has none.

    ``grown``: of those that steps have added, too.
    """
    if grown:
        residence = replace(residence, things=(*residence.things, *added(residence.run)))
    return _counts(residence, USED, ("cpu.stat", "cpuacct.usage"))


def throttled_s(residence: Residence) -> dict[str, float]:
    """Read for how long the residence's containers had used up their CPU quota, from the same; 0 for one without a quota."""
    return _counts(residence, THROTTLED, ("cpu.stat",))


def confine(residence: Residence, cores: Collection[int]) -> None:
    """Let containers run on these cores only, also once they are started again. Raises ``ControlError``."""
    wanted = ",".join(map(str, sorted(cores)))
    for thing in residence.things:
        with controlled(f"confining {thing.name} to the cores {wanted}"):
            container = client().containers.get(thing.ref)
            container.update(cpuset_cpus=wanted)
            container.reload()
            found = container.attrs["HostConfig"].get("CpusetCpus", "")
        if found != wanted:
            raise ControlError(f"{thing.name} runs on the cores {found or 'of the whole machine'}, not on {wanted} alone")


def _counts(residence: Residence, names: tuple[str, str], files: tuple[str, ...]) -> dict[str, float]:
    """Give a count in s for each container of which the kernel tells it."""
    found = {}
    for thing in residence.things:
        for path in _where(thing.ref, files):
            with suppress(OSError, ValueError, IndexError):
                found[thing.name] = _count(path, names)
                break
    return found


def _count(path: Path, names: tuple[str, str]) -> float:
    """Read a count by its name, or one that is all the file holds. Raises ``OSError``, ``ValueError``, ``IndexError``."""
    words, (microseconds, nanoseconds) = path.read_text().split(), names
    if microseconds in words:
        return int(words[words.index(microseconds) + 1]) / US
    return int(words[words.index(nanoseconds) + 1] if nanoseconds in words else words[0]) / NS


def _where(ref: str, files: Iterable[str]) -> tuple[Path, ...]:
    """Where a container's counts stand, in the layouts of cgroup v1 and v2, with and without systemd."""
    folders = (f"docker/{ref}", f"system.slice/docker-{ref}.scope")
    return tuple(ROOT / kind / folder / file for kind in ("cpuacct", "cpu", "") for folder in folders for file in files)
