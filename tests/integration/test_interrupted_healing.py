"""Two troubles in a row: somebody presses Ctrl-C while a run that has lost its guardian is healing."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.integration.flights import Project, awaited, shrunk, without

pytestmark = pytest.mark.slow
FROZEN = without(shrunk("db_frozen", orders_per_s=50, products_per_s=10), "repeat")


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("shop") / "project")
    yield made
    made.end()


def test_ctrl_c_does_not_tear_a_healing_that_nobody_else_would_do(project: Project) -> None:
    """The mender does nothing, so the healing takes its time; it ends DIRTY, with the command that mends, and that mends."""
    flight = project.run("twice", FROZEN, spoilt=("mend:signal", "bound:HEAL_S=4"))
    flight.at("held")
    os.kill(flight.guardian, signal.SIGKILL)
    flight.at("interrupted")
    flight.signal(signal.SIGINT)
    flight.signal(signal.SIGINT)
    landed = flight.land()
    assert landed.code == 13, landed.out
    assert landed.word["outcome"] == "DIRTY"
    assert f"windtunnel heal {flight.run}" in landed.out
    assert project.told("heal", flight.run).code == 0
    awaited(lambda: not flight.alive(), 15, "nothing of the run is left")
