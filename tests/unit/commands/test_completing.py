"""What shells are told: scripts that they take, and words that are cheap to find."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from harness import cli, mark
from harness.commands.completing import SHELLS
from harness.project import Project
from tests.golden import ROOT
from tests.golden import project as made_project
from tests.typing_in import typed


def completed(*words: str) -> list[str]:
    """Give what may stand for the last of these words."""
    shell = ShellComplete(cli.cli, {}, "windtunnel", "_WINDTUNNEL_COMPLETE")
    return [
        f"<{item.type}>" if item.type != "plain" else item.value for item in shell.get_completions([*words[:-1]], words[-1])
    ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project in which we are, whose shop cannot be imported, with two scenarios and two runs."""
    made = made_project(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "no.such:Shop"\n')
    (tmp_path / "scenarios").mkdir()
    for name in ("calm.toml", "storm.toml", "notes.txt"):
        (tmp_path / "scenarios" / name).write_text("")
    for name in ("20260101-calm", "20260102-storm"):
        (made.runs / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_asks_us(shell: str) -> None:
    done = typed("completion", shell)
    assert (done.code, "_WINDTUNNEL_COMPLETE" in done.out) == (0, True)


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_the_shells_of_this_machine_take_their_script(shell: str) -> None:
    script = typed("completion", shell).out
    subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=30)


def test_another_shell_is_refused() -> None:
    done = typed("completion", "dash")
    assert (done.code, "'dash' is not one of 'bash', 'zsh', 'fish'" in done.err) == (2, True)


@pytest.mark.parametrize("command", ["run", "plan"])
def test_scenarios_are_completed(command: str, project: Project) -> None:
    assert completed(command, "") == ["scenarios/calm.toml", "scenarios/storm.toml"]
    assert completed(command, "scenarios/calm.toml", "scenarios/s") == ["scenarios/storm.toml"]
    assert completed(command, "../other/") == ["<file>"]


@pytest.mark.parametrize("command", ["judge", "report", "stop", "heal"])
def test_runs_are_completed_newest_first(command: str, project: Project) -> None:
    assert completed(command, "") == ["20260102-storm", "20260101-calm", "last"]
    assert completed(command, "20260101") == ["20260101-calm"]


def test_names_are_completed_without_the_shop(project: Project) -> None:
    """Which cannot even be imported here."""
    assert completed("explain", "k") == ["kill"]
    assert completed("explain", "c") == [
        "cache_flush",
        "cache_poison",
        "calm",
        "carts_lost",
        "cpu",
        "cpu_per_order",
        "crash",
        "cut",
    ]
    assert completed("images", "") == ["build", "list", "load", "save"]


def test_by_hand_faults_and_the_shops_that_stand_are_completed(project: Project) -> None:
    (project.runs / "20260102-storm" / mark.STANDING).write_text("{}")
    assert completed("break", "p") == ["pause"]
    assert completed("down", "") == ["20260102-storm"]
    assert completed("break", "pause", "--on", "") == completed("load", "--on", "") == ["20260102-storm"]


def test_outside_a_project_there_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("judge", "") == ["last"]
    assert completed("run", "") == ["<file>"]
    assert "kill" in completed("explain", "")


def test_a_shell_gets_its_words_from_the_program_itself() -> None:
    """And neither the shop nor a client of an engine is loaded for it."""
    program = "import sys\nfrom harness import cli\nsys.argv = ['windtunnel']\ntry:\n    cli.main()\nfinally:\n"
    program += "    print(*({'docker', 'sut', 'locust'} & {name.split('.')[0] for name in sys.modules}))\n"
    environment = {"COMP_WORDS": "windtunnel explain gho", "COMP_CWORD": "2", "_WINDTUNNEL_COMPLETE": "bash_complete"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["plain,ghosts", ""]
