"""How well an engine is: the real client library asks an engine that is told what to answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.drivers import docker_client, docker_examine
from harness.drivers.docker_examine import examine
from harness.finding import Finding, Level
from tests.fake_engine import FakeEngine, nobody, serving

ASKED = ["engine", "cgroups", "bridge", "engine's disk"]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Let the client library speak to a fake engine."""
    with serving(tmp_path, monkeypatch) as fake:
        yield fake


def found() -> dict[str, Finding]:
    """Examine it; give each finding by what was looked at."""
    return {finding.what: finding for finding in examine()}


def test_a_good_engine_is_told_as_it_is(engine: FakeEngine) -> None:
    seen = found()
    assert list(seen) == ASKED
    assert seen["engine"].found == "Docker 99.1, API 1.44"
    assert seen["cgroups"].found == "version 2, driver systemd"
    assert seen["bridge"].found == "reachable: 127.0.0.1 is an address of this machine"
    assert "GiB free at " in seen["engine's disk"].found
    assert {one.level for one in (seen["engine"], seen["cgroups"], seen["bridge"])} == {Level.OK}


def test_with_a_bridge_on_another_machine_no_run_can_start(engine: FakeEngine) -> None:
    """Shops are asked whether they are ready, and witnesses look, at the containers' own addresses.

    203.0.113.0/24 is for documents: it is no address of any machine.
    """
    engine.bridge = "203.0.113.1"
    seen = found()["bridge"]
    assert seen.level is Level.IMPOSSIBLE
    assert seen.found.startswith("203.0.113.1 is not an address of this machine: no part of the shop, and no witness, could")
    assert "DOCKER_HOST" in seen.mend


def test_a_bridge_that_nobody_names_is_not_shown_as_well(engine: FakeEngine) -> None:
    engine.bridge = None
    seen = found()["bridge"]
    assert (seen.level, "could not be looked at" in seen.found) == (Level.WARNING, True)


def test_a_store_that_is_not_here_is_not_shown_as_well(engine: FakeEngine) -> None:
    engine.root = "/nowhere/at/all"
    seen = found()["engine's disk"]
    assert (seen.level, "could not be looked at" in seen.found) == (Level.WARNING, True)


@pytest.mark.parametrize(("least_gib", "level"), [(0.0, Level.WARNING), (1e9, Level.IMPOSSIBLE)])
def test_a_store_that_is_nearly_full_is_told(
    least_gib: float, level: Level, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_examine, "TIGHT_GIB", 1e9)
    monkeypatch.setattr(docker_examine, "LEAST_GIB", least_gib)
    seen = found()["engine's disk"]
    assert (seen.level, seen.mend.startswith("df -h ")) == (level, True)


def test_without_an_engine_no_run_can_start_and_the_rest_is_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody(tmp_path, monkeypatch):
        seen = found()
    assert list(seen) == ASKED
    assert (seen["engine"].level, seen["engine"].mend) == (Level.IMPOSSIBLE, "make prepare")
    for what in ASKED[1:]:
        assert (seen[what].level, seen[what].found) == (Level.WARNING, "could not be looked at: no engine answers")


def test_an_engine_that_falls_ill_is_none(engine: FakeEngine) -> None:
    docker_client.client()
    engine.ill = True
    seen = found()["engine"]
    assert seen.level is Level.IMPOSSIBLE
    assert "the engine is ill" in seen.found


def test_an_answer_that_lacks_what_was_asked_hides_nothing_else(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "info", {"CgroupVersion": "2"})
    seen = found()
    assert "could not be looked at: KeyError: 'CgroupDriver'" in seen["cgroups"].found
    assert "could not be looked at: KeyError: 'DockerRootDir'" in seen["engine's disk"].found
    assert seen["bridge"].level is Level.OK
