"""The reference shop without a scenario, in its containers: put up, ordered from, broken by hand, taken down.

What it is like at each moment, and what was done to it, is the engine's own word, asked by its own command.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.mark import SECRETS
from tests.acceptance.engine import WELL, Ear, containers, in_this_order, things
from tests.integration.flights import Flight, Project, awaited, until

pytestmark = pytest.mark.docker
UP_S = 180.0
THAWED = ("pause", "unpause")  # in the engine's words


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project", shop="sut.shop:ReferenceShop")
    yield made
    made.told("down")
    made.end()


def off(run: str) -> list[str]:
    """Name the containers of a run that are not running."""
    return [name for name, state in containers(run).items() if state != WELL]


def broken(project: Project, *words: str, spoilt: tuple[str, ...] = ()) -> Flight:
    """Break by hand, and wait until it bites."""
    flight = project.start("break", *words, spoilt=spoilt)
    awaited(lambda: "seen to bite" in flight.printed or flight.process.poll() is not None, 60, "a bite")
    assert "seen to bite" in flight.printed, flight.printed
    return flight


def test_a_standing_shop_is_ordered_from_broken_healed_and_removed(project: Project, ear: Ear) -> None:
    shop = project.start("up", "lb", name="up")
    landed = shop.land(UP_S)
    assert landed.code == 0, landed.out
    assert landed.folder is not None
    run = landed.folder.name
    assert f"{run}  stands; 0 open undo(s)" in project.told("status").out
    assert off(run) == []

    by_hand = next(line for line in landed.out.splitlines() if "curl" in line).partition("curl")
    answer = subprocess.run(["sh", "-c", f"curl -s {by_hand[2]}"], capture_output=True, text=True, check=True, timeout=20)
    assert "201" in answer.stdout.splitlines()[0], answer.stdout

    load = project.start("load", "--orders-per-s", "20", "--for", "20s")
    frozen = broken(project, "pause", "storefront#1", "--for", "5s")
    assert [name.endswith("storefront-1") for name in off(run)] == [True]
    landed = frozen.land(60)
    assert (landed.code, off(run)) == (0, []), landed.out
    landed = load.land(60)
    assert (landed.code, "acknowledged" in landed.out) == (0, True), landed.out

    assert in_this_order(ear.of(run, "storefront-1"), THAWED)

    lost = broken(project, "pause", "orders_db:primary", "--for", "60s", spoilt=("die:held",))
    assert lost.land(60).code == -signal.SIGKILL
    assert until(lambda: not off(run), 15) is not None, off(run)
    assert until(lambda: not lost.alive(), 30) is not None, "its guardian has gone home"
    assert in_this_order(ear.of(run, "orders_db-1"), THAWED)

    secrets = json.loads((shop.folder / SECRETS).read_text()) if shop.folder else []
    assert project.told("down").code == 0
    assert (things(run), shop.alive()) == ([], [])
    kept = [path for path in (project.root / "reports").rglob("*") if path.is_file()]
    assert not [path for path in kept for secret in secrets if secret in path.read_text(errors="replace")]
    assert len(secrets) == 5
