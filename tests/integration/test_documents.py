"""What the documents show is true: commands run, output is what is printed, scenarios plan, Python can be imported.

Blocks marked ``console`` hold commands after ``$`` and what they print, where ``…`` stands for anything; ``sh`` blocks hold
commands alone. A command ends with the exit code 0, or as its comment says (``# exit 2``). ``# long`` marks one that takes
minutes, needs a run that lives or changes the machine: it is not run, but what it names must exist.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from harness import scenario
from harness.cli import cli
from harness.plan import plan
from harness.project import find
from tests.golden import project, unpack

ROOT = Path(__file__).parents[2]
WRITTEN_BY_COMMANDS = {"acceptance.md", "benchmarks.md"}  # they tell what happened, not what to type
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if path.name not in WRITTEN_BY_COMMANDS)
ROOMS = ("harness", "sut", "tests", "scenarios")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
OF_STORED_RUNS = {"judge", "report", "status", "stop", "heal", "runs"}
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


class Command(NamedTuple):
    """One shown command, with the exit code it must end with and what it must print."""

    line: str
    long: bool
    code: int
    shown: tuple[str, ...]


def blocks(document: str, *kinds: str) -> list[tuple[str, str]]:
    """Give the fenced blocks of some kinds, in order, each with its kind."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [(kind, body) for kind, body in BLOCK.findall(text) if kind in kinds]


def commands(kind: str, body: str) -> Iterator[Command]:
    """Take a block apart."""
    found: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if kind == "sh" or line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    for line, shown in found:
        words, _, comment = line.partition("   # ")
        code = re.search(r"exit (\d+)", comment)
        yield Command(line=words, long="long" in comment, code=int(code[1]) if code else 0, shown=tuple(shown))


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """Copy the project; beside it, ``stored`` is a project of the fake shop with one golden run."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "histories", "*.zip"))
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "Makefile", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    unpack("primary_lost", project(tmp_path / "stored"))
    return tmp_path


def run(command: Command, sandbox: Path) -> subprocess.CompletedProcess[str]:
    """Run a command where it belongs, with no engine in sight: nobody's runs are touched."""
    stored = re.search(r"\bwindtunnel (\w+)|reports/runs", command.line)
    where = sandbox / "stored" if stored and stored[1] in {None, *OF_STORED_RUNS} else sandbox
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(sandbox),
        "COLUMNS": "160",
        "DOCKER_HOST": f"unix://{sandbox}/no.sock",
    }
    return subprocess.run(
        ["sh", "-c", command.line],
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


def as_shown(printed: str, shown: tuple[str, ...]) -> bool:
    """Say whether a text is what a document shows; ``…`` alone on a line stands for any lines, else for any words."""
    lines = ["(.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + " *\n" for line in shown]
    return re.fullmatch("".join(lines), printed) is not None


@pytest.mark.parametrize("document", NAMES)
def test_shown_commands_do_what_is_shown(document: str, sandbox: Path) -> None:
    for place, body in re.findall(
        r"^```python\n# (\S+)\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL
    ):
        (sandbox / place).write_text(body, encoding="utf-8")
    for kind, body in blocks(document, "console", "sh"):
        for command in commands(kind, body):
            if command.long:
                assert_known(command.line)
                continue
            done = run(command, sandbox)
            assert done.returncode == command.code, f"{command.line}\n{done.stdout}"
            if command.shown:
                assert as_shown(done.stdout, command.shown), f"{command.line}\n{done.stdout}"


def assert_known(line: str) -> None:
    """A command that is not run must at least exist, with all its options; a scenario it names must be there."""
    words = shlex.split(line)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
    if words[0] == "windtunnel":
        known = CliRunner().invoke(cli, [words[1], "--help"])
        assert known.exit_code == 0, line
        assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", known.output)), line
        assert all((ROOT / word).is_file() for word in words if word.startswith("scenarios/")), line


@pytest.mark.parametrize("document", NAMES)
def test_shown_jobs_type_what_exists(document: str) -> None:
    for _, body in blocks(document, "yaml"):
        lines = re.findall(r"\.venv/bin/(windtunnel .*)$", body, re.MULTILINE)
        assert lines, "a job that never calls us"
        for line in lines:
            assert_known(line)


@pytest.mark.parametrize("document", NAMES)
def test_shown_scenarios_plan_and_shown_settings_name_a_shop(document: str, tmp_path: Path) -> None:
    for _, body in blocks(document, "toml"):
        if "[tool.windtunnel]" in body:
            (tmp_path / "pyproject.toml").write_text(body, encoding="utf-8")
            assert find(tmp_path).shop_name
        else:
            assert plan(scenario.parse(body, "shown.toml"), find(ROOT).shop().declaration).objectives


@pytest.mark.parametrize("document", NAMES)
def test_shown_python_can_be_imported(document: str, sandbox: Path) -> None:
    for number, (_, body) in enumerate(blocks(document, "python")):
        (sandbox / f"shown_{number}.py").write_text(body, encoding="utf-8")
        done = run(
            Command(line=f"{sys.executable} -W error -c 'import shown_{number}'", long=False, code=0, shown=()), sandbox
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("document", NAMES)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target, _ in LINK.findall(path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_every_key_of_a_scenario_is_told() -> None:
    told = (ROOT / "docs" / "writing-a-scenario.md").read_text(encoding="utf-8")
    for key in fields(scenario._File):
        assert re.search(rf"`\[*{key.name}\]*`", told), key.name
