"""pytest's door: what is collected, what is flown how often, and what becomes of each outcome. The runs are made up."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness import events, pytest_plugin
from harness.campaign import Flown, Sortie
from harness.history import History
from harness.judge import asked, judge
from harness.report import Report
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO, STEP, Trouble, a_history, also, without

TEXT = SCENARIO.replace("seed = 7", 'seed = 7\ntags = ["ci", "db"]') + OBJECTIVES + KILL
LOGS = {"orders_db-1": "1970-01-01T00:00:15.300000000Z LOG: shut down\n1970-01-01T00:09:00Z LOG: much later\nno time\n"}
Spoil = Callable[[History], History]


def dirty(history: History) -> History:
    """Say that the step could not be seen healed."""
    left = events.NotHealed(at_ns=60_000_000_000, step=STEP, because="it still says silent", mend="windtunnel heal run1")
    return also(without(history, events.Closed), left)


class Suite:
    """A project with scenario files, run by pytest in this process; its runs are made up, and counted."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester, self.flown = pytester, list[Sortie]()
        self.troubles: tuple[Trouble, ...] = (Trouble(from_s=0, to_s=8),)
        self.spoil: Spoil = lambda history: history
        self.interrupted: int | None = None
        pytester.makepyprojecttoml('[tool.windtunnel]\nshop = "tests.fake_shop:FakeShop"\n')
        pytester.makeconftest('pytest_plugins = ["harness.pytest_plugin"]\n')
        self.file("one", TEXT)
        monkeypatch.setattr(pytest_plugin, "fly", self._fly)

    def file(self, name: str, text: str) -> None:
        """Write a scenario."""
        path = self._pytester.path / "scenarios" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *words: str) -> pytest.RunResult:
        """Run pytest on the scenarios, with more words on its command line."""
        return self._pytester.runpytest_inprocess("-p", "no:cacheprovider", *(words or ("scenarios",)))

    def _fly(self, _project: object, sortie: Sortie, *_: object) -> Flown:
        self.flown.append(sortie)
        made, folder = sortie.plan, Path("reports/runs/run1")
        history = self.spoil(a_history(made, self.troubles))
        report = Report(plan=made, history=history, judgement=judge(made, history), logs=LOGS, folder=folder)
        return Flown(report=report, interrupted=self.interrupted)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    return Suite(pytester, monkeypatch)


def test_each_objective_is_a_test_and_the_run_is_flown_once(suite: Suite) -> None:
    result = suite.run("scenarios", "-v")
    (sortie,) = suite.flown
    ids = asked(sortie.plan)
    assert {"rto", "before.goodput", "after.goodput", "orders_lost", "healed"} <= set(ids)
    result.assert_outcomes(passed=len(ids))
    for name in ids:
        assert re.search(rf"scenarios/one\.toml::{name}\s+PASSED", result.stdout.str())
    result.stdout.fnmatch_lines(["windtunnel: PASS  scenarios/one.toml  reports/runs/run1/report.html"])


def test_a_test_chosen_by_its_name_gets_the_whole_run(suite: Suite) -> None:
    suite.file("two", TEXT)
    suite.run("scenarios/one.toml::rto").assert_outcomes(passed=1)
    suite.run("scenarios", "-k", "rto and one").assert_outcomes(passed=1, deselected=2 * len(asked(suite.flown[0].plan)) - 1)
    assert [sortie.plan.scenario.file for sortie in suite.flown] == ["scenarios/one.toml"] * 2


def test_tags_are_marks(suite: Suite) -> None:
    suite.file("two", TEXT.replace('"ci", ', ""))
    suite.run("scenarios", "-m", "ci", "-k", "rto", "--strict-markers").assert_outcomes(passed=1, deselected=23)
    assert len(suite.flown) == 1


def test_to_collect_starts_nothing(suite: Suite) -> None:
    result = suite.run("scenarios", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["scenarios/one.toml::rto"])
    assert not suite.flown


def test_only_what_lies_below_scenarios_or_was_named_is_a_scenario(suite: Suite, pytester: pytest.Pytester) -> None:
    (pytester.path / "elsewhere.toml").write_text(TEXT)
    assert suite.run(".", "--collect-only", "-q").stdout.str().count("elsewhere") == 0
    suite.run("elsewhere.toml", "-k", "rto").assert_outcomes(passed=1, deselected=11)


def test_a_broken_promise_is_a_failure_that_says_all_there_is(suite: Suite) -> None:
    """Figures, the first orders, the log around them, the report, the command to repeat; and not how pytest learnt of it."""
    suite.troubles = (Trouble(from_s=0, to_s=20),)
    suite.spoil = lambda history: also(history, events.ClockPair(at_ns=0, wall_ns=0))
    result = suite.run("scenarios", "-k", "rto", "--windtunnel-rate", "50", "--windtunnel-seed", "9")
    result.assert_outcomes(failed=1, deselected=11)
    said = result.stdout.str()
    assert re.search(r"FAIL  rto: After step1 it took 19.9 s .* the budget is 15 s", said)
    assert "measured  recovery 19.9" in said
    assert "limit: budget 15, contract 900" in said
    assert re.search(r"the first of \d+ orders that were not served well:", said)
    assert re.search(r" +\d+ +15\.\d+ +15\.\d+ +15\.\d+  refused +503 ", said)
    assert "orders_db-1: 1970-01-01T00:00:15.300000000Z LOG: shut down" in said
    assert "much later" not in said
    assert "report    reports/runs/run1/report.html" in said
    assert "again     windtunnel run scenarios/one.toml --seed 9 --rate 50" in said
    assert "Traceback" not in said
    assert "pytest_plugin.py" not in said
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_what_is_not_decided_is_an_error_in_set_up_never_a_skip(suite: Suite) -> None:
    suite.spoil = lambda history: without(history, events.Bitten)
    result = suite.run("scenarios")
    result.assert_outcomes(errors=12)
    said = result.stdout.str()
    assert "ERROR at setup of rto in scenarios/one.toml" in said
    assert "not seen to bite" in said
    assert "pytest_plugin.py" not in said
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(("runs", "to_s"), [(1, 8), (3, 8), (3, 20)])
def test_a_shop_that_was_unsteady_before_has_passed_nothing(
    runs: int, to_s: float, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody asked for the steady state itself, and in one run of a series: but a failure stays one."""
    suite.file("one", TEXT.replace("[load]", f"[repeat]\nruns = {runs}\n[load]") if runs > 1 else TEXT)
    plain = suite._fly

    def fly(project: object, sortie: Sortie, *rest: object) -> Flown:
        before = (Trouble(from_s=-10, to_s=-5),) if sortie.part == 1 else ()
        suite.troubles = (*before, Trouble(from_s=0, to_s=to_s if sortie.part == 2 else 8))
        return plain(project, sortie, *rest)

    monkeypatch.setattr(pytest_plugin, "fly", fly)
    result = suite.run("scenarios", "-k", "rto")
    failed = int(to_s > 15)
    result.assert_outcomes(failed=failed, errors=1 - failed, deselected=11)
    assert ("FAIL  rto" if failed else "FAIL  before.goodput") in result.stdout.str()


def test_what_was_unsteady_itself_fails_and_what_was_not_passes(suite: Suite) -> None:
    suite.troubles = (Trouble(from_s=-10, to_s=-5, one_in=50), Trouble(from_s=0, to_s=8))
    result = suite.run("scenarios", "-k", "before", "-v")
    assert re.search(r"scenarios/one\.toml::before\.goodput\s+FAILED", result.stdout.str())
    result.assert_outcomes(failed=1, passed=1, deselected=10)


def test_a_shop_left_broken_ends_the_session(suite: Suite) -> None:
    """Nothing else is measured beside it; what was to be flown after it is not."""
    suite.file("two", TEXT)
    suite.spoil = dirty
    result = suite.run("scenarios")
    result.assert_outcomes(errors=1)
    assert len(suite.flown) == 1
    assert "windtunnel heal run1" in result.stdout.str()
    assert result.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize("code", [130, 143, 11])
def test_a_run_told_to_stop_is_reported_and_ends_the_session(code: int, suite: Suite) -> None:
    suite.file("two", TEXT)
    suite.interrupted = code
    suite.spoil = lambda history: also(history, events.Interrupted(at_ns=20_000_000_000, by="SIGTERM"))
    result = suite.run("scenarios")
    result.assert_outcomes(errors=1)
    assert "the run was stopped before its end: SIGTERM" in result.stdout.str()
    assert len(suite.flown) == 1
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_broken_file_is_named_before_anything_is_flown(suite: Suite) -> None:
    """And who wants the good ones all the same can have them."""
    suite.file("broken", TEXT.replace("hold_s = 25", "hold_s = 5"))
    result = suite.run("scenarios")
    result.assert_outcomes(errors=1)
    assert "scenarios/broken.toml: steps.step1.hold_s: our own heal would end the outage" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert not suite.flown
    assert result.ret == pytest.ExitCode.INTERRUPTED
    suite.run("scenarios", "--continue-on-collection-errors").assert_outcomes(errors=1, passed=12)


def test_what_comes_after_the_first_failure_is_not_flown_where_pytest_is_told_so(suite: Suite) -> None:
    suite.file("two", TEXT)
    suite.troubles = (Trouble(from_s=0, to_s=20),)
    result = suite.run("scenarios", "-x", "-v")
    names = asked(suite.flown[0].plan)
    result.assert_outcomes(passed=names.index("rto"), failed=1)
    assert "scenarios/one.toml::rto FAILED" in result.stdout.str()
    assert len(suite.flown) == 1


def test_junit_holds_the_figures(suite: Suite, pytester: pytest.Pytester) -> None:
    suite.run("scenarios", "--junit-xml", "junit.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")}  # noqa: S314 -- our own
    told = {one.get("name"): one.get("value") for one in cases["rto"].iter("property")}
    assert float(told["measured.recovery_s"] or 0) == pytest.approx(8, abs=0.1)
    assert (told["limit.budget_s"], told["outcome"], told["report"]) == ("15.0", "PASS", "reports/runs/run1/report.html")


def test_workers_are_refused(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        'pytest_plugins = ["harness.pytest_plugin"]\ndef pytest_configure(config):\n    config.workerinput = {}\n'
    )
    result = suite.run("scenarios")
    result.assert_outcomes(errors=1)
    assert "leave out -n" in result.stdout.str()
    assert not suite.flown


def test_of_a_series_the_worst_run_counts(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.file("one", TEXT.replace("[load]", "[repeat]\nruns = 3\n[load]"))
    plain = suite._fly

    def fly(project: object, sortie: Sortie, *rest: object) -> Flown:
        suite.troubles = (Trouble(from_s=0, to_s=20 if sortie.part == 2 else 8),)
        return plain(project, sortie, *rest)

    monkeypatch.setattr(pytest_plugin, "fly", fly)
    suite.run("scenarios", "-k", "rto or oversold").assert_outcomes(failed=1, passed=1, deselected=10)
    assert [sortie.part for sortie in suite.flown] == [1, 2, 3]


@pytest.mark.parametrize("tag", ["skip", "xfail", "parametrize", "_x", "", "A b"])
def test_a_tag_cannot_switch_tests_off(tag: str, suite: Suite) -> None:
    suite.file("one", TEXT.replace('"ci"', f'"{tag}"'))
    result = suite.run("scenarios")
    result.assert_outcomes(errors=1)
    assert "scenarios/one.toml: tags: expected small letters" in result.stdout.str()
    assert not suite.flown


def test_a_run_that_was_torn_off_is_not_flown_again_for_each_objective(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a time limit does it: what it raised is raised again."""

    def torn(_project: object, sortie: Sortie, *_: object) -> Flown:
        suite.flown.append(sortie)
        pytest.fail("Timeout (>20.0s)")

    monkeypatch.setattr(pytest_plugin, "fly", torn)
    suite.run("scenarios").assert_outcomes(errors=12)
    assert len(suite.flown) == 1


def test_a_series_that_was_cut_short_has_not_passed(suite: Suite) -> None:
    suite.file("one", TEXT.replace("[load]", "[repeat]\nruns = 3\n[load]"))
    suite.interrupted = 143
    result = suite.run("scenarios", "-k", "oversold")
    result.assert_outcomes(errors=1, deselected=11)
    assert "only 1 of the 3 runs of the series were flown" in result.stdout.str()
