"""Names explained: by what each thing says of itself, and nothing else."""

import re
from pathlib import Path

import pytest

from harness import described, registry
from harness.errors import ScenarioError, UsageError
from harness.explain import SHELVES, explain, names
from harness.project import Project, find
from harness.scenario import load
from tests.golden import ROOT
from tests.golden import project as made_project

FLAGSHIP = "db_primary_lost"


@pytest.fixture
def project() -> Project:
    return find(ROOT)


@pytest.mark.parametrize(("shelf", "kind"), [(shelf, kind) for shelf in SHELVES for kind in registry.kinds(shelf)])
def test_everything_on_the_shelves_is_explained_without_a_project(shelf: str, kind: str) -> None:
    told = explain(kind, None)
    assert f"`{kind}`: {SHELVES[shelf][0]}\n" in told
    assert described.title(shelf, kind) in told
    assert described.prose(registry.cls(shelf, kind).__doc__) in told


def test_what_every_run_is_asked_is_explained() -> None:
    told = explain("healed", None)
    assert told.startswith("`healed`: an objective of every run\n\nJudge whether every step was seen healed")
    assert "DIRTY where it is not" in told


def test_a_name_of_two_things_is_explained_twice() -> None:
    told = explain("redundancy", None)
    assert "`redundancy`: a checker\n" in told
    assert "`redundancy`: a probe\n" in told


@pytest.mark.parametrize("name", [FLAGSHIP, f"{FLAGSHIP}.toml", str(ROOT / "scenarios" / f"{FLAGSHIP}.toml")])
def test_a_scenario_is_explained_by_stem_file_or_path(name: str, project: Project) -> None:
    scenario, told = load(ROOT / "scenarios" / f"{FLAGSHIP}.toml"), explain(name, project)
    assert scenario.hypothesis in told
    assert f"Incident: {scenario.incident}\nTags: {', '.join(scenario.tags)}" in told
    begin_s, step = scenario.load.warm_up_s + scenario.load.baseline_s, scenario.steps[0]
    assert (
        f"T+{begin_s + step.at_s:g} s  step1: kill, target orders_db:primary, held for {step.hold_s:g} s. Lose an " in told
    )
    assert f"May look unhealthy: {', '.join(scenario.blast_radius)}" in told
    assert f"goodput: min_ratio 0.999. {described.title('checkers', 'goodput')}" in told
    for entry in scenario.objectives:
        assert f"\n  {entry.id}{f' ({entry.kind})' * (entry.id != entry.kind)}: " in told
        assert described.title("checkers", entry.kind) in told
    assert "Playbook, for DBA on call:\n  1. " in told
    assert all(step in told for step in scenario.playbook.steps)


def test_every_scenario_can_be_explained(project: Project) -> None:
    for file in (ROOT / "scenarios").glob("*.toml"):
        assert load(file).hypothesis in explain(file.stem, project)


def test_a_scenario_without_steps_or_playbook_says_so(tmp_path: Path) -> None:
    project = made_project(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "still.toml").write_text("""
format = 1
hypothesis = "Nothing happens."
load = { arrivals = { orders_per_s = 1 }, warm_up_s = 0, baseline_s = 60 }
[objectives]
sold = { kind = "oversold", when = "all" }
""")
    told = explain("still", project)
    assert "What breaks (T counts from the first arrival):\n  nothing\nMay look unhealthy: nothing" in told
    assert f"sold (oversold): when all. {described.title('checkers', 'oversold')}" in told
    assert told.endswith("Playbook:\n  none")


def test_a_defect_is_explained_by_its_shop(project: Project) -> None:
    told = explain("oversell", project)
    assert "`oversell`: a defect of the reference shop" in told
    assert "two replicas sell the same piece" in told
    assert f"must fail by `oversold`. {described.title('checkers', 'oversold')}" in told
    assert told.endswith("It has room to show in `calm`, `flash_sale`.")


def test_a_shop_that_says_nothing_of_its_defects_is_enough(tmp_path: Path) -> None:
    """What must catch it is in every declaration."""
    told = explain("oversell", made_project(tmp_path))
    assert told.startswith(
        "`oversell`: a defect of the fake shop\n\nA run with `--defect oversell` must fail by `oversold`."
    )
    assert "room to show" not in told


@pytest.mark.parametrize(
    ("name", "near"),
    [("kil", "kill"), ("db_primary_los", FLAGSHIP), ("no_failove", "no_failover"), ("orders_losd", "orders_lost")],
)
def test_an_unknown_name_gets_near_matches(name: str, near: str, project: Project) -> None:
    with pytest.raises(UsageError, match=rf"^{name}: no scenario, .*; did you mean .*{near}"):
        explain(name, project)


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "nothing.toml", "../calm", "zzzz"])
def test_a_name_of_nothing_gets_all_there_is(name: str, project: Project) -> None:
    with pytest.raises(UsageError, match="is called so; "):
        explain(name, project)


def test_without_a_project_it_is_said_that_its_things_were_not_looked_up() -> None:
    with pytest.raises(UsageError, match=r"known: .*kill.*; no project is here"):
        explain("calm", None)


def test_a_kind_needs_no_shop(tmp_path: Path) -> None:
    """Its libraries may not be installed; a name that only the shop may know then names the shop."""
    broken = Project(root=tmp_path, shop_name="no.such:Shop")
    assert explain("kill", broken).startswith("`kill`: a fault")
    with pytest.raises(UsageError, match=r"no\.such:Shop"):
        explain("no_failover", broken)


def test_a_scenario_that_is_none_is_refused_with_its_key(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / f"{FLAGSHIP}.toml").read_text()
    for number, (old, new, key) in enumerate(
        ((r"(?m)^kill ", "kil ", r"steps\[1\]\.kil"), (r"(?m)^oversold ", "oversol ", r"objectives\.oversol"))
    ):
        file = tmp_path / f"odd{number}.toml"
        file.write_text(re.sub(old, new, text))
        with pytest.raises(ScenarioError, match=key):
            explain(str(file), None)


def test_all_names_that_need_no_shop_are_listed(project: Project) -> None:
    listed = names(project)
    assert {FLAGSHIP, "kill", "rto", "role"} <= set(listed)
    assert list(listed) == sorted(listed)
    assert FLAGSHIP not in names(None)
