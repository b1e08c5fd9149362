"""The machine a run measures on: what it is, what is free, and how much of it belongs to somebody else."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from harness.finding import Finding, Level
from harness.model import Reading, noun

TICKS = os.sysconf("SC_CLK_TCK")
GIB = 2**30


@noun
class Cpu:
    """CPU seconds of the whole machine since it started: all there were, those not idle, and of those the stolen ones."""

    total_s: float
    busy_s: float
    stolen_s: float


def describe() -> str:
    """Give cores, memory and kernel in one line."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores, {memory / 2**30:.0f} GiB, {platform.system()} {platform.release()}"


class Machine:
    """Compares the machine's CPU time with the run's own.

    ``shop_cpu_s`` gives what each part of the shop has used so far; ``pids`` are the run's other processes, which count with
    the children that they have outlived. A part that restarted begins at zero again: such a look cannot tell and says so.
    Kernel threads and the engine's own processes count as somebody else's: beside a run of the flagship they used 0.7 % and
    0.2 % of two cores. A machine left alone reads 1-2 %.
    """

    def __init__(
        self, now_ns: Callable[[], int], shop_cpu_s: Callable[[], Mapping[str, float]], pids: Callable[[], list[int]]
    ) -> None:
        self._now_ns, self._shop_cpu_s, self._pids = now_ns, shop_cpu_s, pids
        self._last: tuple[float, float, float] | None = None

    def foreign_ratio(self) -> Reading:
        """Give (stolen + busy - our own) / all CPU time since the last look, from /proc/stat and cgroups."""
        at_ns, shop = self._now_ns(), self._shop_cpu_s()
        if not shop:
            return Reading(at_ns=at_ns, value=None, why="the CPU time of the shop's parts cannot be read")
        now = cpu()
        total, busy = now.total_s, now.busy_s
        own = sum(shop.values()) + used_s(self._pids())
        last, self._last = self._last, (total, busy, own)
        if last is None or total <= last[0]:
            return Reading(at_ns=at_ns, value=None, why="this was the first look")
        if own < last[2]:
            return Reading(at_ns=at_ns, value=None, why="a part of the shop was restarted since the last look")
        return Reading(at_ns=at_ns, value=max(0.0, (busy - last[1] - (own - last[2])) / (total - last[0])))

    def cpu_s(self) -> Reading:
        """Give all CPU time that was not idle, whoever used it."""
        return Reading(at_ns=self._now_ns(), value=cpu().busy_s)


class Meter:
    """Counts the CPU time of one party to a run: ``used_s`` gives its seconds so far, None where nobody can tell."""

    def __init__(self, now_ns: Callable[[], int], used_s: Callable[[], float | None]) -> None:
        self._now_ns, self._used_s = now_ns, used_s

    def cpu_s(self) -> Reading:
        """Read the count."""
        at_ns, used_s = self._now_ns(), self._used_s()
        why = "nobody counts its CPU time: does it run?" if used_s is None else None
        return Reading(at_ns=at_ns, value=used_s, why=why)


class Rationed(Meter):
    """Counts also for how long a part had to wait for CPU time; ``throttled_s`` gives that, None where nobody can tell."""

    def __init__(
        self, now_ns: Callable[[], int], used_s: Callable[[], float | None], throttled_s: Callable[[], float | None]
    ) -> None:
        super().__init__(now_ns, used_s)
        self._throttled_s = throttled_s

    def throttled_s(self) -> Reading:
        """Read that count."""
        at_ns, throttled_s = self._now_ns(), self._throttled_s()
        why = "nobody counts how long it waited for CPU time: does it run?" if throttled_s is None else None
        return Reading(at_ns=at_ns, value=throttled_s, why=why)


def cpu() -> Cpu:
    """Read the machine's CPU time so far. Raises ``OSError`` or ``ValueError`` where /proc/stat does not tell it."""
    words = [int(word) / TICKS for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = words[3] + words[4]
    return Cpu(total_s=sum(words), busy_s=sum(words) - idle, stolen_s=words[7])


def room(what: str, path: Path, *, tight_gib: float, least_gib: float) -> Finding:
    """Say how much of the disk behind a path is free: below ``tight_gib`` it warns, below ``least_gib`` nothing can run.

    A path that is not there yet is where its nearest parent is. Raises ``OSError`` where the file system does not tell.
    """
    there = next(one for one in (path, *path.parents) if one.exists())
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize / GIB
    found = f"{free:.1f} of {disk.f_blocks * disk.f_frsize / GIB:.1f} GiB free at {there}"
    if free >= tight_gib:
        return Finding(what=what, found=found)
    level = Level.IMPOSSIBLE if free < least_gib else Level.WARNING
    return Finding(what=what, found=f"{found}; {tight_gib:g} GiB are wanted", mend=f"df -h {there}", level=level)


def session(leader: int) -> list[int]:
    """Give the pids of all processes of a session, which its leader's pid names."""
    return [pid for pid in (int(entry.name) for entry in Path("/proc").glob("[0-9]*")) if _stat(pid)[3:4] == [str(leader)]]


def used_s(pids: Iterable[int]) -> float:
    """Sum the CPU seconds of processes, and of the children that they have outlived; 0 for one that is gone."""
    return sum(int(word) for pid in pids for word in _stat(pid)[11:15]) / TICKS


def _stat(pid: int) -> list[str]:
    """Give what stands behind a process's name in its /proc/PID/stat; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
