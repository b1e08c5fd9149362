"""``explain`` as it is typed, inside a project and outside of one."""

from pathlib import Path

import pytest

from tests.fake_runs import KILL, OBJECTIVES, SCENARIO
from tests.golden import ROOT
from tests.golden import project as made_project
from tests.typing_in import typed


def test_a_fault_is_explained_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = typed("explain", "kill")
    assert (done.code, done.out.startswith("`kill`: a fault\n\nLose an instance")) == (0, True)
    assert "| `target` | target | must be given |" in done.out


def test_a_file_is_named_as_one_would_type_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert typed("explain", "calm").out.startswith("`calm`: a scenario (scenarios/calm.toml)\n")


def test_an_unknown_name_is_a_usage_error_with_near_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = typed("explain", "oversel")
    assert done.code == 2
    assert "did you mean " in done.err
    assert "oversell" in done.err


def test_texts_of_a_scenario_cannot_act_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    good = SCENARIO + OBJECTIVES + KILL
    (tmp_path / "odd.toml").write_text(good.replace('hypothesis = "', 'hypothesis = "\\u001b[2J'), encoding="utf-8")
    done = typed("explain", "odd.toml")
    assert (done.code, r"Hypothesis: \x1b[2JThe shop takes orders" in done.out, "\x1b" in done.out) == (0, True, False)
    assert typed("explain", "\x1b[2J").err.startswith(r"windtunnel: \x1b[2J: no scenario")
