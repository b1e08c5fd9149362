"""The Python form of a scenario: what it plans, what it refuses, and which tests fail though they asserted nothing."""

from pathlib import Path

import pytest

from harness import events, pytest_plugin
from harness.campaign import Flown, Sortie
from harness.judge import judge
from harness.plan import plan
from harness.planned import Plan
from harness.project import Project
from harness.report import Report
from harness.scenario import asked_also
from harness.store import ASKED
from tests.fake_runs import Trouble, a_history, also, without

HEAD = "import pytest\nfrom harness.faults.kill import Kill\nfrom harness.faults.crash import Crash\n\n"
FLIGHT = """
def test_lost(tunnel):
    with tunnel.load(orders_per_s=100, stable_s=10):
        tunnel.break_(Kill(target="orders_db:primary"), hold_s=30)
"""
ASKS = '    assert tunnel.verdict("rto", budget_s=15).passed\n'


class Suite:
    """A project with a test file, run by pytest in this process; the run is made up, and judged in earnest."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester, self.flown = pytester, list[Plan]()
        self.troubles: tuple[Trouble, ...] = (Trouble(from_s=0, to_s=8),)
        self.dirty = self.unbitten = False
        pytester.makepyprojecttoml('[tool.windtunnel]\nshop = "tests.fake_shop:FakeShop"\n')
        pytester.makeconftest('pytest_plugins = ["harness.pytest_plugin"]\n')
        monkeypatch.setattr(pytest_plugin, "fly", self._fly)
        monkeypatch.setattr(pytest_plugin, "conclude", self._conclude)
        monkeypatch.setattr(pytest_plugin, "write", lambda *_: None)

    def run(self, text: str, *words: str) -> pytest.RunResult:
        """Run a test file."""
        self._pytester.makepyfile(test_shop=HEAD + text)
        return self._pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)

    def _report(self, made: Plan) -> Report:
        folder = self._pytester.path
        history = a_history(made, self.troubles)
        if self.unbitten:
            history = without(history, events.Bitten)
        if self.dirty:
            left = events.NotHealed(at_ns=60_000_000_000, step="step1", because="it is silent", mend="windtunnel heal run1")
            history = also(without(history, events.Closed), left)
        return Report(plan=made, history=history, judgement=judge(made, history), logs={}, folder=folder)

    def _fly(self, _project: object, sortie: Sortie, *_: object) -> Flown:
        self.flown.append(sortie.plan)
        return Flown(report=self._report(sortie.plan), interrupted=None)

    def _conclude(self, folder: Path, _project: Project) -> Report:
        flown = self.flown[-1]
        scenario = asked_also(flown.scenario, (folder / ASKED).read_text(), flown.scenario.file)
        return self._report(plan(scenario, flown.declaration))


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    return Suite(pytester, monkeypatch)


def test_a_kept_promise_passes(suite: Suite) -> None:
    suite.run(FLIGHT + ASKS).assert_outcomes(passed=1)
    (made,) = suite.flown
    assert [(step.kind, str(step.fault.target), step.hold_s) for step in made.steps] == [("kill", "orders_db:primary", 30)]
    assert made.scenario.blast_radius == ("orders_db", "storefront")
    assert {"role", "redundancy", "foreign_cpu"} <= set(made.probes)
    assert made.scenario.name == "test_lost"


def test_parameters_of_a_fault_are_handed_on_and_the_seed_is_the_scenarios(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml('[tool.windtunnel]\nshop = "sut.shop:ReferenceShop"\n')
    kill = 'Kill(target="orders_db:primary")'
    loss = 'Loss(target="storefront#1->db_route", percent=20, way="in")'
    suite.run("from harness.faults.loss import Loss\n" + FLIGHT.replace(kill, loss) + ASKS)
    (step,) = suite.flown[0].steps
    given = [getattr(step.fault, name) for name in ("percent", "way", "seed")]
    assert given == [20, "in", suite.flown[0].scenario.seed]


def test_a_broken_promise_fails_with_all_there_is_to_say(suite: Suite) -> None:
    suite.troubles = (Trouble(from_s=0, to_s=20),)
    result = suite.run(FLIGHT + ASKS)
    result.assert_outcomes(failed=1)
    assert "FAIL  rto: After step1 it took 20.0 s" in result.stdout.str()
    assert "were not served well" in result.stdout.str()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "asked for no verdict, so it proves nothing"),
        ('    tunnel.verdict("rto", budget_s=15)\n', "did not look at the answer"),
        (ASKS.replace("assert ", ""), "did not look at the answer"),
        (ASKS.replace("assert", "kept ="), "did not look at the answer"),
    ],
)
def test_who_does_not_ask_or_does_not_look_proves_nothing(asked: str, said: str, suite: Suite) -> None:
    result = suite.run(FLIGHT + asked)
    result.assert_outcomes(failed=1)
    assert said in result.stdout.str()


def test_who_flies_nothing_proves_nothing(suite: Suite) -> None:
    result = suite.run("def test_nothing(tunnel):\n    pass\n")
    result.assert_outcomes(failed=1)
    assert "flew nothing" in result.stdout.str()


def test_what_is_not_decided_is_neither_yes_nor_no(suite: Suite) -> None:
    """Also where a test expects a shop to fail: nothing was proved of that either."""
    suite.unbitten = True
    result = suite.run(FLIGHT + ASKS.replace("assert", "assert not"))
    result.assert_outcomes(failed=1)
    assert "not seen to bite" in result.stdout.str()


def test_a_shop_that_fails_as_expected_passes(suite: Suite) -> None:
    suite.troubles = (Trouble(from_s=0, to_s=20),)
    suite.run(FLIGHT + ASKS.replace("assert", "assert not")).assert_outcomes(passed=1)


def test_a_steady_state_that_was_none_fails_whatever_was_asked(suite: Suite) -> None:
    suite.troubles = (Trouble(from_s=-10, to_s=-5), Trouble(from_s=0, to_s=8))
    result = suite.run(FLIGHT + '    assert tunnel.verdict("oversold").passed\n')
    result.assert_outcomes(failed=1)
    assert "FAIL  before.goodput" in result.stdout.str()


def test_a_shop_that_was_unsteady_before_proves_nothing_by_failing(suite: Suite) -> None:
    """It may have been out for a reason of its own, and the one who expects a failure must not take it for theirs."""
    suite.troubles = (Trouble(from_s=-10, to_s=-5), Trouble(from_s=0, to_s=20))
    result = suite.run(FLIGHT + ASKS.replace("assert", "assert not"))
    result.assert_outcomes(failed=1)
    assert "FAIL  before.goodput" in result.stdout.str()


def test_a_shop_left_broken_ends_the_session(suite: Suite) -> None:
    suite.dirty = True
    second = FLIGHT.replace("test_lost", "test_other") + ASKS
    result = suite.run(FLIGHT + ASKS + second)
    result.assert_outcomes(failed=1)
    assert len(suite.flown) == 1
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_what_a_scenario_file_would_be_refused_for_is_refused(suite: Suite) -> None:
    """Before anything flies where that can be known; else when the question is asked."""
    result = suite.run(FLIGHT.replace(", hold_s=30", "") + ASKS)
    assert "kill is held until we heal it; say how long: hold_s = 60" in result.stdout.str()
    assert not suite.flown
    result = suite.run(FLIGHT + ASKS.replace("15", "28"))
    assert "our own heal would end the outage before the budget; write hold_s = 43 or more" in result.stdout.str()
    result = suite.run(FLIGHT + ASKS.replace("rto", "rot"))
    assert "'rot' is none of the checkers; did you mean 'rto'?" in result.stdout.str()


def test_what_raises_inside_flies_nothing(suite: Suite) -> None:
    suite.run(FLIGHT + "        raise ValueError\n" + ASKS).assert_outcomes(failed=1)
    assert not suite.flown


def test_breakages_follow_one_another(suite: Suite) -> None:
    more = (
        '        tunnel.break_(Crash(target="storefront#1"))\n        tunnel.break_(Crash(target="storefront#2"), at_s=70)\n'
    )
    suite.troubles = ()
    suite.run(FLIGHT + more + '    assert tunnel.verdict("oversold").passed\n')
    assert [step.at_s for step in suite.flown[0].steps] == [0, 50, 70]


def test_outside_of_a_load_nothing_is_broken_or_asked(suite: Suite) -> None:
    result = suite.run('def test_it(tunnel):\n    tunnel.break_(Kill(target="orders_db:primary"))\n')
    assert "write break_ inside `with tunnel.load(…):`" in result.stdout.str()
    result = suite.run('def test_it(tunnel):\n    tunnel.verdict("rto")\n')
    assert "nothing has flown yet" in result.stdout.str()


def test_whoever_gets_it_by_another_way_must_ask_too(suite: Suite) -> None:
    text = FLIGHT.replace("(tunnel):", "(request):\n    tunnel = request.getfixturevalue('tunnel')")
    result = suite.run(text + '    tunnel.verdict("rto", budget_s=15)\n')
    result.assert_outcomes(passed=1, errors=1)
    assert "did not look at the answer" in result.stdout.str()


def test_a_second_question_needs_a_name_of_its_own(suite: Suite) -> None:
    """Otherwise it would take the place of the first one, which nobody has looked at."""
    first = '    tunnel.verdict("rto", budget_s=1)\n'
    result = suite.run(FLIGHT + first + ASKS)
    result.assert_outcomes(failed=1)
    assert "rto was asked already" in result.stdout.str()
    result = suite.run(FLIGHT + ASKS + '    assert tunnel.verdict("rto", id="slow", budget_s=20).passed\n')
    result.assert_outcomes(passed=1)


def test_a_refused_question_is_forgotten(suite: Suite) -> None:
    """The stored run can be judged as before, and the test can go on asking."""
    refused = "    with pytest.raises(Exception, match='unknown key'):\n        tunnel.verdict('rto', budget=15)\n"
    suite.run(FLIGHT + refused + ASKS).assert_outcomes(passed=1)


def test_monitoring_is_started_where_it_is_asked_for(suite: Suite) -> None:
    asks = '    assert tunnel.verdict("query_time", class_="product", mean_max_ms=100).passed\n'
    suite.run(FLIGHT.replace("stable_s=10", "stable_s=10, monitored=True") + asks).assert_outcomes(passed=1)
    assert "monitor" in suite.flown[0].parts
