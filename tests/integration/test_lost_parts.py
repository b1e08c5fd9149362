"""A part of windtunnel itself is lost or hangs while the shop is broken: healed all the same, and never believed."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.clock import pause
from harness.model import noun
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Flight, Landed, Project, shrunk, until, without

pytestmark = pytest.mark.slow
QUICK = {"orders_per_s": 50.0, "products_per_s": 10.0}
FROZEN = without(shrunk("db_frozen", **QUICK), "repeat")
CRASHED = shrunk("db_process_crash")
STOPPED_S = 3.0
HANGS_S = 8 + 30 + 15  # the hold, what a heal may be overdue, and what it takes


@noun
class Lost:
    """A run that lost a part: how it ended, and seconds until nothing stood still and until nothing was left."""

    landed: Landed
    thawed_s: float | None
    gone_s: float | None


def gone(flight: Flight) -> bool:
    return not flight.alive() and not flight.locked


def ended(flight: Flight) -> Lost:
    """Wait for its end, and for the end of all that it left."""
    landed = flight.land()
    thawed_s = until(lambda: not flight.frozen, 15)
    return Lost(landed=landed, thawed_s=thawed_s, gone_s=until(lambda: gone(flight), 60))


def without_guardian(project: Project) -> Lost:
    """Kill the guardian in a held fault."""
    flight = project.run("guardian", FROZEN)
    flight.at("held")
    os.kill(flight.guardian, signal.SIGKILL)
    return ended(flight)


def without_load(project: Project) -> Lost:
    """Kill the load child in a held fault."""
    flight = project.run("load", FROZEN)
    flight.at("held")
    os.kill(flight.pid_of("load.pid"), signal.SIGKILL)
    return ended(flight)


def hanging(project: Project) -> Lost:
    """Stop the harness itself in a held fault: past the deadline its guardian ends it, and heals."""
    flight = project.run("hanging", FROZEN)
    flight.at("held")
    flight.signal(signal.SIGSTOP)
    until(lambda: flight.process.poll() is not None, HANGS_S)
    return ended(flight)


def stopped_load(project: Project, options: tuple[str, ...] = ()) -> Lost:
    """Stop the load for a while after the fault: shoppers then come late, which is not the shop's fault."""
    flight = project.run(f"stopped_{len(options)}", CRASHED, *options)
    flight.at("recovery")
    load = flight.pid_of("load.pid")
    os.kill(load, signal.SIGSTOP)
    pause(STOPPED_S)
    os.kill(load, signal.SIGCONT)
    return ended(flight)


JOBS: dict[str, Callable[[Project], Lost]] = {
    "harness hangs": hanging,
    "guardian": without_guardian,
    "load": without_load,
    "load stopped": stopped_load,
    "load stopped, bad shop": partial(stopped_load, options=("--defect", "ack_before_commit")),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def flights(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[Lost]]:
    with ahead(request, project, {name: partial(job, project) for name, job in JOBS.items()}, at_once=2) as found:
        yield found


@pytest.mark.parametrize(("row", "because"), [("guardian", "the guardian died"), ("load", "the load child ended early")])
def test_a_run_that_lost_a_part_ends_healed_and_is_not_believed(row: str, because: str, flights: Ahead[Lost]) -> None:
    found = flights[row]
    assert found.landed.code == 12, found.landed.out
    assert because in found.landed.out
    assert found.landed.word["outcome"] == "INCONCLUSIVE"
    assert found.thawed_s is not None
    assert found.gone_s is not None


@pytest.mark.parametrize("row", ["harness hangs"])
def test_a_harness_that_hangs_is_ended_and_what_it_broke_is_mended(row: str, flights: Ahead[Lost], project: Project) -> None:
    found = flights[row]
    assert found.landed.code == -signal.SIGKILL, found.landed.out
    assert found.thawed_s is not None
    assert found.gone_s is not None
    assert found.landed.folder is not None
    judged = project.told("judge", found.landed.folder.name, of="hanging")
    assert judged.code in (1, 12), judged.out


@pytest.mark.parametrize("row", ["load stopped"])
def test_a_load_that_stood_still_cannot_blame_the_shop_for_time(row: str, flights: Ahead[Lost]) -> None:
    """What was late by the generator's fault is INCONCLUSIVE where it would be FAIL; lost orders are judged as ever."""
    landed = flights[row].landed
    assert landed.code == 12, landed.out
    assert landed.outcomes["rto"] == "INCONCLUSIVE"
    assert "FAIL voided" in landed.because("rto")
    assert "the generator was late" in landed.because("rto")
    assert landed.outcomes["orders_lost"] == "PASS"
    assert "FAIL" not in landed.outcomes.values()


@pytest.mark.parametrize("row", ["load stopped, bad shop"])
def test_a_load_that_stood_still_does_not_excuse_lost_orders(row: str, flights: Ahead[Lost]) -> None:
    landed = flights[row].landed
    assert (landed.code, landed.outcomes["orders_lost"]) == (1, "FAIL"), landed.out
    assert landed.outcomes["rto"] == "INCONCLUSIVE"
