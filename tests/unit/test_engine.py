"""Finding, starting and stopping an engine, without one: stub commands on PATH."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import engine
from harness.errors import SetupError
from harness.machine import process

Stub = Callable[[str, str], None]
DEAD = "docker: Cannot connect to the Docker daemon"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the notes out of this checkout, and the machine's own engine out of the tests."""
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    monkeypatch.setattr(engine, "RECORD", tmp_path / "engine/started.json")
    monkeypatch.setattr(engine, "LOG", tmp_path / "engine/dockerd.log")
    monkeypatch.setattr(engine, "PID_FILE", tmp_path / "docker.pid")
    monkeypatch.setattr(engine, "PID_FILES", {tmp_path / "docker.pid": "dockerd"})
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Put commands of our own, and no others, on PATH."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    monkeypatch.setenv("PATH", str(bin_))

    def write(name: str, body: str) -> None:
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)

    return write


@pytest.fixture
def no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that ends only when it is told to."""
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait(10)


def test_without_root_and_engine_it_says_what_to_install(stub: Stub, no_root: None) -> None:
    stub("apt-get", "exit 0")
    with pytest.raises(SetupError, match=r"no Docker engine answers.*as root: apt-get install docker\.io iptables"):
        engine.start()


def test_a_sudo_that_refuses_is_no_sudo(stub: Stub, no_root: None) -> None:
    stub("apt-get", "exit 0")
    stub("sudo", "echo a password is required; exit 1")
    with pytest.raises(SetupError, match="as root: apt-get install"):
        engine.start()


def test_without_apt_it_names_what_is_missing(stub: Stub) -> None:
    stub("true", "")
    with pytest.raises(SetupError, match=r"no apt-get\. Install what it calls: docker\.io"):
        engine.start()


def test_a_silent_docker_host_is_not_replaced(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("docker", f"echo {DEAD}; exit 1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere.example:2375")
    with pytest.raises(SetupError, match=r"DOCKER_HOST=tcp://elsewhere\.example:2375 does not answer"):
        engine.start()


def test_an_engine_that_denies_access_is_not_doubled(stub: Stub) -> None:
    stub("docker", "echo permission denied while trying to connect; exit 1")
    with pytest.raises(SetupError, match="usermod -aG docker"):
        engine.start()


def test_an_engine_that_answers_is_taken(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub("docker", "echo 27.1.1")
    engine.start()
    assert "present: version 27.1.1 answers" in capsys.readouterr().out
    assert not engine.RECORD.exists()


def test_a_dockerd_that_ends_at_once_is_reported_with_its_log(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "as_root", lambda command: [command])
    stub("docker", f"echo {DEAD}; exit 1")
    stub("dockerd", "echo failed to start daemon: no iptables; exit 1")
    with pytest.raises(SetupError, match="no iptables"):
        engine.start_dockerd()
    assert not engine.RECORD.exists()


def test_containers_without_a_process_are_ended(stub: Stub, state: Path) -> None:
    body = f"""case "$1" in
        ps) echo gone; echo alive ;;
        inspect) case "$4" in gone) echo 999999999 ;; alive) echo {os.getpid()} ;; esac ;;
        kill) echo "$2" >> {state}/killed ;;
    esac"""
    stub("docker", body)
    engine.end_ghosts()
    assert (state / "killed").read_text().split() == ["gone"]


def test_it_stops_nothing_that_it_did_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    engine.stop()
    assert "not ours to stop" in capsys.readouterr().out


def test_it_spares_a_stranger_with_the_recorded_pid(sleeper: subprocess.Popen[bytes]) -> None:
    engine.note_start({"pid": sleeper.pid, "start": process(sleeper.pid).start - 1})
    assert engine.how_to_stop() == ""
    engine.stop()
    assert sleeper.poll() is None
    assert not engine.RECORD.exists()


def test_it_ends_what_it_started_and_waits_for_it(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "as_root", lambda command: [command])
    engine.note_start({"pid": sleeper.pid, "start": process(sleeper.pid).start})
    assert "make stop-engine" in engine.how_to_stop()
    engine.stop()
    assert sleeper.wait(5) == -15
    assert not engine.RECORD.exists()


def test_an_engine_that_does_not_end_keeps_its_record(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "as_root", lambda command: ["true", command])
    monkeypatch.setattr(engine, "STOP_LIMIT_S", 0.05)
    engine.note_start({"pid": sleeper.pid, "start": process(sleeper.pid).start})
    with pytest.raises(SetupError, match=f"pid {sleeper.pid}.*has not ended"):
        engine.stop()
    assert json.loads(engine.RECORD.read_text())["pid"] == sleeper.pid
