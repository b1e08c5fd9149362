"""The preparation's decisions, without installing anything: stub commands on PATH, a made-up /proc."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import prepare
from harness.errors import SetupError

SCRIPT = Path(prepare.__file__)
Stub = Callable[[str, str], None]
DEAD = "docker: Cannot connect to the Docker daemon"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the preparation's notes out of this checkout, and the machine's own engine out of the tests."""
    monkeypatch.setattr(prepare, "STATE", tmp_path)
    monkeypatch.setattr(prepare, "RECORD", tmp_path / "engine/started.json")
    monkeypatch.setattr(prepare, "ENGINE_PIDS", {tmp_path / "docker.pid": "dockerd"})
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


def process_entry(proc: Path, pid: int, name: str, state_letter: str = "S", start: int = 77) -> None:
    (proc / str(pid)).mkdir(parents=True)
    numbers = " ".join(["0"] * 17)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {state_letter} 1 {numbers} {start} 0 0\n")


# refusals


def test_without_root_and_engine_it_says_what_to_install(
    stub: Stub, no_root: None, capsys: pytest.CaptureFixture[str]
) -> None:
    stub("apt-get", "exit 0")
    assert prepare.main(["--engine"]) == 10
    message = capsys.readouterr().err
    assert "no Docker engine answers" in message
    assert "as root: apt-get install docker.io iptables" in message


def test_a_sudo_that_refuses_is_no_sudo(stub: Stub, no_root: None, capsys: pytest.CaptureFixture[str]) -> None:
    stub("apt-get", "exit 0")
    stub("sudo", "echo a password is required; exit 1")
    assert prepare.main(["--engine"]) == 10
    assert "as root: apt-get install" in capsys.readouterr().err


def test_without_apt_it_names_what_is_missing(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub("true", "")
    assert prepare.main(["--engine"]) == 10
    assert "no apt-get. Install what it calls: docker.io iptables" in capsys.readouterr().err


def test_a_silent_docker_host_is_not_replaced(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub("docker", f"echo {DEAD}; exit 1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere.example:2375")
    assert prepare.main(["--engine"]) == 10
    assert "DOCKER_HOST=tcp://elsewhere.example:2375 does not answer" in capsys.readouterr().err


def test_an_engine_that_denies_access_is_not_doubled(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub("docker", "echo permission denied while trying to connect; exit 1")
    assert prepare.main(["--engine"]) == 10
    assert "usermod -aG docker" in capsys.readouterr().err


def test_images_without_an_engine_are_refused(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub("docker", f"echo {DEAD}; exit 1")
    assert prepare.main(["--images"]) == 10
    assert "prepare.py --engine" in capsys.readouterr().err


def test_a_dockerd_that_ends_at_once_is_reported_with_its_log(
    stub: Stub, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "ROOT", state)
    monkeypatch.setattr(prepare, "LOG", state / "engine/dockerd.log")
    monkeypatch.setattr(prepare, "as_root", lambda command: [command])
    stub("docker", f"echo {DEAD}; exit 1")
    stub("dockerd", "echo failed to start daemon: no iptables; exit 1")
    with pytest.raises(SetupError, match="no iptables"):
        prepare.start_dockerd()
    assert not prepare.RECORD.exists()


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [("platform", "darwin", "this is darwin"), ("version_info", (3, 9, 2, "final", 0), "this is Python 3.9.2")],
)
def test_another_system_or_an_older_python_is_refused(
    attribute: str, value: object, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, attribute, value)
    with pytest.raises(SetupError, match=expected):
        prepare.check_machine()


def test_an_older_python_can_read_the_program() -> None:
    """It must get as far as its own message there."""
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))


def test_an_unwritable_folder_is_a_message(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "file").touch()
    monkeypatch.setattr(prepare, "STATE", state / "file")
    assert prepare.main(["--engine"]) == 10
    assert "then type: make prepare" in capsys.readouterr().err


# what is there already


def test_an_engine_that_answers_is_taken(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub("docker", "echo 27.1.1")
    assert prepare.main(["--engine"]) == 0
    assert "present: version 27.1.1 answers" in capsys.readouterr().out
    assert not prepare.RECORD.exists()


def test_it_runs_by_its_path_and_hides_no_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert "stop-engine" in done.stdout


# what a killed engine leaves


@pytest.mark.parametrize(
    ("content", "stale"),
    [("41", False), ("42", True), ("43", True), ("44", True), ("", True), ("none", True)],
    ids=["alive", "a stranger", "a zombie", "nobody", "empty", "no number"],
)
def test_a_pid_file_is_stale_unless_its_engine_lives(tmp_path: Path, content: str, stale: bool) -> None:  # noqa: FBT001  # a table
    proc = tmp_path / "proc"
    process_entry(proc, 41, "dockerd")
    process_entry(proc, 42, "sshd (not dockerd)")
    process_entry(proc, 43, "dockerd", state_letter="Z")
    file = tmp_path / "engine.pid"
    file.write_text(content)
    assert prepare.is_stale(file, "dockerd", proc) is stale


def test_no_pid_file_is_not_stale(tmp_path: Path) -> None:
    assert prepare.is_stale(tmp_path / "engine.pid", "dockerd", tmp_path) is False


def test_a_process_is_read_past_odd_names(tmp_path: Path) -> None:
    process_entry(tmp_path, 41, "a) S 9 (b", start=4711)
    assert prepare.process(41, tmp_path) == prepare.Process(name="a) S 9 (b", parent=1, start=4711)


def test_containers_without_a_process_are_ended(stub: Stub, state: Path) -> None:
    body = f"""case "$1" in
        ps) echo gone; echo alive ;;
        inspect) case "$4" in gone) echo 999999999 ;; alive) echo {os.getpid()} ;; esac ;;
        kill) echo "$2" >> {state}/killed ;;
    esac"""
    stub("docker", body)
    prepare.end_ghosts()
    assert (state / "killed").read_text().split() == ["gone"]


# stopping


def test_it_stops_nothing_that_it_did_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare.main(["stop-engine"]) == 0
    assert "not ours to stop" in capsys.readouterr().out


def test_it_spares_a_stranger_with_the_recorded_pid(sleeper: subprocess.Popen[bytes]) -> None:
    prepare.note_start({"pid": sleeper.pid, "start": prepare.process(sleeper.pid).start - 1})
    prepare.stop_engine()
    assert sleeper.poll() is None
    assert not prepare.RECORD.exists()


def test_it_ends_what_it_started_and_waits_for_it(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "as_root", lambda command: [command])
    prepare.note_start({"pid": sleeper.pid, "start": prepare.process(sleeper.pid).start})
    prepare.stop_engine()
    assert sleeper.wait(5) == -15
    assert not prepare.RECORD.exists()


def test_an_engine_that_does_not_end_keeps_its_record(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "as_root", lambda command: ["true", command])
    monkeypatch.setattr(prepare, "STOP_LIMIT_S", 0.05)
    prepare.note_start({"pid": sleeper.pid, "start": prepare.process(sleeper.pid).start})
    with pytest.raises(SetupError, match=f"pid {sleeper.pid}.*has not ended"):
        prepare.stop_engine()
    assert json.loads(prepare.RECORD.read_text())["pid"] == sleeper.pid


# the environment


def test_an_environment_with_a_matching_stamp_is_left_alone(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """First everything is installed (by a stub), then nothing, then again because the lock changed."""
    commands: list[list[str]] = []

    def note(command: list[str], *, limit_s: float, where: str) -> None:
        assert limit_s > 0
        assert where == "venv"
        commands.append(command)
        if "venv" in command:
            (state / ".venv/bin").mkdir(parents=True)
            (state / ".venv/bin/python").touch()
            (state / ".venv/pyvenv.cfg").write_text(f"command = python -m venv {state}/.venv\n")

    monkeypatch.setattr(prepare, "must", note)
    monkeypatch.setattr(prepare, "ROOT", state)
    monkeypatch.setattr(prepare, "VENV", state / ".venv")
    (state / "requirements.lock").write_text("one==1\n")
    (state / "pyproject.toml").touch()

    prepare.make_venv()
    assert [("venv" in command, "--requirement" in command) for command in commands] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    prepare.make_venv()
    assert len(commands) == 3
    assert "present" in capsys.readouterr().out
    (state / "requirements.lock").write_text("one==2\n")
    prepare.make_venv()
    assert len(commands) == 5
