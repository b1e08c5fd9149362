"""Makes a machine ready: the Python environment, a Docker engine, the shop's images. Doing it twice does no harm.

    python3 harness/prepare.py [--venv] [--engine] [--images] [--browser]     no option: the first three
    python3 harness/prepare.py stop-engine                                    ends the engine that it started

It says each step and why. Exit code 0: ready; 10: something is missing that it may not or cannot install, and the
message says what to type. Only the standard library is used, because this runs before anything is installed.
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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
ENGINE_POLLS, ENGINE_POLL_S = 100, 0.5
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
    except OSError as error:
        print(f"prepare: {error}. Free space or correct the permissions, then type: make prepare", file=sys.stderr)
        return SetupError.exit_code
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
    made_here = python.exists() and str(VENV) in (VENV / "pyvenv.cfg").read_text()  # else the folder was moved
    if not made_here:
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
        say("engine", f"present: version {version} answers{how_to_stop()}")
        return
    if os.environ.get("DOCKER_HOST"):
        raise SetupError(
            f"engine: DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer `docker version`. "
            "Start that engine, or type: unset DOCKER_HOST"
        )
    refuse_if_denied()
    if not shutil.which("dockerd") or not shutil.which("docker"):
        apt_install(["docker.io", "iptables"], why="no Docker engine answers, and the shop runs in containers")
    if not shutil.which("docker"):
        apt_install(["docker-cli"], why="from Debian 13 on, the command `docker` has a package of its own")
    if Path("/run/systemd/system").is_dir():
        say("engine", "starting the service docker")
        must([*as_root("systemctl"), "start", "docker"], limit_s=120, where="engine")
        note_start({"service": "docker"})
    else:
        start_dockerd()
    version = engine_version()
    if not version:
        refuse_if_denied()
        raise SetupError("engine: it was started, but `docker version` gets no answer. Type: docker version")
    say("engine", f"version {version} answers, and stays up{how_to_stop()}")


def engine_version(limit_s: float = 20) -> str:
    """Give the version of the engine that answers; empty text when none does."""
    asked = call(["docker", "version", "--format", "{{.Server.Version}}"], limit_s=limit_s)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def refuse_if_denied() -> None:
    """Raise SetupError when an engine runs that this user may not speak to: a second one would not help."""
    words = call(["docker", "version"], limit_s=20).stdout
    if "permission denied" in words:
        user = os.environ.get("USER", "$USER")
        raise SetupError(
            f"engine: there is one whose socket {user} may not use. Type: sudo usermod -aG docker {user} && newgrp docker"
        )


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
        if engine_version(limit_s=2):
            break
        with suppress(subprocess.TimeoutExpired):
            child.wait(ENGINE_POLL_S)
            break
    pid_file = next(iter(ENGINE_PIDS))
    pid = int(pid_file.read_text()) if child.poll() is None and pid_file.exists() else 0
    if descends(pid, child.pid):  # under sudo dockerd is our grandchild
        note_start({"pid": pid, "start": process(pid).start})
        end_ghosts()
    elif not engine_version():  # else a preparation in another folder was faster: its engine serves us too
        tail = "\n".join("    " + line for line in LOG.read_text(errors="replace").splitlines()[-10:])
        raise SetupError(f"engine: dockerd did not start; the end of its log:\n{tail}\n  Then type: make prepare")


def is_stale(file: Path, name: str, proc: Path = PROC) -> bool:
    """Tell whether a pid file names no living process of this name: pids are used again, also by strangers."""
    try:
        pid = int(file.read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return process(pid, proc).name != name


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


def end_ghosts() -> None:
    """End containers that a killed engine left "running" in its books although their processes are gone."""
    listed = call(["docker", "ps", "--quiet", "--no-trunc"], limit_s=30).stdout.split()
    for container in listed:
        pid = call(["docker", "inspect", "--format", "{{.State.Pid}}", container], limit_s=30).stdout.strip()
        if pid.isdigit() and not process(int(pid)).name:
            say("engine", f"ending container {container[:12]}: the engine believes that it runs, its process is gone")
            if call(["docker", "kill", container], limit_s=30).returncode:
                say("engine", f"the engine could not end it; type: docker rm -f {container[:12]}")


def note_start(what: dict[str, str | int]) -> None:
    """Write down what we started."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps(what) + "\n")


def how_to_stop() -> str:
    """Say how to stop an engine that was started from this folder; empty text for any other."""
    with suppress(FileNotFoundError):
        started = json.loads(RECORD.read_text())
        if "service" in started or process(started["pid"]).start == started["start"]:
            return "; to stop it, type: make stop-engine"
    return ""


def stop_engine() -> None:
    """End the engine that `start_engine` started from this folder, and no other; wait for its end, with a bound."""
    if not RECORD.exists():
        say("engine", "not ours to stop: no engine was started from this folder")
        return
    started = json.loads(RECORD.read_text())
    if "service" in started:
        must([*as_root("systemctl"), "stop", "docker.socket", "docker"], limit_s=STOP_LIMIT_S, where="engine")
    elif process(started["pid"]).start != started["start"]:
        say("engine", f"already gone: dockerd with pid {started['pid']} has ended")
    else:
        end_dockerd(started["pid"])
    RECORD.unlink()
    say("engine", "stopped; its images are kept")


def end_dockerd(pid: int) -> None:
    """Ask dockerd to end (it stops its containers first) and wait for it."""
    handle = os.pidfd_open(pid)  # from here on the pid cannot come to mean another process
    try:
        must([*as_root("kill"), "-TERM", str(pid)], limit_s=10, where="engine")
        if not select.select([handle], [], [], STOP_LIMIT_S)[0]:
            raise SetupError(f"engine: dockerd (pid {pid}) has not ended after {STOP_LIMIT_S} s. Type: tail {LOG}")
    finally:
        os.close(handle)


# ── the images, the browser ─────────────────────────────────────────────────────────────────────────────────────────


def build_images() -> None:
    """Build the missing images; sut/images says how."""
    if not engine_version():
        raise SetupError("images: no engine answers, and an engine builds them. Type: python3 harness/prepare.py --engine")
    try:
        done = subprocess.run([sys.executable, "-m", "sut.images"], cwd=ROOT, timeout=IMAGES_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SetupError(f"images: not built within {IMAGES_LIMIT_S} s. To go on, type: make prepare") from None
    if done.returncode:
        raise SetupError("images: not all could be built; the reason stands above.")


def install_browser() -> None:
    """Make sure that there is Chromium."""
    if shutil.which("chromium"):
        say("browser", "present: chromium")
        return
    apt_install(["chromium", "fonts-liberation"], why="tests look at the reports in a real browser")


# ── what all steps use ──────────────────────────────────────────────────────────────────────────────────────────────


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


if __name__ == "__main__":
    sys.exit(main())
