"""A browser that could see nothing, or not enough, is refused before anything runs, with what to write or type."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness import cli, dryrun
from harness.campaign import Manner, Sortie, fly
from harness.declaration import Declaration
from harness.errors import PlanError, SetupError
from harness.plan import plan
from harness.progress import Progress
from harness.project import Project
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

ASKED = KILL.replace("rto =", "first_screen = {}\nrto =")
GOOD = (SCENARIO + OBJECTIVES + ASKED).replace("baseline_s = 12", "baseline_s = 41").replace("hold_s = 25", "hold_s = 40")
GOOD = GOOD.replace("orders_db:primary", "cdn_a").replace('["orders_db"', '["cdn_a", "orders_db"')
CALM = (SCENARIO + OBJECTIVES + "first_screen = {}\n").replace("baseline_s = 12", "baseline_s = 60")
REFUSED: Mapping[str, tuple[str, Declaration, str, str]] = {
    "a shop without a page": (
        GOOD,
        replace(DECLARATION, screen=None),
        "objectives.first_screen",
        "the shop made_up names no page for a browser to look at; leave it out",
    ),
    "no edge": (
        CALM,
        DECLARATION,
        "objectives.first_screen",
        "a browser looks through edges, and none runs in this plan; write [load] entry, one of lb",
    ),
    "a short baseline": (
        GOOD.replace("baseline_s = 41", "baseline_s = 40.5"),
        DECLARATION,
        "load.baseline_s",
        "first_screen needs 40 s before anything is broken; write baseline_s = 41 or more",
    ),
    "a short fault": (
        GOOD.replace("hold_s = 40", "hold_s = 30"),
        DECLARATION,
        "objectives.first_screen",
        "first_screen needs 40 s from the first act to the last heal, here 30 s; hold longer",
    ),
    "a pause between two faults": (
        GOOD.replace('["cdn_a"', '["cdn_b", "cdn_a"').replace("baseline_s = 41", "baseline_s = 90")
        + "[[steps]]\nat_s = 120\nhold_s = 40\nkill = { target = 'cdn_b' }\n",
        DECLARATION,
        "steps.step2.at_s",
        "first_screen looks at one stretch in which something is broken; write at_s = 40 or less",
    ),
    "a stage beside a fault": (
        GOOD.replace("warm_up_s", "stages = [{ name = 'rush', for_s = 5, orders_per_s = 200 }]\nwarm_up_s").replace(
            "rto =", "# rto ="
        ),
        DECLARATION,
        "load.stages",
        "first_screen cannot tell what a stage does from what is broken; leave the stages out",
    ),
    "too much beside it": (
        GOOD.replace("warm_up_s", "sessions = { per_s = 51 }\nwarm_up_s"),
        DECLARATION,
        "load.sessions.per_s",
        "51 sessions/s leave a browser no room on this machine; write per_s = 50 or less",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_a_browser_cannot_see_is_refused(why: str) -> None:
    text, declaration, key, because = REFUSED[why]
    with pytest.raises(PlanError) as refused:
        plan(parse(text, "made.toml"), declaration)
    assert refused.value.key == key
    assert because in str(refused.value)


def test_what_the_refusals_say_is_enough() -> None:
    assert plan(parse(GOOD, "made.toml"), DECLARATION).looked_through == ("cdn_a",)


def test_nobody_looks_where_no_objective_asks() -> None:
    assert plan(parse(GOOD.replace("first_screen = {}", ""), "made.toml"), DECLARATION).looked_through == ()


def test_a_higher_rate_brings_more_sessions_too() -> None:
    text = GOOD.replace("warm_up_s", "sessions = { per_s = 40 }\nwarm_up_s")
    assert plan(parse(text, "made.toml"), DECLARATION)
    with pytest.raises(PlanError, match="60 sessions/s leave a browser no room"):
        plan(parse(text, "made.toml"), DECLARATION, rate=150)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_without_a_browser_nothing_starts_and_it_says_what_to_type(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "sut.shop:ReferenceShop"\n')
    text = CALM.replace("[load]", '[load]\nentry = "steering"').replace("baseline_s = 60", "baseline_s = 80")
    (tmp_path / "looked_at.toml").write_text(text)
    (tmp_path / "not_looked_at.toml").write_text(text.replace("first_screen = {}", ""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed(monkeypatch, command, "not_looked_at.toml", "looked_at.toml") == 10
    said = capsys.readouterr()
    assert "no chromium on PATH" in said.err
    assert "Type: python3 harness/prepare.py --browser" in said.err
    assert said.out == ""
    assert not (tmp_path / "reports").exists()
    assert typed(monkeypatch, "plan", "not_looked_at.toml") == 0


def test_a_run_that_pytest_collected_is_refused_before_it_flies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All scenarios can be collected where there is no browser: only those that are flown need one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    sortie = Sortie(plan=plan(parse(GOOD, "made.toml"), DECLARATION), part=1, of=1)
    project, manner = Project(root=tmp_path, shop_name="tests.fake_shop:FakeShop"), Manner(out=tmp_path / "runs", command="")
    with pytest.raises(SetupError, match="no chromium on PATH"):
        fly(project, sortie, manner, Progress(Console(quiet=True), "made"))
    assert list(tmp_path.iterdir()) == []


def test_the_dry_run_says_what_is_looked_at() -> None:
    assert "  browser         looks at /p/1 every 2 s, through cdn_a by turns\n" in dryrun.told(
        plan(parse(GOOD, "made.toml"), replace(DECLARATION, driver="process"))
    )


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Type a command; give its exit code."""
    monkeypatch.setattr("sys.argv", ["windtunnel", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)
