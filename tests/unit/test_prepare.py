"""The preparation as a command: refusals, exit codes, and what it skips. Nothing is installed."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness import engine, machine, prepare
from harness.errors import SetupError

SCRIPT = Path(prepare.__file__)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the preparation's notes out of this checkout."""
    monkeypatch.setattr(prepare, "STATE", tmp_path)
    return tmp_path


def test_images_without_an_engine_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(engine, "version", str)
    assert prepare.main(["--images"]) == 10
    assert "prepare.py --engine" in capsys.readouterr().err


def test_no_root_and_no_engine_ends_with_10(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(state))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert prepare.main(["--engine"]) == 10
    assert "as root: apt-get install docker.io iptables" in capsys.readouterr().err


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


def test_an_unwritable_folder_is_a_message(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "file").touch()
    monkeypatch.setattr(prepare, "STATE", state / "file")
    assert prepare.main(["--engine"]) == 10
    assert "then type: make prepare" in capsys.readouterr().err


def test_it_runs_by_its_path_and_hides_no_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert "stop-engine" in done.stdout


@pytest.mark.parametrize("module", [prepare, engine, machine])
def test_an_older_python_can_read_the_program(module: ModuleType) -> None:
    """It must get as far as its own message there."""
    ast.parse(Path(str(module.__file__)).read_text(), feature_version=(3, 8))


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
