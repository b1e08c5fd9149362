"""SIGINT, SIGTERM and ``stop`` at any time: healed, the right exit code, the evidence kept, nothing left on the machine."""

import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.clock import pause
from harness.model import noun
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Flight, Landed, Project, shrunk, until, without
from tests.integration.thoroughly import thoroughly

pytestmark = pytest.mark.slow
FROZEN = without(shrunk("db_frozen", orders_per_s=20, products_per_s=5), "repeat")
CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "stop": 11}
MOMENTS = {
    "SIGINT": ("shop_up", "baseline", "biting", "held", "recovery"),
    "SIGTERM": ("warm_up", "held", "settle"),
    "SIGHUP": ("held",),
    "stop": ("baseline", "held"),  # a command that must start first comes too late for what is over in a second
}
ROWS = [f"{by} {point}" for by, points in MOMENTS.items() for point in points]
ALWAYS = ("SIGINT shop_up", "SIGINT biting", "SIGINT held", "SIGTERM held", "SIGTERM settle", "SIGHUP held", "stop held")
GONE_S = 10.0


@noun
class Stopped:
    """A run that was stopped: how it ended, what stood still then, seconds until nothing of it was left."""

    landed: Landed
    frozen: int
    gone_s: float | None
    kinds: tuple[str, ...]


def gone(flight: Flight) -> bool:
    return not flight.alive() and not flight.locked


def stopped(project: Project, row: str) -> Stopped:
    """Stop a run at a moment."""
    by, point = row.split()
    flight = project.run(f"{by}_{point}".lower(), FROZEN)
    flight.at(point)
    if by == "stop":
        assert project.told("stop", flight.run).code == 0
    else:
        flight.signal(signal.Signals[by])
    landed = flight.land(60)
    kinds = tuple(record["kind"] for record in flight.records())
    return Stopped(landed=landed, frozen=len(flight.frozen), gone_s=until(lambda: gone(flight), GONE_S), kinds=kinds)


def impatient(project: Project) -> Stopped:
    """Stop a run as CI does: INT, TERM, KILL within 10 s; here the second already ends the harness."""
    flight = project.run("impatient", FROZEN)
    flight.at("held")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        flight.signal(number)
        pause(0.05)
    landed = flight.land(10)
    kinds = tuple(record["kind"] for record in flight.records())
    return Stopped(landed=landed, frozen=0, gone_s=until(lambda: gone(flight), 60), kinds=kinds)


def late(project: Project) -> Stopped:
    """Press Ctrl-C when the first of two runs is over but for its clearing away."""
    files = project.scenario("late", FROZEN), project.scenario("never", FROZEN)
    flight = project.start("run", *files, name="late")
    flight.at("audit")
    flight.signal(signal.SIGINT)
    landed = flight.land(60)
    kinds = tuple(record["kind"] for record in flight.records())
    return Stopped(landed=landed, frozen=len(flight.frozen), gone_s=until(lambda: gone(flight), GONE_S), kinds=kinds)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def flights(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[Stopped]]:
    jobs: dict[str, Callable[[], Stopped]] = {row: partial(stopped, project, row) for row in ROWS}
    jobs |= {"INT TERM KILL": partial(impatient, project), "late": partial(late, project)}
    with ahead(request, project, jobs, at_once=4) as found:
        yield found


@pytest.mark.parametrize("row", thoroughly(ROWS, ALWAYS))
def test_a_stopped_run_heals_keeps_its_evidence_and_says_who_stopped_it(row: str, flights: Ahead[Stopped]) -> None:
    found, by = flights[row], row.split(maxsplit=1)[0]
    assert found.landed.code == CODES[by], found.landed.out
    assert (found.frozen, found.gone_s is not None) == (0, True)
    assert f"interrupted by {by}" in found.landed.out
    assert found.landed.word["outcome"] in ("INCONCLUSIVE", "FAIL")
    assert found.kinds.count("interrupted") == 1
    assert found.kinds[-1] == "sealed", "the evidence is whole as far as it goes"
    assert found.landed.folder is not None
    kept = {path.name for path in found.landed.folder.iterdir()}
    assert kept >= {"journal.jsonl", "scenario.toml", "report.html", "report.json", "junit.xml"}
    assert ("orders.jsonl" in kept) == ("load_started" in found.kinds)


@pytest.mark.parametrize("row", ["INT TERM KILL"])
def test_an_impatient_ci_leaves_the_healing_to_the_guardian(row: str, flights: Ahead[Stopped], project: Project) -> None:
    found = flights[row]
    assert found.landed.code in (143, -signal.SIGKILL), found.landed.out
    assert found.gone_s is not None, "something is left 60 s later"
    assert found.landed.folder is not None
    judged = project.told("judge", found.landed.folder.name, of="impatient")
    assert judged.code in (1, 12), judged.out


@pytest.mark.parametrize("row", ["late"])
def test_a_signal_that_comes_too_late_for_one_run_still_ends_the_series(
    row: str, flights: Ahead[Stopped], project: Project
) -> None:
    found = flights[row]
    assert found.landed.code == 130, found.landed.out
    assert (found.frozen, found.gone_s is not None, found.kinds[-1]) == (0, True, "sealed")
    assert not list((project.root / "reports" / "runs").glob("*-never-*")), "the second run was started"
