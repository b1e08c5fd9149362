"""A fault that hits nothing proves nothing, and a mender that mends nothing is seen: the shop stays, and can be mended."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.model import noun
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Landed, Project, shrunk, without

pytestmark = pytest.mark.slow
INJECTORS = {"inject:kill": "db_primary_lost", "inject:crash": "db_process_crash", "inject:pause": "db_frozen"}
MENDERS = {"mend:start": ("db_primary_lost", 5), "mend:signal": ("db_frozen", 6)}  # how many instances then still run


@noun
class Mended:
    """A run that could not mend, what ran and stood still after it, and what ``heal`` then said and left."""

    flown: Landed
    ran: int
    frozen: int
    dry: Landed
    healed: Landed
    left: tuple[str, ...]


def once(like: str) -> str:
    """Give a scenario in short, for one run."""
    text = shrunk(like, orders_per_s=20, products_per_s=5)
    return without(text, "repeat") if like == "db_frozen" else text


def unbitten_by(project: Project, what: str, like: str) -> Landed:
    """Fly with an injector spoilt."""
    return project.run(what.replace(":", "_"), once(like), spoilt=(what,)).land()


def quarantined(project: Project, what: str, like: str) -> Mended:
    """Fly with a mender spoilt; look at what is left; then mend it as the run says."""
    flight = project.run(what.replace(":", "_"), once(like), spoilt=(what, "bound:HEAL_S=4"))
    flown = flight.land()
    alive = flight.alive()
    mend = next(line for line in flown.out.splitlines() if "To mend: " in line).rpartition("windtunnel ")[2].split()
    return Mended(
        flown=flown,
        ran=sum("fake_shop_process" in words for _, _, words in alive) // 2,  # a leader and its main process each
        frozen=sum(state in "Tt" for _, state, _ in alive),
        dry=project.told(mend[0], "--dry-run", *mend[1:]),
        healed=project.told(*mend),
        left=tuple(words for _, _, words in flight.alive()),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def flown(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[Landed | Mended]]:
    jobs: dict[str, Callable[[], Landed | Mended]] = {
        **{what: partial(unbitten_by, project, what, like) for what, like in INJECTORS.items()},
        **{what: partial(quarantined, project, what, like) for what, (like, _) in MENDERS.items()},
    }
    with ahead(request, project, jobs, at_once=3) as flights:
        yield flights


@pytest.mark.parametrize("row", INJECTORS)
def test_a_fault_that_did_not_bite_proves_nothing(row: str, flown: Ahead[Landed]) -> None:
    landed = flown[row]
    assert landed.code == 12, landed.out
    assert set(landed.outcomes.values()) == {"INCONCLUSIVE"}
    assert any("was not seen to bite" in doubt["because"] for doubt in landed.word["doubts"])


@pytest.mark.parametrize("row", MENDERS)
def test_what_could_not_be_mended_is_dirty_stays_and_can_be_mended(row: str, flown: Ahead[Mended]) -> None:
    """DIRTY, exit 13, the command to type printed; the shop is in quarantine until that command mends and removes it."""
    found = flown[row]
    assert found.flown.code == 13, found.flown.out
    assert found.flown.outcomes["healed"] == "DIRTY"
    assert found.ran == MENDERS[row][1], "the shop stays as it is"
    assert bool(found.frozen) == (row == "mend:signal")
    assert isinstance(found.flown.folder, Path)
    assert f"windtunnel heal {found.flown.folder.name}" in found.flown.out
    assert (found.dry.code, found.healed.code) == (0, 0), found.dry.out + found.healed.out
    assert "would play" in found.dry.out
    assert "mended and removed" in found.healed.out
    assert found.left == ()
