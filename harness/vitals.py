"""The machine itself, as a run will find it: cores, memory, CPU, clocks, proxies, certificates. Only looks."""

import os
import platform
import re
import ssl
import sys
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network, collapse_addresses
from pathlib import Path

from harness import host
from harness.clock import MachineClock, pause, synchronised
from harness.doubts import FOREIGN
from harness.finding import Finding, Level
from harness.host import GIB

PYTHON = (3, 11)
CORES = 2
TIGHT_GIB, LEAST_GIB = 2.0, 0.5  # of memory: the shop's parts beside harness and load; below, not even those two
LOOK_S = 1.0
STEADY = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "xen"}
UNSTEADY = {"jiffies", "refined-jiffies", "hpet", "acpi_pm", "pit"}
SOURCES = Path("/sys/devices/system/clocksource/clocksource0")
DAY_NS = 86_400_000_000_000
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
OURS = (IPv4Network("198.18.0.0/15"), IPv4Network("127.0.0.1/32"))
SPARE = 'export no_proxy="${no_proxy:+$no_proxy,}198.18.0.0/15,127.0.0.1"'
BUNDLES = ("WINDTUNNEL_CA_BUNDLE", "SSL_CERT_FILE")


def system() -> Finding:
    """Say whether this is Linux, with a Python that is new enough."""
    found = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    if sys.platform != "linux":
        return Finding(what="system", found=found, mend="use a Linux machine", level=Level.IMPOSSIBLE)
    if sys.version_info < PYTHON:
        return Finding(what="system", found=found, mend="make PYTHON=python3.11 prepare", level=Level.IMPOSSIBLE)
    return Finding(what="system", found=found)


def cores() -> Finding:
    """Count the cores that this process may use."""
    count = len(os.sched_getaffinity(0))
    if count >= CORES:
        return Finding(what="cores", found=f"{count}")
    found = f"{count}, where load and shop want {CORES}: figures of time will be doubted"
    return Finding(what="cores", found=found, mend="taskset -cp $$, or a larger machine", level=Level.WARNING)


def memory(told: Path = Path("/proc/meminfo")) -> Finding:
    """Say how much memory can be had without swapping. Raises ``ValueError`` where the kernel does not say."""
    told_kib = dict(re.findall(r"(?m)^(\w+):\s+(\d+) kB$", told.read_text()))
    if not {"MemAvailable", "MemTotal"} <= told_kib.keys():
        raise ValueError(f"{told} names no MemAvailable")
    free, total = (int(told_kib[name]) * 1024 / GIB for name in ("MemAvailable", "MemTotal"))
    found = f"{free:.1f} of {total:.1f} GiB available"
    if free >= TIGHT_GIB:
        return Finding(what="memory", found=found)
    level = Level.IMPOSSIBLE if free < LEAST_GIB else Level.WARNING
    return Finding(what="memory", found=f"{found}; {TIGHT_GIB:g} GiB are wanted", mend="ps aux --sort=-rss", level=level)


def cpu() -> Finding:
    """Look for a second at how busy the machine is without a run. Raises ``ValueError`` where its time does not pass."""
    before = host.cpu()
    pause(LOOK_S)
    after = host.cpu()
    passed = after.total_s - before.total_s
    if passed <= 0:
        raise ValueError("/proc/stat stands still")
    busy, stolen = (after.busy_s - before.busy_s) / passed, (after.stolen_s - before.stolen_s) / passed
    found = f"{busy:.0%} busy, of all CPU time {stolen:.0%} stolen by the host, over {LOOK_S:g} s"
    if busy <= FOREIGN:
        return Finding(what="foreign CPU", found=found)
    found += f"; beyond {FOREIGN:.0%} a run doubts its figures of time"
    return Finding(what="foreign CPU", found=found, mend="top", level=Level.WARNING)


def clock_source(sources: Path = SOURCES) -> Finding:
    """Say which clock the kernel measures by. Raises ``OSError`` where it does not say."""
    now, known = ((sources / f"{which}_clocksource").read_text().split() for which in ("current", "available"))
    name, better = " ".join(now), next((one for one in known if one in STEADY), "")
    if name in STEADY:
        return Finding(what="clock source", found=name)
    found = f"{name}, slow or coarse" if name in UNSTEADY else f"{name}: how steady it is could not be told"
    mend = f"echo {better} > {sources}/current_clocksource" if better else "use another machine, or mind its figures of time"
    return Finding(what="clock source", found=found, mend=mend, level=Level.WARNING)


def wall_clock() -> Finding:
    """Say whether the wall clock is plausible, and whether something keeps it right. Nothing is measured by it."""
    mend = "timedatectl set-ntp true"
    if MachineClock().wall_ns() < Path(__file__).stat().st_mtime_ns - DAY_NS:
        found = "earlier than this program was installed"
        return Finding(what="wall clock", found=found, mend=mend, level=Level.WARNING)
    kept = synchronised()
    if kept:
        return Finding(what="wall clock", found="synchronised, says the kernel")
    found = "plausible; whether it is synchronised could not be told"
    if kept is False:
        found = "plausible, but no time service has told the kernel that it is right"
    return Finding(what="wall clock", found=found, mend=mend, level=Level.WARNING)


def proxies(environment: Mapping[str, str] = os.environ) -> Finding:
    """Say which proxies are set, and whether what belongs to a run is spared. Shows neither users nor passwords."""
    names = [name for lower in PROXIES for name in (lower, lower.upper()) if environment.get(name)]
    if not names:
        return Finding(what="proxies", found="none set")
    found = ", ".join(f"{name}={_without_login(environment[name])}" for name in names)
    spared = _networks(environment.get("no_proxy") or environment.get("NO_PROXY") or "")
    missing = [str(one).removesuffix("/32") for one in OURS if not any(one.subnet_of(network) for network in spared)]
    if not missing:
        return Finding(what="proxies", found=f"{found}; no_proxy spares what is ours")
    found += f"; no_proxy does not spare {', '.join(missing)}"
    return Finding(what="proxies", found=found, mend=SPARE, level=Level.WARNING)


def _without_login(url: str) -> str:
    """Give scheme, host and port of a proxy; all that may be secret, and whatever is not understood, is left out."""
    login, at, rest = url.rpartition("@")
    scheme, mark, _ = (login if at else rest).partition("://")
    address = re.match(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?(?=/|$)", rest if at or not mark else rest.partition("://")[2])
    front = f"{scheme}://" if mark and scheme.isalnum() else ""
    return f"{front}{'***@' if at else ''}{address[0] if address else '(not shown: no address)'}"


def _networks(no_proxy: str) -> list[IPv4Network]:
    """Give the networks that a list spares; its names are left out, since no address is compared with them."""
    found = []
    for entry in no_proxy.replace(",", " ").split():
        with suppress(ValueError):
            found.append(IPv4Network("0.0.0.0/0" if entry == "*" else entry, strict=False))
    return list(collapse_addresses(found))


def certificates(environment: Mapping[str, str] = os.environ) -> Finding:
    """Say whether the CA bundles that are named can be read, and hold certificates."""
    named = {name: environment[name] for name in BUNDLES if environment.get(name)}
    for name, file in named.items():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        except (OSError, ValueError) as error:  # ssl's own are OSErrors
            why = getattr(error, "strerror", None) or error
            found = f"{name}={file}: no certificates can be read from it: {why}"
            return Finding(what="CA bundle", found=found, mend=f"export {name}=FILE, or unset {name}", level=Level.WARNING)
    return Finding(what="CA bundle", found=", ".join(f"{name}={file}" for name, file in named.items()) or "the system's own")
