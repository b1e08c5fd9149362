"""``kill -9`` of the harness at every step of its journal, and of harness and guardian: all is mended, nothing is left.

One run lives beside all of them, in the same project, and must not notice. Rates are low and times short: what is judged
here is what is left on the machine, and that such a run never passes.
"""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.model import noun
from harness.store import SITE
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Flight, Landed, Project, awaited, shrunk, until, without
from tests.integration.thoroughly import thoroughly

pytestmark = pytest.mark.slow
QUICK = {"orders_per_s": 20.0, "products_per_s": 5.0, "warm_up_s": 1.0, "baseline_s": 6.0, "hold_s": 6.0}


def quick(name: str) -> str:
    """Give a scenario as short as it can be: without the objective that wants 10 s of orders before the fault."""
    return without(shrunk(name, **QUICK), "orders_lost").replace("budget_s = 2.5", "budget_s = 0.5")


FROZEN, LOST = without(quick("db_frozen"), "repeat"), quick("db_primary_lost")
POINTS = (
    *("run", "shop_up", "entry", "load_started", "warm_up", "load_tick", "sample", "baseline", "steps", "located"),
    *("intended", "act", "acted", "biting", "bitten", "held", "healing", "mended", "closed", "recovery"),
    *("settle", "load_stopped", "audit", "fingerprint", "audited", "shop_down", "sealed"),
)
# Where it has done, or is about to do, what somebody must mend; the points between them are for `make conformance`.
ALWAYS = (
    *("shop_up", "warm_up", "steps", "intended", "act", "acted", "held", "healing", "mended", "recovery", "audit"),
    *("shop_down", "kill act", "starting"),
)
INSTANCES = 5
THAWED_S, GONE_S = 15.0, 60.0


@noun
class Left:
    """What a killed run left: seconds until the shop was whole (or gone), until nothing was left (None: too late)."""

    code: int
    whole_s: float | None
    gone_s: float | None
    judged: Landed


def whole(flight: Flight) -> bool:
    """Whether nothing stands still, and every instance runs, or none is there any more."""
    alive = flight.alive()
    leaders_and_mains = sum("fake_shop_process" in words for _, _, words in alive)
    return leaders_and_mains in (0, 2 * INSTANCES) and not any(state in "Tt" for _, state, _ in alive)


def gone(flight: Flight) -> bool:
    return not flight.alive() and not flight.locked


def left_by(project: Project, flight: Flight) -> Left:
    """Wait for the harness's death, then watch its guardian at work, then judge what was stored."""
    code = flight.land().code
    whole_s = until(lambda: whole(flight), THAWED_S)
    return Left(code=code, whole_s=whole_s, gone_s=until(lambda: gone(flight), GONE_S), judged=project.judged(flight))


def killed_at(project: Project, point: str, text: str = FROZEN) -> Left:
    """Let the harness kill itself at a point."""
    return left_by(project, project.run(f"at_{point}_{len(text)}", text, spoilt=(f"die:{point}",)))


def killed_while_starting(project: Project) -> Left:
    """Kill the harness when a part of the shop runs, and nothing is yet written down about it."""
    flight = project.run("starting", FROZEN)
    awaited(lambda: bool(flight.folder and list(flight.folder.glob("pids/*.pid"))), 30, "a first instance")
    flight.signal(signal.SIGKILL)
    return left_by(project, flight)


ROWS: dict[str, Callable[[Project], Left]] = {
    **{point: partial(killed_at, point=point) for point in POINTS},
    "kill act": partial(killed_at, point="act", text=LOST),
    "kill held": partial(killed_at, point="held", text=LOST),
    "starting": killed_while_starting,
}


@noun
class Orphaned:
    """A run whose harness and guardian were both killed, and what ``status`` and ``heal`` then said and left."""

    frozen: int
    status: Landed
    healed: Landed
    again: Landed
    judged: Landed
    left: tuple[str, ...]


def orphaned(project: Project, text: str, *, log: bool = True) -> Orphaned:
    """Kill both in a held fault, then mend from the shell, also without the undo log."""
    flight = project.run(f"orphan_{len(text)}_{log:d}", text)
    flight.at("held")
    return healed_by_hand(project, flight, log=log)


def orphaned_while_starting(project: Project) -> Orphaned:
    """Kill both when a part of the shop runs, and nothing is yet written down about it; then mend from the shell."""
    flight = project.run("orphan_starting", FROZEN)
    awaited(lambda: bool(flight.folder and list(flight.folder.glob("pids/*.pid"))), 30, "a first instance")
    found = healed_by_hand(project, flight)
    assert flight.folder is not None
    assert not (flight.folder / SITE).exists(), "the shop was there already, and written down"
    return found


def healed_by_hand(project: Project, flight: Flight, *, log: bool = True) -> Orphaned:
    """Kill both, and mend from the shell."""
    guardian = flight.guardian
    os.kill(guardian, signal.SIGSTOP)  # else one of the two would heal in the instant between the kills
    flight.signal(signal.SIGKILL)
    os.kill(guardian, signal.SIGKILL)
    flight.land()
    frozen = len(flight.frozen)
    folder = flight.folder
    assert folder is not None
    if not log:
        (folder / "undo.jsonl").unlink()
    status = project.told("status")
    healed, again = project.told("heal", flight.run), project.told("heal", flight.run)
    left = tuple(words for _, _, words in flight.alive())
    return Orphaned(frozen=frozen, status=status, healed=healed, again=again, judged=project.judged(flight), left=left)


ORPHANS: dict[str, Callable[[Project], Orphaned]] = {
    "frozen": partial(orphaned, text=FROZEN),
    "lost": partial(orphaned, text=LOST),
    "without its undo log": partial(orphaned, text=FROZEN, log=False),
    "starting": orphaned_while_starting,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def beside(project: Project) -> tuple[Flight, list[int]]:
    """Start a run that lives beside all others; give it with the pids it began with."""
    flight = project.run("beside", shrunk("calm", orders_per_s=10, products_per_s=2, baseline_s=600))
    flight.at("baseline")
    return flight, sorted(pid for pid, _, _ in flight.alive())


@pytest.fixture(scope="module")
def left(request: pytest.FixtureRequest, project: Project, beside: tuple[Flight, list[int]]) -> Iterator[Ahead[Left]]:
    with ahead(request, project, {name: partial(job, project) for name, job in ROWS.items()}, at_once=4) as found:
        yield found


@pytest.fixture(scope="module")
def orphans(request: pytest.FixtureRequest, project: Project, left: Ahead[Left]) -> Iterator[Ahead[Orphaned]]:
    with ahead(request, project, {name: partial(job, project) for name, job in ORPHANS.items()}, at_once=4) as found:
        yield found


@pytest.mark.parametrize("row", thoroughly(ROWS, ALWAYS))
def test_a_killed_harness_leaves_nothing_broken_and_nothing_behind(row: str, left: Ahead[Left]) -> None:
    found = left[row]
    assert found.code == -signal.SIGKILL
    assert found.whole_s is not None, f"something is paused or stopped {THAWED_S:g} s after the kill"
    assert found.gone_s is not None, f"something is left {GONE_S:g} s after the kill"
    assert found.judged.code in (1, 12), found.judged.out
    assert found.judged.word["outcome"] != "PASS"
    assert "Traceback" not in found.judged.out


@pytest.mark.parametrize("row", ORPHANS)
def test_without_harness_and_guardian_heal_mends_and_removes(row: str, orphans: Ahead[Orphaned]) -> None:
    found = orphans[row]
    assert bool(found.frozen) == (row not in ("lost", "starting"))
    assert "is dead" in found.status.out, f"{found.status.out}\n{found.healed.out}\n{found.left}"
    assert (found.healed.code, found.again.code, found.left) == (0, 0, ()), found.healed.out
    assert "mended and removed" in found.healed.out
    assert found.judged.code in (1, 12), found.judged.out


def test_a_run_that_lives_beside_them_is_not_touched(
    project: Project, beside: tuple[Flight, list[int]], left: Ahead[Left], orphans: Ahead[Orphaned]
) -> None:
    """Neither the guardians nor ``heal`` touch it; ``stop`` then ends it, healed, with its evidence."""
    flight, pids = beside
    healed = project.told("heal")
    assert f"{flight.run}: lives, not touched" in healed.out
    assert sorted(pid for pid, _, _ in flight.alive()) == pids
    assert flight.locked
    assert not flight.records("interrupted")
    assert project.told("stop", flight.run).code == 0
    landed = flight.land()
    assert (landed.code, flight.alive()) == (11, []), landed.out
