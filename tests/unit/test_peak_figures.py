"""The figures of the peak: of all runs of the good shop at this commit, each of an objective that is there."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.events import Sample
from harness.plan import plan
from harness.scenario import load
from sut.shop import ReferenceShop
from tests import peak_figures
from tests.acceptance import book, stage
from tests.acceptance.flight import NotAsRequired
from tests.peak_figures import ASKED, peak

HERE = {"scale": 1, "defects": (), "commit": "c1", "command": "windtunnel run scenarios/headroom.toml"}
RUNS = {  # what is stored → whether it counts
    "0-headroom-0": (HERE, "PASS", True),
    "1-headroom-0": (HERE, "FAIL", True),
    "2-headroom-0": (HERE, "INCONCLUSIVE", True),  # else only bad luck would be left out
    "3-headroom-0": ({**HERE, "scale": 0.5}, "PASS", False),
    "4-headroom-0": ({**HERE, "defects": ("oversell",)}, "PASS", False),
    "5-headroom-0": ({**HERE, "commit": "c0"}, "PASS", False),
    "6-headroom-0": ({**HERE, "commit": "c1+"}, "PASS", False),
    "8-headroom-0": ({**HERE, "command": "windtunnel run scenarios/headroom.toml --apart"}, "PASS", False),
    "7-headroom-0": ({**HERE, "command": "windtunnel run scenarios/headroom.toml --generators 2"}, "PASS", False),
}
BUSY = [Sample(at_ns=n, probe="foreign_cpu", on="machine", value=share) for n, share in enumerate((0.1, 0.3))]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store those runs."""
    for number, (name, (_, outcome, _)) in enumerate(RUNS.items()):
        said: list[dict[str, Any]] = [
            {"objective": "served", "outcome": outcome, "measured": {"ratio": 0.999 - number / 200}}
        ]
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdicts.json").write_text(json.dumps({"outcome": outcome, "verdicts": said}))
    monkeypatch.setattr(peak_figures, "RUNS", tmp_path)
    monkeypatch.setattr(peak_figures, "ASKED", [one for one in ASKED if one.scenario == "headroom"])
    monkeypatch.setattr(book, "commit", lambda: "c1")
    monkeypatch.setattr(
        peak_figures,
        "open_run",
        lambda folder: SimpleNamespace(run=SimpleNamespace(**RUNS[folder.name][0]), events=BUSY),
    )


@pytest.mark.usefixtures("stored")
def test_every_run_of_this_commit_is_a_figure_and_no_other() -> None:
    in_time, passed, others = peak(2)
    assert in_time.values == tuple(0.999 - n / 200 for n, (*_, counts) in enumerate(RUNS.values()) if counts)
    assert (in_time.kept, in_time.cells[-1]) == (False, ">= 0.99"), "0.989"
    assert (passed.values, passed.kept) == ((1.0, 0.0, 0.0), False)
    assert others.values == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.usefixtures("stored")
def test_a_run_that_measured_nothing_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "1-headroom-0" / "verdicts.json").unlink()
    in_time, passed, _ = peak(2)
    assert (len(in_time.values), passed.values) == (2, (1.0, 0.0, 0.0))


@pytest.mark.usefixtures("stored")
def test_of_a_tree_that_is_no_commit_there_are_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of another such tree would bear the same name."""
    monkeypatch.setattr(book, "commit", lambda: "c1+")
    with pytest.raises(NotAsRequired, match="commit first"):
        next(iter(peak(1)))


@pytest.mark.parametrize("one", ASKED, ids=lambda one: f"{one.scenario}-{one.objective}-{one.measured}")
def test_every_figure_is_of_an_objective_that_the_scenario_has(one: peak_figures.Asked) -> None:
    made = plan(load(stage.scenario(one.scenario)), ReferenceShop().declaration)
    assert one.objective in {objective.id for objective in made.objectives}
