"""The machine a run measures on: what it is, and how much of it belongs to somebody else."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

from harness.model import Reading

TICKS = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """Give cores, memory and kernel in one line."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores, {memory / 2**30:.0f} GiB, {platform.system()} {platform.release()}"


class Machine:
    """Compares the machine's CPU time with the run's own.

    ``shop_cpu_s`` gives what the shop has used so far; ``pids`` are the run's other processes. A part that restarted
    begins at zero again: such a look cannot tell and says so. Kernel threads and the engine's own processes count as
    somebody else's: beside a run of the flagship they used 0.7 % and 0.2 % of two cores. A machine left alone reads 1-2 %.
    """

    def __init__(
        self, now_ns: Callable[[], int], shop_cpu_s: Callable[[], float | None], pids: Callable[[], list[int]]
    ) -> None:
        self._now_ns, self._shop_cpu_s, self._pids = now_ns, shop_cpu_s, pids
        self._last: tuple[float, float, float] | None = None

    def foreign_ratio(self) -> Reading:
        """Give (stolen + busy - our own) / all CPU time since the last look, from /proc/stat and cgroups."""
        at_ns, shop = self._now_ns(), self._shop_cpu_s()
        if shop is None:
            return Reading(at_ns=at_ns, value=None, why="the CPU time of the shop's parts cannot be read")
        total, busy = _cpu()
        own = shop + sum(_used(pid) for pid in self._pids())
        last, self._last = self._last, (total, busy, own)
        if last is None or total <= last[0]:
            return Reading(at_ns=at_ns, value=None, why="this was the first look")
        if own < last[2]:
            return Reading(at_ns=at_ns, value=None, why="a part of the shop was restarted since the last look")
        return Reading(at_ns=at_ns, value=max(0.0, (busy - last[1] - (own - last[2])) / (total - last[0])))


def _cpu() -> tuple[float, float]:
    """Give all CPU seconds of the machine so far, and those that were not idle (stolen ones among them)."""
    words = [int(word) / TICKS for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = words[3] + words[4]
    return sum(words), sum(words) - idle


def _used(pid: int) -> float:
    """Give the CPU seconds of a process; 0 once it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICKS
