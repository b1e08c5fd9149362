"""The rows of what is promised: every scenario is flown, and those of a kind fit the time that they have."""

from pathlib import Path

import pytest

from harness.scenario import load
from sut.defects import DEFECTS
from tests.acceptance.promised import ALSO, CATCHES, FLOWN, GOOD, NAMED

TAGS = {path.stem: set(load(path).tags) for path in (Path(__file__).parents[3] / "scenarios").glob("*.toml")}


def test_every_scenario_is_flown_on_the_good_shop() -> None:
    assert GOOD.keys() == TAGS.keys()


@pytest.mark.parametrize(("tags", "minutes"), [({"ci"}, 12), ({"cdn", "ci"}, 10), ({"cdn"}, 60)])
def test_the_scenarios_of_a_kind_fit_the_time_they_have(tags: set[str], minutes: float) -> None:
    chosen = [name for name, carried in TAGS.items() if tags <= carried]
    assert chosen
    assert sum(GOOD[name] for name in chosen) <= minutes


def test_every_bad_shop_that_is_flown_is_caught_by_an_objective_of_its_scenario() -> None:
    assert FLOWN.keys() == CATCHES.keys() <= DEFECTS.keys()
    assert ALSO.keys() | set(NAMED) <= CATCHES.keys()
    for defect, name in FLOWN.items():
        scenario = load(Path(__file__).parents[3] / "scenarios" / f"{name}.toml")
        kinds = {one.id: one.kind for one in scenario.objectives}
        assert kinds[CATCHES[defect][0]] == DEFECTS[defect].caught_by, defect
