"""Makes a machine ready: the Python environment, a Docker engine, the shop's images. Doing it twice does no harm.

    python3 harness/prepare.py [--venv] [--engine] [--images] [--browser]     no option: the first three
    python3 harness/prepare.py stop-engine                                    ends the engine that it started

It says each step and why. Exit code 0: ready; 10: something is missing that it may not or cannot install, and the
message says what to type. Only the standard library is used, because this runs before anything is installed. A test
asserts that no wait here is without a bound.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # started by its path: let `harness` and `sut` be found, and this folder hide no module
    sys.path[0] = str(ROOT)

from harness.errors import SetupError  # noqa: E402  # the line above is what lets it be found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STATE = ROOT / ".windtunnel"
RECORD = STATE / "engine" / "started.json"  # what we started, so that we end nothing else
LOG = STATE / "engine" / "dockerd.log"
VENV = ROOT / ".venv"
PROC = Path("/proc")
# An engine that was killed leaves these behind, and a new one then refuses to start or waits for a stranger.
ENGINE_PIDS = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}

APT_LIMIT_S = 900
PIP_LIMIT_S = 900
IMAGES_LIMIT_S = 3600
LOCK_LIMIT_S = 1800
ENGINE_POLLS, ENGINE_POLL_S = 120, 0.5
STOP_LIMIT_S = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="prepare.py", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", nargs="?", choices=["stop-engine"], help="end the engine that an earlier call started")
    parser.add_argument("--venv", action="store_true", help="the Python environment .venv")
    parser.add_argument("--engine", action="store_true", help="a Docker engine that answers")
    parser.add_argument("--images", action="store_true", help="the images of the shop's parts")
    parser.add_argument("--browser", action="store_true", help="Chromium, with which tests look at the reports")
    asked = parser.parse_args(arguments)
    everything = not (asked.venv or asked.engine or asked.images or asked.browser)
    try:
        check_machine()
        with only_one():
            if asked.command == "stop-engine":
                stop_engine()
                return 0
            if asked.venv or everything:
                make_venv()
            if asked.browser:
                install_browser()
            if asked.engine or everything:
                start_engine()
            if asked.images or everything:
                build_images()
    except SetupError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("prepare: interrupted; what was complete is kept. To go on, type: make prepare", file=sys.stderr)
        return 130
    return 0


def check_machine() -> None:
    """Raise SetupError where windtunnel cannot work at all."""
    if sys.platform != "linux":
        raise SetupError(f"this is {sys.platform}: locks, process handles and namespaces need Linux. Use a Linux machine.")
    if sys.version_info < (3, 11):  # noqa: UP036  # this file must say so where an older Python runs it
        seen = ".".join(str(number) for number in sys.version_info[:3])
        raise SetupError(
            f"this is Python {seen} ({sys.executable}): 3.11 or newer is needed. Type: make PYTHON=python3.11 prepare"
        )


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of preparations in this folder; wait for another one, with a bound."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "prepare.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("lock", "another preparation runs in this folder; waiting for it")

            def give_up(*_: object) -> None:
                raise SetupError(f"{lock.name}: still held after {LOCK_LIMIT_S} s. Type: fuser {lock.name}") from None

            signal.signal(signal.SIGALRM, give_up)
            signal.alarm(LOCK_LIMIT_S)
            fcntl.flock(lock, fcntl.LOCK_EX)
            signal.alarm(0)
        yield


# ── the Python environment ──────────────────────────────────────────────────────────────────────────────────────────


def make_venv() -> None:
    """Make `.venv` with exactly the versions of requirements.lock; skipped while these files are unchanged."""
    wanted = hashlib.sha256(f"{ROOT}\0{sys.version}\0".encode())
    for name in ("requirements.lock", "pyproject.toml"):
        wanted.update((ROOT / name).read_bytes())
    stamp = VENV / "prepared"
    python = VENV / "bin" / "python"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted.hexdigest():
        say("venv", "present: .venv is as requirements.lock wants it")
        return
    if not python.exists():
        say("venv", f"making .venv with Python {sys.version.split()[0]}, so that nothing is installed into the system")
        if call([sys.executable, "-c", "import ensurepip, venv"], limit_s=30).returncode:
            apt_install(["python3-venv"], why="this Python cannot make environments")
        must([sys.executable, "-m", "venv", "--clear", str(VENV)], limit_s=120, where="venv")
    say("venv", "installing the versions of requirements.lock, and windtunnel itself")
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
    must([*pip, "--requirement", str(ROOT / "requirements.lock")], limit_s=PIP_LIMIT_S, where="venv")
    must([*pip, "--no-deps", "--editable", str(ROOT)], limit_s=PIP_LIMIT_S, where="venv")
    stamp.write_text(wanted.hexdigest())
    say("venv", "ready")


# ── the engine ──────────────────────────────────────────────────────────────────────────────────────────────────────


def start_engine() -> None:
    """Make sure that a Docker engine answers: the one there is, else an installed one, else Debian's."""
    version = engine_version()
    if version:
        say("engine", f"present: version {version} answers")
        return
    if os.environ.get("DOCKER_HOST"):
        raise SetupError(
            f"engine: DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer `docker version`. "
            "Start that engine, or type: unset DOCKER_HOST"
        )
    refuse_if_denied()
    if not shutil.which("dockerd") or not shutil.which("docker"):
        apt_install(engine_packages, why="no Docker engine answers, and the shop runs in containers")
    if Path("/run/systemd/system").is_dir():
        say("engine", "starting the service docker")
        must([*as_root("systemctl"), "start", "docker"], limit_s=120, where="engine")
        note_start({"service": "docker"})
    else:
        start_dockerd()
    version = engine_version()
    if not version:
        raise SetupError("engine: it was started, but `docker version` gets no answer. Type: docker version")
    say("engine", f"version {version} answers; it stays up. To stop it, type: make stop-engine")


def engine_version() -> str:
    """Give the version of the engine that answers; empty text when none does."""
    asked = call(["docker", "version", "--format", "{{.Server.Version}}"], limit_s=20)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def refuse_if_denied() -> None:
    """Raise SetupError when an engine runs that this user may not speak to: a second one would not help."""
    words = call(["docker", "version"], limit_s=20).stdout
    if "permission denied" in words:
        user = os.environ.get("USER", "$USER")
        raise SetupError(
            f"engine: it runs, but {user} may not use its socket. Type: sudo usermod -aG docker {user} && newgrp docker"
        )


def engine_packages() -> list[str]:
    """Name Debian's packages of the engine; the client has its own from Debian 13 on."""
    split = call(["apt-cache", "show", "docker-cli"], limit_s=60).returncode == 0
    return ["docker.io", *(["docker-cli"] if split else []), "iptables", "ca-certificates"]


def start_dockerd() -> None:
    """Start dockerd without systemd: detached, its output in .windtunnel/engine/dockerd.log, its pid recorded."""
    for file, name in ENGINE_PIDS.items():
        if is_stale(file, name):
            say("engine", f"removing {file}, which an engine left that no longer runs")
            must([*as_root("rm"), "-f", str(file)], limit_s=30, where="engine")
    say("engine", f"starting dockerd, because there is no systemd to do it; its log: {LOG.relative_to(ROOT)}")
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        child = subprocess.Popen(
            [*as_root("dockerd")], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    for _ in range(ENGINE_POLLS):
        if engine_version():
            break
        try:
            child.wait(ENGINE_POLL_S)
        except subprocess.TimeoutExpired:
            continue
        if not engine_version():  # a preparation elsewhere on the machine may have been faster
            tail = "\n".join("    " + line for line in LOG.read_text(errors="replace").splitlines()[-10:])
            raise SetupError(
                f"engine: dockerd ended with {child.returncode}; its last words:\n{tail}\n  Then type: make prepare"
            )
        return
    else:
        raise SetupError(f"engine: dockerd runs but does not answer after a minute. Type: tail {LOG}")
    pid = int(next(iter(ENGINE_PIDS)).read_text())  # under sudo it is not our child's
    note_start({"pid": pid, "start": start_ticks(pid)})
    end_ghosts()


def is_stale(file: Path, name: str, proc: Path = PROC) -> bool:
    """Tell whether a pid file names no living process of this name: pids are used again, also by strangers."""
    try:
        pid = int(file.read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    try:
        return (proc / str(pid) / "comm").read_text().strip() != name
    except OSError:
        return True


def start_ticks(pid: int, proc: Path = PROC) -> int | None:
    """Give the kernel's start time of a process, in clock ticks since boot; None when there is no such process.

    A pid with its start time names one process for ever. Source: proc(5), field 22 of /proc/PID/stat.
    """
    try:
        return int((proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return None
