"""A shop without a scenario, put up, broken by hand, sent orders and taken down, on the fake shop of plain processes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.mark import SECRETS, STANDING
from tests.integration.flights import Flight, Landed, Project, awaited, shrunk, until
from tests.integration.thoroughly import thoroughly

pytestmark = pytest.mark.slow
INSTANCES = 5
THAWED_S, GONE_S = 15.0, 60.0
STOPS = [("SIGINT", 130), ("SIGTERM", 143), ("stop", 11)]
KILLS = [(signal.SIGKILL, -9), (signal.SIGINT, 130)]
PAUSE = ("break", "pause", "orders_db:primary", "--for")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project")
    made.environment["DOCKER_HOST"] = f"unix://{tmp_path}/no.sock"  # `heal` names no run: it must find only ours
    yield made
    made.told("down")  # an end that is not waited for would take a quarter of a minute
    made.end()


@pytest.fixture
def shop(project: Project) -> Flight:
    """Put the shop up: what shoppers need, and nobody who watches it."""
    flight = project.start("up", "lb", name="up")
    landed = flight.land(60)
    assert landed.code == 0, landed.out
    return flight


def folder(flight: Flight) -> Path:
    assert flight.folder is not None, flight.printed
    return flight.folder


def running(flight: Flight) -> int:
    """Count the instances that run: a leader and its main process each."""
    return sum("fake_shop_process" in words for _, _, words in flight.alive()) // 2


def said(flight: Flight, words: str, limit_s: float = 40) -> None:
    awaited(lambda: words in flight.printed or flight.process.poll() is not None, limit_s, f"{words!r} of {flight.printed}")
    assert words in flight.printed, flight.printed


def assert_stands(project: Project, shop: Flight) -> None:
    """The shop is whole, nothing of it is open or locked, and it is known to stand."""
    assert (running(shop), shop.frozen) == (INSTANCES, [])
    status = project.told("status").out
    assert f"{shop.run}  stands; 0 open undo(s); {INSTANCES} thing(s)" in status
    assert f"next: windtunnel down {shop.run}" in status
    assert not shop.locked


def assert_gone(shop: Flight) -> None:
    assert until(lambda: not shop.alive() and not shop.locked, GONE_S) is not None, shop.alive()
    assert not (folder(shop) / STANDING).exists()
    assert not (folder(shop) / SECRETS).exists()


def killed(flight: Flight) -> Landed:
    """Kill a command, and wait for its guardian to have done its work."""
    flight.signal(signal.SIGKILL)
    return flight.land()


def test_a_shop_stands_after_its_command_and_tells_how_to_use_it(project: Project, shop: Flight) -> None:
    assert_stands(project, shop)
    assert "fake shop stands" in shop.printed
    assert "orders_db-2    127." in shop.printed
    url = json.loads((folder(shop) / STANDING).read_text())["url"]
    assert f"shoppers enter {url}" in shop.printed
    assert f"curl -i {url}/orders " in shop.printed
    assert f"windtunnel down {shop.run}" in shop.printed
    healed = project.told("heal")
    assert (healed.code, f"{shop.run}: stands, not touched" in healed.out) == (0, True)
    assert_stands(project, shop)


def test_only_the_named_parts_and_what_they_need_are_put_up(project: Project) -> None:
    flight = project.start("up", "storefront", name="up")
    assert flight.land(60).code == 0, flight.printed
    assert running(flight) == INSTANCES - 1
    assert "shoppers enter" not in flight.printed
    refused = project.told("load", "--orders-per-s", "10", "--for", "2")
    assert (refused.code, "lb, where shoppers enter, does not run" in refused.out) == (2, True)


def test_taking_it_down_leaves_nothing(project: Project, shop: Flight) -> None:
    landed = project.told("down")
    assert (landed.code, landed.out) == (0, f"{shop.run}: removed\n")
    assert_gone(shop)
    again = project.told("down")
    assert (again.code, "no shop stands; `windtunnel up` puts one up" in again.out) == (2, True)
    assert "nothing runs, nothing is left" in project.told("status").out


def test_it_is_put_up_beside_a_run(project: Project) -> None:
    """It needs no machine-wide lock, and the run does not notice."""
    run = project.run("beside", shrunk("calm", orders_per_s=10, products_per_s=2, baseline_s=600))
    run.at("baseline")
    shop = project.start("up", name="up", beside=run)
    assert shop.land(60).code == 0, shop.printed
    project.told("down")
    assert (run.process.poll(), run.locked) == (None, True)
    assert project.told("stop", run.run).code == 0
    assert run.land().code == 11


@pytest.mark.parametrize("number", thoroughly([signal.SIGKILL, signal.SIGINT], [signal.SIGKILL]))
def test_a_shop_that_is_stopped_half_way_up_is_removed(number: signal.Signals, project: Project) -> None:
    flight = project.start("up", name="up")
    awaited(lambda: bool(flight.folder and list(flight.folder.glob("pids/*.pid"))), 30, "a first instance")
    flight.signal(number)
    assert flight.land().code in (-signal.SIGKILL, 130), flight.printed
    assert_gone(flight)


def test_a_breakage_is_seen_to_bite_and_to_heal(project: Project, shop: Flight) -> None:
    landed = project.told(*PAUSE, "2s")
    assert landed.code == 0, landed.out
    words = ("orders_db:primary is orders_db-1", "as typed: kill -STOP", "seen to bite", "healing (planned)", "seen healed")
    places = [landed.out.find(word) for word in words]
    assert -1 not in places, landed.out
    assert places == sorted(places)
    assert all(" UTC  T+" in line for line in landed.out.splitlines()[1:]), landed.out
    assert_stands(project, shop)
    kinds = [json.loads(line)["kind"] for line in next(folder(shop).glob("breaks/*/journal.jsonl")).read_text().splitlines()]
    assert (kinds[0], kinds[-1]) == ("run", "sealed")


def test_an_impulse_is_seen_and_got_over(project: Project, shop: Flight) -> None:
    landed = project.told("break", "crash", "storefront#1")
    assert landed.code == 0, landed.out
    assert_stands(project, shop)


@pytest.mark.parametrize("point", thoroughly(["intended", "act", "held"], ["intended", "held"]))
def test_a_killed_breakage_is_healed_and_the_shop_stands(point: str, project: Project, shop: Flight) -> None:
    flight = project.start(*PAUSE, "60s", spoilt=(f"die:{point}",))
    assert flight.land().code == -signal.SIGKILL, flight.printed
    assert until(lambda: not shop.frozen, THAWED_S) is not None
    assert until(lambda: not flight.alive(), THAWED_S) is not None, "its guardian has gone home"
    assert_stands(project, shop)


@pytest.mark.parametrize(("by", "code"), thoroughly(STOPS, STOPS[:1]))
def test_a_stopped_breakage_is_healed_first(by: str, code: int, project: Project, shop: Flight) -> None:
    flight = project.start(*PAUSE, "60s")
    said(flight, "seen to bite")
    assert shop.frozen
    second = project.told("break", "crash", "storefront#1")
    assert (second.code, "something is being broken there already" in second.out) == (10, True)
    if by == "stop":
        assert project.told("stop", shop.run).code == 0
    else:
        flight.signal(signal.Signals[by])
    landed = flight.land(60)
    assert (landed.code, shop.frozen) == (code, []), landed.out
    assert_stands(project, shop)


def test_a_power_that_does_nothing_is_not_believed(project: Project, shop: Flight) -> None:
    landed = project.start(*PAUSE, "2s", spoilt=("inject:pause",)).land()
    assert (landed.code, "was not seen to suffer" in landed.out) == (12, True), landed.out
    assert_stands(project, shop)


def test_a_mender_that_does_nothing_is_seen_and_heal_mends_without_removing(project: Project, shop: Flight) -> None:
    landed = project.start(*PAUSE, "2s", spoilt=("mend:signal", "bound:HEAL_S=4")).land()
    assert (landed.code, "`windtunnel heal` tries again" in landed.out) == (13, True), landed.out
    assert shop.frozen
    assert "stands; 1 open undo(s)" in project.told("status").out
    refused = project.told(*PAUSE, "2s")
    assert (refused.code, "First type: windtunnel heal" in refused.out) == (10, True)
    healed = project.told("heal")
    assert (healed.code, f"{shop.run}: mended, and stands" in healed.out) == (0, True), healed.out
    assert_stands(project, shop)


def test_what_is_open_is_healed_before_all_is_removed(project: Project, shop: Flight) -> None:
    """The breakage and its guardian were killed together."""
    flight = project.start(*PAUSE, "60s")
    said(flight, "seen to bite")
    guardian = flight.guardian
    os.kill(guardian, signal.SIGSTOP)
    flight.signal(signal.SIGKILL)
    os.kill(guardian, signal.SIGKILL)
    flight.land()
    assert shop.frozen
    landed = project.told("down")
    assert (landed.code, "pause: signal orders_db-1: ok" in landed.out) == (0, True), landed.out
    assert_gone(shop)


def test_taking_it_down_ends_a_breakage_and_a_load_that_are_under_way(project: Project, shop: Flight) -> None:
    load = project.start("load", "--orders-per-s", "20", "--for", "5m")
    flight = project.start(*PAUSE, "60s")
    said(flight, "seen to bite")
    landed = project.told("down", shop.run)
    assert landed.code == 0, landed.out
    assert flight.land(30).code == 11, flight.printed
    assert (load.land(30).code, load.alive()) == (12, []), load.printed
    assert_gone(shop)


def test_orders_are_sent_and_counted(project: Project, shop: Flight) -> None:
    landed = project.told("load", "--orders-per-s", "50", "--for", "6")
    assert landed.code == 0, landed.out
    rows = dict(line.strip().split(maxsplit=1) for line in landed.out.splitlines() if line.startswith("  "))
    offered = int(rows["offered"].split()[0])
    assert 200 < offered < 400
    assert rows["acknowledged"] == f"{offered} orders"
    assert {"refused", "unknown", "p50", "p95", "p99", "generator"} <= rows.keys()
    assert "/s offered" in landed.out
    assert_stands(project, shop)


@pytest.mark.parametrize(("number", "code"), thoroughly(KILLS, KILLS[:1]))
def test_a_load_ends_with_its_command(number: signal.Signals, code: int, project: Project, shop: Flight) -> None:
    flight = project.start("load", "--orders-per-s", "50", "--for", "5m")
    said(flight, "/s offered")
    flight.signal(number)
    landed = flight.land(30)
    assert landed.code == code, landed.out
    assert ("acknowledged " in landed.out.splitlines()[-1] or "generator" in landed.out) == (code == 130)
    assert until(lambda: not flight.alive(), 10) is not None, flight.alive()
    assert_stands(project, shop)


def test_its_secrets_are_for_its_owner_and_in_no_other_file(project: Project, shop: Flight) -> None:
    kept = folder(shop) / SECRETS
    assert kept.stat().st_mode & 0o777 == 0o600
    (secret,) = json.loads(kept.read_text())
    project.told("break", "crash", "storefront#1")
    assert project.told("down").code == 0
    holding = [path for path in folder(shop).rglob("*") if path.is_file() and secret in path.read_text(errors="replace")]
    assert holding == []
    assert list(folder(shop).glob("logs/*.log"))
