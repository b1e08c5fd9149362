"""What a run leaves to read: judged again it says the same, byte for byte, and none of it holds a secret of the shop."""

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from harness.model import noun
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Flight, Landed, Project, awaited, shrunk

pytestmark = pytest.mark.slow
CRASHED = shrunk("db_process_crash", orders_per_s=20, products_per_s=5)


@noun
class Told:
    """A run with the shop's secret, and everything there is to read of it: path → content."""

    token: bytes
    landed: Landed
    files: dict[str, bytes]


def token_of(flight: Flight) -> bytes:
    """Read the shop's secret from the environment of one of its processes."""
    shop = next(pid for pid, _, words in flight.alive() if "fake_shop_process" in words)
    lines = Path(f"/proc/{shop}/environ").read_bytes().split(b"\0")
    return next(line.partition(b"=")[2] for line in lines if line.startswith(b"FAKE_SHOP_TOKEN="))


def told(project: Project, *, kill: bool) -> Told:
    """Fly, to the end or killed on the way."""
    flight = project.run(f"killed_{kill:d}", CRASHED)
    flight.at("baseline")
    token = token_of(flight)
    if kill:
        flight.signal(signal.SIGKILL)
    landed = flight.land()
    awaited(lambda: not flight.alive(), 60, "the guardian's work done")
    if kill:
        project.judged(flight)
    assert landed.folder is not None
    files = {str(path): path.read_bytes() for path in landed.folder.rglob("*") if path.is_file()}
    return Told(token=token, landed=landed, files=files | {"printed": landed.out.encode()})


JOBS: dict[str, Callable[[Project], Told]] = {"ended": partial(told, kill=False), "killed": partial(told, kill=True)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def flights(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[Told]]:
    with ahead(request, project, {name: partial(job, project) for name, job in JOBS.items()}, at_once=2) as found:
        yield found


@pytest.mark.parametrize("row", JOBS)
def test_nothing_that_a_run_leaves_holds_a_secret(row: str, flights: Ahead[Told]) -> None:
    """Every part of the shop prints its token: the logs have the line, without it."""
    found = flights[row]
    assert len(found.token) == 32
    assert [path for path, content in found.files.items() if found.token in content] == []
    logs = [content for path, content in found.files.items() if path.endswith(".log")]
    assert len(logs) == 6
    assert all(b"my token is ***" in log for log in logs)


@pytest.mark.parametrize("row", ["ended"])
def test_a_run_judged_again_says_the_same_byte_for_byte(row: str, flights: Ahead[Told], project: Project) -> None:
    """By its id, by its path, and in another place; ``report`` writes the same verdicts too."""
    landed = flights[row].landed
    assert landed.folder is not None
    first = (landed.folder / "verdicts.json").read_bytes()
    moved = project.root / "elsewhere" / "renamed"
    moved.parent.mkdir()
    for command, run, code in (
        ("judge", landed.folder.name, landed.code),
        ("judge", str(landed.folder), landed.code),
        ("report", landed.folder.name, 0),
    ):
        again = project.told(command, run)
        assert again.code == code, again.out
        assert (landed.folder / "verdicts.json").read_bytes() == first
    landed.folder.rename(moved)
    assert project.told("judge", str(moved)).code == landed.code
    assert (moved / "verdicts.json").read_bytes() == first
