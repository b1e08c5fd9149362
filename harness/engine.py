"""A Docker engine that answers: the one there is, else one that is started here, else installed first.

An engine that was started here is recorded, so that `stop` ends that one and no other. Only the standard library is
used: this runs before anything is installed (see prepare.py).
"""

import json
import os
import select
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.errors import SetupError
from harness.machine import apt_install, as_root, call, descends, is_stale, must, process, say

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / ".windtunnel" / "engine" / "started.json"  # what we started, so that we end nothing else
LOG = ROOT / ".windtunnel" / "engine" / "dockerd.log"
# An engine that was killed leaves these behind, and a new one then refuses to start or waits for a stranger.
PID_FILE = Path("/var/run/docker.pid")
PID_FILES = {PID_FILE: "dockerd", Path("/var/run/docker/containerd/containerd.pid"): "containerd"}
START_POLLS, START_POLL_S = 100, 0.5
STOP_LIMIT_S = 60


def start() -> None:
    """Make sure that a Docker engine answers: the one there is, else an installed one, else Debian's."""
    found = version()
    if found:
        say("engine", f"present: version {found} answers{how_to_stop()}")
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
    found = version()
    if not found:
        refuse_if_denied()
        raise SetupError("engine: it was started, but `docker version` gets no answer. Type: docker version")
    say("engine", f"version {found} answers, and stays up{how_to_stop()}")


def version(limit_s: float = 20) -> str:
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
    for file, name in PID_FILES.items():
        if is_stale(file, name):
            say("engine", f"removing {file}, which an engine left that no longer runs")
            must([*as_root("rm"), "-f", str(file)], limit_s=30, where="engine")
    say("engine", f"starting dockerd, because there is no systemd to do it; its log: {LOG.relative_to(ROOT)}")
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a") as log:
        child = subprocess.Popen(
            [*as_root("dockerd")], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    for _ in range(START_POLLS):
        if version(limit_s=2):
            break
        with suppress(subprocess.TimeoutExpired):
            child.wait(START_POLL_S)
            break
    pid = int(PID_FILE.read_text()) if child.poll() is None and PID_FILE.exists() else 0
    if descends(pid, child.pid):  # under sudo dockerd is our grandchild
        note_start({"pid": pid, "start": process(pid).start})
        end_ghosts()
    elif not version():  # else a preparation in another folder was faster: its engine serves us too
        tail = "\n".join("    " + line for line in LOG.read_text(errors="replace").splitlines()[-10:])
        raise SetupError(f"engine: dockerd did not start; the end of its log:\n{tail}\n  Then type: make prepare")


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
    fresh = RECORD.with_suffix(".new")
    fresh.write_text(json.dumps(what) + "\n")
    fresh.rename(RECORD)


def noted() -> dict[str, Any]:
    """Give what we started, as it was written down; nothing where nobody has, or it cannot be understood."""
    try:
        return dict(json.loads(RECORD.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def how_to_stop() -> str:
    """Say how to stop an engine that was started from this folder; empty text for any other."""
    started = noted()
    ours = started and ("service" in started or process(started["pid"]).start == started["start"])
    return "; to stop it, type: make stop-engine" if ours else ""


def stop() -> None:
    """End the engine that `start` started from this folder, and no other; wait for its end, with a bound."""
    started = noted()
    if not started:
        say("engine", "not ours to stop: no engine was started from this folder")
        return
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
    handle = os.pidfd_open(pid)  # it becomes readable when this very process ends
    try:
        must([*as_root("kill"), "-TERM", str(pid)], limit_s=10, where="engine")
        if not select.select([handle], [], [], STOP_LIMIT_S)[0]:
            raise SetupError(f"engine: dockerd (pid {pid}) has not ended after {STOP_LIMIT_S} s. Type: tail {LOG}")
    finally:
        os.close(handle)
