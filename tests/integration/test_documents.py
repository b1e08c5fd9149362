"""What the documents show is true: commands run, output is what is printed, scenarios plan, Python can be imported.

What is marked ``# long`` is not run here but by ``make nightly``; what it names must exist. See ``tests/shown.py``.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest

from harness import scenario
from harness.cli import cli
from harness.plan import plan
from harness.project import find
from tests.golden import project, unpack
from tests.shown import NAMES, ROOT, Command, blocks, commands

ROOMS = ("harness", "sut", "tests", "scenarios")
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
OF_STORED_RUNS = {"judge", "report", "status", "stop", "heal", "runs"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """Copy the project; beside it, ``stored`` is a project of the fake shop with one golden run."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "histories", "*.zip"))
    shutil.copytree(ROOT / "docs" / "suite", tmp_path / "docs" / "suite", ignore=shutil.ignore_patterns("__pycache__"))
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
    options = {word for word in words if word.startswith("--")}
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
    if words[0] == "windtunnel":
        command: click.Command = cli
        names = iter(words[1:])
        while isinstance(command, click.Group):
            name = next(names, "")
            assert name in command.commands, f"{line}: there is no {name}"
            command = command.commands[name]
        assert options <= {option for one in command.params for option in one.opts}, line
        assert all((ROOT / word).is_file() for word in words if word.startswith("scenarios/")), line
    if words[0] == "python3":
        told = subprocess.run(
            [sys.executable, ROOT / words[1], "--help"], capture_output=True, text=True, check=True, timeout=60
        )
        assert options <= set(re.findall(r"--[a-z-]+", told.stdout)), line


@pytest.mark.parametrize(
    "line",
    [
        "make bogus",
        "windtunnel bogus",
        "windtunnel images bogus",
        "windtunnel images build --bogus",
        "windtunnel run --bogus",
        "windtunnel run scenarios/bogus.toml",
        "python3 harness/prepare.py --bogus",
        "python3 harness/bogus.py",
    ],
)
def test_what_does_not_exist_is_not_known(line: str) -> None:
    with pytest.raises((AssertionError, subprocess.CalledProcessError)):
        assert_known(line)


@pytest.mark.parametrize("document", NAMES)
def test_shown_jobs_type_what_exists(document: str) -> None:
    for _, body in blocks(document, "yaml"):
        lines = re.findall(r"(?:\.venv/bin/(?=windtunnel )|(?=python3 ))(.*)$", body, re.MULTILINE)
        assert {line.split()[0] for line in lines} == {"python3", "windtunnel"}, (
            "a job that never prepares, or never calls us"
        )
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


@pytest.mark.parametrize("folder", ["docs", "docs/suite"])
def test_the_suite_of_the_documents_is_found_from_the_top(folder: str) -> None:
    """Below a conftest.py that loads plugins there may be no other that does: pytest refuses it, from some folders."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.count("docs/suite/test_database.py::")) == (0, 2), done.stdout


@pytest.mark.parametrize("document", NAMES)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target, _ in LINK.findall(path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_every_key_of_a_scenario_is_told() -> None:
    told = (ROOT / "docs" / "writing-a-scenario.md").read_text(encoding="utf-8")
    for key in fields(scenario._File):
        assert re.search(rf"`\[*{key.name}\]*`", told), key.name
