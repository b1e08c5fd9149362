"""A machine that is not as one would wish: a full disk, another run that measures, a reader that hangs up."""

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harness.model import noun
from tests.integration.ahead import Ahead, ahead
from tests.integration.flights import Flight, Landed, Project, awaited, shrunk, until, without

pytestmark = pytest.mark.slow
FROZEN = without(shrunk("db_frozen", orders_per_s=20, products_per_s=5), "repeat")
TINY = "size=4k,mode=700"


@noun
class Full:
    """A run on a full disk: how it ended, its records, and seconds until nothing of it was left."""

    landed: Landed
    kinds: frozenset[str]
    gone_s: float | None


def ended(flight: Flight) -> Full:
    landed = flight.land()
    kinds = frozenset(record["kind"] for record in flight.records())
    return Full(landed=landed, kinds=kinds, gone_s=until(lambda: not flight.alive() and not flight.locked, 15))


def full_undo_log(project: Project) -> Full:
    """Let the undo log, and nothing else, lie on a disk that is full: a tiny file system with one big file."""
    disk = project.root / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", TINY, "none", str(disk)], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            (disk / "ballast").write_bytes(bytes(100_000))
        flight = project.run("full_undo_log", FROZEN)
        awaited(lambda: flight.folder is not None, 30, "the run folder")
        assert flight.folder is not None
        (flight.folder / "undo.jsonl").symlink_to(disk / "undo.jsonl")
        return ended(flight)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def full_journal(project: Project) -> Full:
    """Let the harness write no file that is longer than its journal is in the held fault."""
    flight = project.run("full_journal", FROZEN)
    flight.at("held")
    assert flight.folder is not None
    size = (flight.folder / "journal.jsonl").stat().st_size
    resource.prlimit(flight.process.pid, resource.RLIMIT_FSIZE, (size, size))
    return ended(flight)


def unheard(project: Project) -> Full:
    """Let the reader of what the run prints hang up after one line."""
    reader = ("bash", "-o", "pipefail", "-c", '"$@" | head -n 1', "_")
    return ended(project.start("run", project.scenario("unheard", FROZEN), name="unheard", by=reader))


def beside(project: Project) -> tuple[Landed, Landed, Landed, Landed]:
    """Start a second measuring run: as it is, waiting and given up, and waiting until the first is stopped."""
    first = project.run("first", FROZEN)
    first.at("shop_up")
    refused = project.start("run", project.scenario("second", FROZEN), name="second", beside=first).land(30)
    bored, patient = (
        project.start("run", project.scenario(name, FROZEN), "--wait", name=name, beside=first)
        for name in ("bored", "patient")
    )
    assert until(lambda: patient.process.poll() is not None or patient.folder is not None, 3) is None, patient.printed
    bored.signal(signal.SIGINT)
    given_up = bored.land(10)
    first.signal(signal.SIGINT)
    stopped = first.land(30)
    patient.at("shop_up")
    patient.signal(signal.SIGINT)
    return refused, given_up, stopped, patient.land(30)


JOBS: dict[str, Callable[[Project], object]] = {
    "full journal": full_journal,
    "full undo log": full_undo_log,
    "unheard": unheard,
    "second run": beside,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture(scope="module")
def flights(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[object]]:
    with ahead(request, project, {name: partial(job, project) for name, job in JOBS.items()}, at_once=3) as found:
        yield found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the tiny file system that is full")
@pytest.mark.parametrize("row", ["full undo log"])
def test_without_an_undo_log_nothing_is_broken(row: str, flights: Ahead[Full]) -> None:
    found = flights[row]
    assert found.landed.code == 10, found.landed.out
    assert "the undo log cannot be written" in found.landed.out
    assert "No space left" in found.landed.out
    assert "windtunnel heal" in found.landed.out
    assert "Traceback" not in found.landed.out
    assert not found.kinds & {"intended", "acted", "mended"}, "something was broken without an undo on disk"
    assert found.gone_s is not None


@pytest.mark.parametrize("row", ["full journal"])
def test_a_journal_that_cannot_be_written_ends_the_run_healed(row: str, flights: Ahead[Full], project: Project) -> None:
    found = flights[row]
    assert found.landed.code == 10, found.landed.out
    assert "cannot be written" in found.landed.out
    assert "free some space" in found.landed.out
    assert "Traceback" not in found.landed.out
    assert found.gone_s is not None, "the shop is still there"
    assert "sealed" not in found.kinds
    assert found.landed.folder is not None
    assert project.told("judge", found.landed.folder.name).code in (1, 12)


@pytest.mark.parametrize("row", ["unheard"])
def test_a_reader_that_hangs_up_does_not_end_the_run(row: str, flights: Ahead[Full]) -> None:
    found = flights[row]
    assert "sealed" in found.kinds
    assert "interrupted" not in found.kinds
    assert found.landed.code in (0, 12), found.landed.out  # INCONCLUSIVE where others use the machine
    assert found.gone_s is not None


@pytest.mark.parametrize("row", ["second run"])
def test_a_second_measuring_run_is_refused_or_waits(row: str, flights: Ahead[tuple[Landed, ...]]) -> None:
    refused, given_up, stopped, patient = flights[row]
    assert refused.code == 10, refused.out
    assert "another run is measuring" in refused.out
    assert "--wait" in refused.out
    assert refused.folder is None, "a refused run leaves nothing"
    assert (given_up.code, given_up.folder) == (130, None), given_up.out
    assert "Traceback" not in given_up.out
    assert (stopped.code, patient.code) == (130, 130)
    assert patient.folder is not None
