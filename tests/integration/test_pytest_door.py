"""pytest's door on the fake shop: whole runs, and pytest ended in the middle of them by all that may end it."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.store import GUARDIAN
from tests.integration.flights import ROOT, Flight, Project, awaited, shrunk, without
from tests.integration.thoroughly import thoroughly
from tests.shown import blocks

pytestmark = pytest.mark.slow
FROZEN = without(shrunk("db_frozen", orders_per_s=20, products_per_s=5, hold_s=20), "repeat")
CRASHED = shrunk("db_process_crash", orders_per_s=20)
GONE_S = 60.0


class Suite(Project):
    """A project with scenarios, and pytest in it."""

    def __init__(self, root: Path, **scenarios: str) -> None:
        super().__init__(root)
        (root / "scenarios").mkdir()
        (root / "conftest.py").write_text('pytest_plugins = ["harness.pytest_plugin"]\n')
        for name, text in scenarios.items():
            (root / "scenarios" / f"{name}.toml").write_text(text, encoding="utf-8")

    def pytest(self, name: str, *words: str) -> Flight:
        """Start pytest; ``name`` is the scenario, or the test, whose run it is to fly first."""
        tmp = self.root / f"tmp{name}"
        tmp.mkdir()
        command = [sys.executable, "-m", "pytest", "-v", "--junit-xml", str(self.root / "junit.xml"), *words]
        flight = Flight(command, self, tmp, tmp / "out", name)
        self._flights.append(flight)
        return flight

    @property
    def cases(self) -> dict[str, str]:
        """What JUnit says of each test."""
        cases = ET.parse(self.root / "junit.xml").iter("testcase")  # noqa: S314 -- our own
        return {
            str(case.get("name")): next((one.tag for one in case if one.tag in ("failure", "error")), "passed")
            for case in cases
        }


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    made = Suite(tmp_path / "suite", frozen=FROZEN, crashed=CRASHED)
    yield made
    made.end()


def test_scenarios_are_flown_and_reported(suite: Suite) -> None:
    landed = suite.pytest("crashed", "scenarios/crashed.toml", "-k", "not latency and not goodput").land()
    assert landed.code == 0, landed.out
    assert set(suite.cases.values()) == {"passed"}
    assert {"rto", "orders_lost", "healed", "blast_radius"} <= suite.cases.keys()
    assert landed.folder is not None
    said = f"windtunnel: {landed.word['outcome']}  scenarios/crashed.toml  reports/runs/{landed.folder.name}/report.html"
    assert said in landed.out
    assert (landed.folder / "report.html").exists()


@pytest.mark.parametrize("number", thoroughly([signal.SIGTERM, signal.SIGINT], [signal.SIGTERM]))
def test_pytest_told_to_stop_heals_and_reports_what_it_flew(number: signal.Signals, suite: Suite) -> None:
    flight = suite.pytest("frozen", "scenarios/frozen.toml", "scenarios/crashed.toml")
    flight.at("held")
    assert flight.frozen
    flight.signal(number)
    landed = flight.land()
    assert landed.code == pytest.ExitCode.INTERRUPTED, landed.out
    assert (flight.alive(), flight.locked) == ([], False)
    assert list(suite.cases.values()) == ["error"]
    assert "the run was stopped before its end" in landed.out


def test_a_time_limit_that_raises_heals_first(suite: Suite) -> None:
    """pytest-timeout by its signal: the test fails for it, with nothing left."""
    words = "-k", "rto", "-o", "timeout=20", "-o", "timeout_method=signal"
    flight = suite.pytest("frozen", "scenarios/frozen.toml", *words)
    landed = flight.land()
    assert landed.code == pytest.ExitCode.TESTS_FAILED, landed.out
    assert "Timeout" in landed.out
    assert [one["by"] for one in flight.records("interrupted")]
    assert (flight.alive(), flight.locked) == ([], False)


@pytest.mark.parametrize("end", thoroughly(["thread", "kill"], ["thread"]))
def test_a_pytest_that_is_gone_leaves_the_healing_to_the_guardian(end: str, suite: Suite) -> None:
    """pytest-timeout's thread ends the process on the spot; so does SIGKILL."""
    words = ("-o", "timeout=20", "-o", "timeout_method=thread") if end == "thread" else ()
    flight = suite.pytest("frozen", "scenarios/frozen.toml", "-k", "rto", *words)
    flight.at("held")
    if end == "kill":
        flight.signal(signal.SIGKILL)
    flight.process.wait(60)
    assert ("Timeout" in flight.printed) == (end == "thread")
    awaited(lambda: not flight.frozen, 15, "thawed")
    awaited(lambda: not flight.alive() and not flight.locked, GONE_S, "nothing of it is left")
    assert [one["reason"] for one in flight.records("healing", GUARDIAN)] == ["guardian"]
    assert not flight.records("healing")


def test_several_workers_are_refused_and_nothing_is_flown(suite: Suite) -> None:
    landed = suite.pytest("frozen", "scenarios", "-n", "2").land()
    assert landed.code != 0
    assert "leave out -n" in landed.out
    assert landed.folder is None


SHOWN = next(body for _, body in blocks("docs/pytest.md", "python") if body.startswith("# docs/test_primary.py\n"))
WHOLE = (ROOT / "docs" / "suite" / "test_database.py").read_text(encoding="utf-8")


@pytest.mark.alone
@pytest.mark.parametrize(("text", "tests"), [(SHOWN, 1), (WHOLE, 2)], ids=["shown", "whole"])
def test_the_suites_of_the_documents_pass(text: str, tests: int, tmp_path: Path) -> None:
    """As they are shown, with the fake shop in the place of the reference shop."""
    suite = Suite(tmp_path / "suite")
    assert text.count("hold_s=50") == 1
    assert text.count("budget_s=40") == 1
    (suite.root / "test_database.py").write_text(text.replace("hold_s=50", "hold_s=10").replace("budget_s=40", "budget_s=4"))
    landed = suite.pytest("test_a_lost_primary", "test_database.py").land()
    suite.end()
    assert landed.code == 0, landed.out
    assert list(suite.cases.values()) == ["passed"] * tests
