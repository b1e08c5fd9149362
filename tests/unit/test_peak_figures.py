"""The figures of the peak: of whole runs of the good shop that nobody doubts, each of an objective that is there."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.plan import plan
from harness.scenario import load
from sut.shop import ReferenceShop
from tests import peak_figures
from tests.acceptance import stage
from tests.peak_figures import ASKED, peak

RUNS = {  # what is stored → whether it counts
    "0-headroom-0": ({"scale": 1, "defects": ()}, "PASS", True),
    "1-headroom-0": ({"scale": 1, "defects": ()}, "FAIL", True),
    "2-headroom-0": ({"scale": 1, "defects": ()}, "INCONCLUSIVE", False),
    "3-headroom-0": ({"scale": 0.5, "defects": ()}, "PASS", False),
    "4-headroom-0": ({"scale": 1, "defects": ("oversell",)}, "PASS", False),
}


def test_only_what_can_be_believed_is_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, (name, (_, outcome, _)) in enumerate(RUNS.items()):
        said: list[dict[str, Any]] = [{"objective": "served", "outcome": outcome, "measured": {"ratio": 0.9 + number / 100}}]
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdicts.json").write_text(json.dumps({"verdicts": said}))
    monkeypatch.setattr(peak_figures, "RUNS", tmp_path)
    monkeypatch.setattr(peak_figures, "ASKED", [one for one in ASKED if one.scenario == "headroom"])
    monkeypatch.setattr(
        peak_figures, "open_run", lambda folder: SimpleNamespace(run=SimpleNamespace(**RUNS[folder.name][0]))
    )
    (figure,) = peak(2)
    assert figure.values == (0.9, 0.91)


@pytest.mark.parametrize("one", ASKED, ids=lambda one: f"{one.scenario}-{one.objective}-{one.measured}")
def test_every_figure_is_of_an_objective_that_the_scenario_has(one: peak_figures.Asked) -> None:
    made = plan(load(stage.scenario(one.scenario)), ReferenceShop().declaration)
    assert one.objective in {objective.id for objective in made.objectives}
