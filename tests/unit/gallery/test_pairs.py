"""The matrix: which bad shop flies where by its declaration, what a person may ask for instead, what is refused."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.declaration import Declaration
from harness.errors import PlanError, UsageError
from harness.gallery.pairs import asked, matrix
from harness.project import Project
from tests.fake_gallery import EVENING, GalleryShop

GOOD_EVENING = ("", "evening")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give a project of the fake gallery, with its evening and another scenario that shows nothing."""
    (tmp_path / "scenarios").mkdir()
    for name in ("evening", "other"):
        (tmp_path / "scenarios" / f"{name}.toml").write_text(EVENING)
    return Project(root=tmp_path, shop_name="tests.fake_gallery:GalleryShop")


def declared(monkeypatch: pytest.MonkeyPatch, shown_in: Mapping[str, tuple[str, ...]]) -> None:
    """Let the shop declare something else."""
    made: Declaration = replace(GalleryShop().declaration, shown_in=shown_in)
    monkeypatch.setattr(GalleryShop, "declaration", made)


def test_each_bad_shop_flies_where_it_is_declared_to_show_and_the_good_one_everywhere(project: Project) -> None:
    made = matrix(project, [], [])
    assert asked(made.sorties) == {
        GOOD_EVENING: (1,),
        ("", "other"): (1,),
        ("oversell", "evening"): (1,),
        ("no_idempotency", "evening"): (1,),
    }
    assert made.homeless == ()
    assert [sortie.plan.defects for sortie in made.sorties] == [(), (), ("oversell",), ("no_idempotency",)]


def test_a_bad_shop_that_is_named_flies_alone_beside_the_good_one(project: Project) -> None:
    assert [*asked(matrix(project, [], ["oversell"]).sorties)] == [GOOD_EVENING, ("oversell", "evening")]


def test_files_choose_among_the_declared_scenarios(project: Project) -> None:
    evening, other = (project.root / "scenarios" / f"{name}.toml" for name in ("evening", "other"))
    assert ("", "other") not in asked(matrix(project, [evening], []).sorties)
    with pytest.raises(UsageError, match="none of the bad shops: no scenario here is declared to show it"):
        matrix(project, [other], [])


def test_files_and_defects_together_are_exactly_what_is_flown(project: Project) -> None:
    other = project.root / "scenarios" / "other.toml"
    assert [*asked(matrix(project, [other], ["oversell"]).sorties)] == [("", "other"), ("oversell", "other")]


def test_every_run_of_a_pair_has_a_seed_of_its_own(project: Project) -> None:
    """Whatever the scenario's own series: it is not multiplied by it."""
    file = project.root / "scenarios" / "evening.toml"
    file.write_text(EVENING + "[repeat]\nruns = 4\n")
    sorties = matrix(project, [file], ["oversell"], runs=3).sorties
    assert asked(sorties) == {GOOD_EVENING: (1, 2, 3), ("oversell", "evening"): (1, 2, 3)}
    assert [sortie.plan.scenario.seed for sortie in sorties] == [3, 4, 5] * 2


def test_the_load_is_that_of_all(project: Project) -> None:
    assert {sortie.plan.orders_per_s for sortie in matrix(project, [], [], rate=30).sorties} == {30}
    with pytest.raises(PlanError):
        matrix(project, [], [], rate=-1)


def test_a_bad_shop_that_no_scenario_shows_is_told_and_refused_where_it_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared(monkeypatch, {"oversell": ("evening",)})
    made = matrix(project, [], [])
    assert made.homeless == ("no_idempotency",)
    assert ("oversell", "evening") in asked(made.sorties)
    with pytest.raises(UsageError, match="no_idempotency: no scenario here is declared"):
        matrix(project, [], ["no_idempotency", "oversell"])


def test_a_gallery_without_a_bad_shop_would_prove_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, {})
    with pytest.raises(UsageError, match="no scenario here is declared to show it"):
        matrix(project, [], [])


def test_a_declared_scenario_that_is_not_there_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(monkeypatch, {"oversell": ("evening", "mornign")})
    with pytest.raises(UsageError, match="oversell: is declared to show in mornign, and there is no such file"):
        matrix(project, [], [])
    assert matrix(project, [project.root / "scenarios" / "evening.toml"], []).sorties


def test_a_scenario_that_does_not_ask_what_must_catch_the_bad_shop_is_refused(project: Project) -> None:
    """It would be missed there for no fault of the judge."""
    file = project.root / "scenarios" / "evening.toml"
    file.write_text(EVENING.replace('sold = { kind = "oversold" }', ""))
    with pytest.raises(UsageError, match="does not ask oversold, which must catch oversell"):
        matrix(project, [], [])


def test_an_unknown_bad_shop_and_two_scenarios_of_one_name_are_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="oversel: is none of oversell, no_idempotency"):
        matrix(project, [], ["oversel"])
    (tmp_path / "scenarios" / "more").mkdir()
    (tmp_path / "scenarios" / "more" / "evening.toml").write_text(EVENING)
    with pytest.raises(UsageError, match="two scenarios of one name"):
        matrix(project, [], [])


def test_a_project_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scenario in it"):
        matrix(Project(root=tmp_path, shop_name="tests.fake_gallery:GalleryShop"), [], [])
