"""What the preparation does to the machine it runs on: commands with a limit, packages, processes.

Only the standard library is used: this runs before anything is installed (see prepare.py).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import SetupError

PROC = Path("/proc")
APT_LIMIT_S = 900


def as_root(command: str) -> list[str]:
    """Give the words that run a command as root: itself, or by sudo. Raises SetupError when neither is possible."""
    if os.geteuid() == 0:
        return [command]
    sudo = ["sudo"] if sys.stdin.isatty() else ["sudo", "--non-interactive"]
    if shutil.which("sudo") and call([*sudo, "true"], limit_s=60).returncode == 0:
        return [*sudo, command]
    raise SetupError(f"{command} needs root, and there is no sudo for you. Type, as root: make prepare")


def apt_install(packages: Sequence[str], *, why: str) -> None:
    """Install packages of the distribution. Raises SetupError, naming them, where that cannot be done from here."""
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise SetupError(f"{why}, and this system has no apt-get. Install what it calls: {names}. Then type: make prepare")
    try:
        apt = [*as_root("env"), "DEBIAN_FRONTEND=noninteractive", "apt-get"]  # sudo clears the environment
    except SetupError:
        raise SetupError(f"{why}. Type, as root: apt-get install {names}") from None
    say("apt", f"installing {names}: {why}")
    wait = ["-o", f"DPkg::Lock::Timeout={APT_LIMIT_S}", "-o", "Acquire::Retries=3"]
    # A stale foreign source makes the update fail in part; the installation then decides.
    call([*apt, *wait, "update"], limit_s=APT_LIMIT_S)
    install = ["install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
    must([*apt, *wait, *install, *packages], limit_s=APT_LIMIT_S, where="apt")


def call(command: Sequence[str], *, limit_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end or its limit; a missing command and a passed limit are answers like any other.

    Its output and errors are one text, `stdout`. Code 127: there is no such command; 124: no end within the limit.
    """
    try:
        return subprocess.run(
            command,
            stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,  # sudo may ask for a password
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, stdout=f"no command {command[0]!r} on PATH")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, stdout=f"no end within {limit_s:.0f} s")


def must(command: Sequence[str], *, limit_s: float, where: str) -> None:
    """Run a command that has to succeed. Raises SetupError with its last words when it does not."""
    done = call(command, limit_s=limit_s)
    if done.returncode:
        tail = "\n".join("    " + line for line in done.stdout.splitlines()[-12:])
        raise SetupError(
            f"{where}: `{' '.join(command)}` ended with {done.returncode}; its last words:\n{tail}\n"
            "  When the cause is mended, type: make prepare"
        )


def say(step: str, words: str) -> None:
    """Tell the person what happens, and why."""
    print(f"{f'[{step}]':<10}{words}", flush=True)


class Process(NamedTuple):
    """A living process: a pid with its start time (clock ticks since boot) names one for ever."""

    name: str = ""
    parent: int = 0
    start: int = 0


def process(pid: int, proc: Path = PROC) -> Process:
    """Look at a process; all empty when it does not live.

    A zombie is dead: where process 1 reaps nobody, it stays. Source: proc(5), fields 2, 3, 4 and 22 of /proc/PID/stat.
    """
    try:
        before, _, after = (proc / str(pid) / "stat").read_text().rpartition(")")
    except OSError:
        return Process()
    fields = after.split()
    if fields[0] in "ZX":
        return Process()
    return Process(name=before.partition("(")[2], parent=int(fields[1]), start=int(fields[19]))


def descends(pid: int, ancestor: int) -> bool:
    """Tell whether a process is `ancestor`, or was started by it or its children."""
    while pid > 1 and pid != ancestor:
        pid = process(pid).parent
    return pid == ancestor


def is_stale(file: Path, name: str, proc: Path = PROC) -> bool:
    """Tell whether a pid file names no living process of this name: pids are used again, also by strangers."""
    try:
        pid = int(file.read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return process(pid, proc).name != name
