"""What cannot be done as asked: one message with file and key, or cause and next command; exit 2 or 10; nothing is left."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.flights import Landed, Project, shrunk, without

pytestmark = pytest.mark.slow
GOOD = without(shrunk("db_frozen", orders_per_s=20, products_per_s=5), "repeat")
WRONG = {
    "typo in a key": (GOOD.replace("warm_up_s", "warmup_s"), ("load.warmup_s", "did you mean 'warm_up_s'?")),
    "typo in a fault": (GOOD.replace("pause ", "puase "), ("steps[1]", "'puase'", "did you mean 'pause'?")),
    "typo in an objective": (GOOD.replace("ghosts ", "gosts "), ("objectives.gosts", "did you mean 'ghosts'?")),
    "unknown component": (GOOD.replace('"orders_db:primary"', '"order_db:primary"'), ("steps[1].pause.target", "orders_db")),
    "unknown role": (
        GOOD.replace('"orders_db:primary"', '"orders_db:main"'),
        ("steps[1].pause.target", "orders_db:primary"),
    ),
    "the entry": (GOOD.replace('"orders_db:primary"', '"lb"'), ("steps[1].pause.target", "never a target")),
    "not TOML": (GOOD.replace("seed ", "seed"), ()),
    "wrong type": (re.sub(r"(baseline_s *= )7", r'\1"7"', GOOD), ("load", "baseline_s")),
    "negative": (re.sub(r"(warm_up_s *= )", r"\1-", GOOD), ("load.warm_up_s", "0 or more")),
    "no format": (GOOD.replace("format ", "# "), ("format", "expected 1")),
    "hold too short": (GOOD.replace("hold_s = 8", "hold_s = 5"), ("hold_s", "or more")),
}
WRONG["not TOML"] = (GOOD + "\nseed = = 3\n", ("is not TOML",))


def refused(landed: Landed, code: int, *words: str) -> None:
    """Check the message of a command that was refused before anything started."""
    assert landed.code == code, landed.out
    assert "Traceback" not in landed.out
    *before, said = landed.out.splitlines()
    assert all("if all goes well" in line for line in before), landed.out  # how long it would have taken
    assert said.startswith("windtunnel: "), landed.out
    for word in words:
        assert word in landed.out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("shop") / "project")
    yield made
    made.end()


def runs(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / "reports" / "runs").glob("*"))


@pytest.mark.parametrize("wrong", WRONG)
def test_a_scenario_that_is_wrong_is_refused_with_file_and_key(wrong: str, project: Project) -> None:
    """All files are planned before the first starts: the good one beside it is not flown either."""
    text, words = WRONG[wrong]
    assert text != GOOD
    name = wrong.replace(" ", "_").lower()
    before = runs(project)
    landed = project.told("run", project.scenario("good", GOOD), project.scenario(name, text))
    refused(landed, 2, f"{name}.toml", *words)
    assert runs(project) == before


@pytest.mark.parametrize(("file", "word"), [("nowhere.toml", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_refused(file: str, word: str, project: Project) -> None:
    for command in ("plan", "run"):
        refused(project.told(command, file), 2, word)


def test_an_unknown_defect_and_an_impossible_rate_are_refused(project: Project) -> None:
    good = project.scenario("good", GOOD)
    refused(project.told("run", good, "--defect", "no_failovr"), 2, "--defect", "no_failover")
    refused(project.told("run", good, "--rate", "-5"), 2, "--rate", "above 0")
    few = project.scenario("few", without(GOOD, "rto"))
    for command in ("plan", "run"):
        refused(project.told(command, few, "--rate", "2.1"), 2, "--rate", "needs 20 orders in the baseline", "write --rate")


def test_a_run_that_is_not_there_cannot_be_judged_reported_or_stopped(project: Project) -> None:
    for command in ("judge", "report", "stop"):
        refused(project.told(command, "nothing"), 2, "nothing", "windtunnel status")


def test_outside_a_project_the_message_says_what_to_write(project: Project, tmp_path: Path) -> None:
    alone = Project(tmp_path / "alone")
    (alone.root / "pyproject.toml").unlink()
    refused(alone.told("status"), 2, "[tool.windtunnel]", "shop =")
    (alone.root / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "tests.fake_shop:NoShop"\n')
    refused(alone.told("run", alone.scenario("good", GOOD)), 2, "pyproject.toml", "tool.windtunnel.shop", "NoShop")
    alone.end()


@pytest.mark.parametrize("option", ["--out", "--junit", "--json"])
def test_what_cannot_be_written_is_refused_before_anything_starts(option: str, project: Project) -> None:
    """A file stands where a folder would have to be: that stops even root."""
    good, before = project.scenario("good", GOOD), runs(project)
    landed = project.told("run", good, option, f"{good}/below/it")
    refused(landed, 10, f"{good}/below", "Not a directory")
    assert runs(project) == before


def test_without_an_engine_the_message_says_how_to_start_one(tmp_path: Path) -> None:
    """The reference shop needs one: the cause, the next command, and no trace of what was not started."""
    docker = Project(tmp_path / "docker", "sut.shop:ReferenceShop")
    docker.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    flight = docker.run("db_primary_lost", shrunk("db_primary_lost"))
    landed = flight.land(60)
    assert landed.code == 10, landed.out
    assert "no Docker engine answers" in landed.out.splitlines()[-1]
    assert "make prepare" in landed.out.splitlines()[-1]
    assert "Traceback" not in landed.out
    assert (flight.alive(), flight.locked) == ([], False)
    docker.end()
