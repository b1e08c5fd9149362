"""The rows of what is promised: every scenario is flown, and those of a kind fit the time that they have."""

from functools import partial
from pathlib import Path
from typing import cast

import pytest

from harness.scenario import load
from sut.defects import DEFECTS
from tests.acceptance import promised
from tests.acceptance.flight import NotAsRequired, must
from tests.acceptance.promised import ALSO, CATCHES, FLOWN, GOOD, NAMED, ONCE, ROWS, bad
from tests.acceptance.stage import Stage

BY_THE_KNEE = {"no_shedding", "overload"}  # are flown at a rate that is too high for the machine, whatever machine that is
TAGS = {path.stem: set(load(path).tags) for path in (Path(__file__).parents[3] / "scenarios").glob("*.toml")}


def test_every_scenario_is_flown_on_the_good_shop() -> None:
    assert GOOD.keys() | BY_THE_KNEE - DEFECTS.keys() == TAGS.keys()


@pytest.mark.parametrize(("tags", "fewest", "minutes"), [({"ci"}, 5, 12), ({"cdn", "ci"}, 1, 10), ({"cdn"}, 9, 60)])
def test_the_scenarios_of_a_kind_fit_the_time_they_have(tags: set[str], fewest: int, minutes: float) -> None:
    chosen = [name for name, carried in TAGS.items() if tags <= carried]
    assert len(chosen) >= fewest
    assert sum(GOOD[name] for name in chosen) <= minutes


def test_every_bad_shop_that_is_flown_is_caught_by_an_objective_of_its_scenario() -> None:
    assert FLOWN.keys() | BY_THE_KNEE & DEFECTS.keys() == CATCHES.keys() <= DEFECTS.keys()
    assert ALSO.keys() | set(NAMED) <= CATCHES.keys()
    for defect, name in FLOWN.items():
        scenario = load(Path(__file__).parents[3] / "scenarios" / f"{name}.toml")
        kinds = {one.id: one.kind for one in scenario.objectives}
        assert kinds[CATCHES[defect][0]] == DEFECTS[defect].caught_by, defect


def test_a_bad_shop_is_flown_several_times_in_a_row_unless_it_is_one_of_the_first() -> None:
    """Its row says so, and how long that takes."""
    rows = {row.id: row for row in ROWS if row.id.startswith("bad.")}
    assert rows.keys() == {f"bad.{defect}.{name}" for defect, name in FLOWN.items()} | {"bad.oversell.flash_sale"}
    assert set(ONCE) == {"no_failover", "ack_before_commit", "no_idempotency", "oversell"}
    for defect, name in FLOWN.items():
        row, times = rows[f"bad.{defect}.{name}"], 1 if defect in ONCE else 3
        assert isinstance(row.play, partial)
        assert row.play.keywords == {"times": times}
        assert row.minutes == pytest.approx(times * GOOD[name])
        assert row.must_say.startswith(f"FAIL {CATCHES[defect][0]}, exit 1")
        assert (f"{times} times in a row" in row.must_say) is (times > 1)


def test_a_bad_shop_that_is_not_caught_once_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    flown: list[str] = []

    def seen(defect: str, _file: Path, _stage: Stage) -> str:
        flown.append(defect)
        must(len(flown) != 3, "it passed")
        return "FAIL"

    monkeypatch.setattr(promised, "_bad", seen)
    stage, file = cast("Stage", None), Path("calm.toml")
    assert bad("oversell", file, stage) == "FAIL"
    with pytest.raises(NotAsRequired, match="it passed"):
        bad("oversell", file, stage, times=3)
    assert bad("oversell", file, stage, times=3) == "FAIL - FAIL - FAIL"


def test_every_bad_shop_of_links_edges_and_caches_is_flown() -> None:
    assert {
        *("async_replication", "naive_route", "forgets_addresses"),
        *("no_single_flight", "stock_from_cache", "price_from_cache"),
        *("steering_asks_edge", "steering_by_dns", "replays_post", "caches_cookies", "accepts_truncated"),
    } <= FLOWN.keys() - set(ONCE)
