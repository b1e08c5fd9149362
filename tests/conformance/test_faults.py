"""Every fault on the shelf: it shows its symptom only between act and undo, and its witness goes another way than it does.

Each is played on a real process that supervises another, so a new fault is picked up by itself; what the process driver
cannot undergo, the fault's own tests must show.
"""

import ast
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness import registry
from harness.clock import MachineClock, pause
from harness.drivers import process
from harness.model import REFUSED, SILENT, Fault, Reading, Undo
from harness.shop import Site
from tests import examples, fake_shop
from tests.fake_shop import FIRST_PORT, PROGRAM, RunningFakeShop

ALL = registry.kinds("faults")
KINDS = [kind for kind in ALL if registry.cls("faults", kind).needs in fake_shop.POWERS]
INSTANCE = "storefront-1"
TARGET = "storefront#1"
SOON_S = 5.0
DOORS = {"os.kill", "os.killpg", "signal.pthread_kill", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}


class Stage:
    """One instance of the fake shop, with the powers and senses that the shop gives it."""

    def __init__(self, folder: Path) -> None:
        self.host = fake_shop.own_host()
        self.pid_file = folder / "pids" / f"{INSTANCE}.pid"
        self.pid_file.parent.mkdir()
        where = [self.host, str(FIRST_PORT), str(folder)]
        argv = [sys.executable, str(PROGRAM), "storefront", INSTANCE, *where, "", "orders_db-1=1"]
        process.spawn(argv, self.pid_file)
        now_ns = MachineClock().now_ns
        self.site = Site(id="run1", folder=folder, now_ns=now_ns, say=print, receive=lambda address: f"http://{address}")
        self._shop = cast(
            "RunningFakeShop",
            SimpleNamespace(
                _pids=self.pid_file.parent,
                _host=self.host,
                _ports=dict.fromkeys([INSTANCE, *fake_shop.NODES], FIRST_PORT),
                _leader=folder / "leader.json",
                _site=self.site,
            ),
        )

    def able(self, protocol: type) -> Any:
        """Give a power or sense, as the fake shop does."""
        return RunningFakeShop.able(self._shop, INSTANCE, protocol)

    def look(self, fault: Fault) -> Reading:
        """Look as the fault's witness does."""
        return fault.look(self.able(fault.sense))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    assert process.sweep("run1", tmp_path) == ()


def make(kind: str) -> Fault:
    """Make a fault as in its example; one that is played here is aimed at the one instance that there is."""
    return examples.made(kind, TARGET if kind in KINDS else examples.example(kind)["target"])


def soon(true: Callable[[], bool]) -> bool:
    """Whether something becomes true within ``SOON_S``."""
    for _ in range(int(SOON_S / 0.05)):
        if true():
            return True
        pause(0.05)
    return False


def well(stage: Stage, fault: Fault) -> list[Reading]:
    """Wait until the instance is up, then look five times."""
    assert soon(lambda: stage.look(fault).value not in (None, SILENT, REFUSED))
    return [stage.look(fault) for _ in range(5)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_bites_only_between_act_and_undo(kind: str, stage: Stage) -> None:
    """Prepared, nothing has happened; acted, it is seen; mended, it is over; mended twice, nothing more happens."""
    fault = make(kind)
    before = well(stage, fault)
    assert not any(fault.bitten(before, reading) for reading in before)
    breaking = fault.prepare(stage.able(fault.needs))
    assert fault.bitten(before, stage.look(fault)) is False, "to prepare is not to act"
    assert bool(breaking.undo) == fault.held
    breaking.act()
    assert soon(lambda: bool(fault.bitten(before, stage.look(fault))))
    for _ in range(2):
        for undo in breaking.undo:
            process.MENDERS[undo.verb](undo)
        if fault.held:
            assert soon(lambda: fault.bitten(before, stage.look(fault)) is False)
    assert soon(lambda: stage.look(fault).value not in (None, SILENT, REFUSED)), "it is there again"


@pytest.mark.parametrize("kind", ALL)
def test_it_cannot_tell_from_nothing(kind: str) -> None:
    """A witness that never saw the instance well, or sees nothing now, says neither yes nor no."""
    fault, up = make(kind), Reading(at_ns=0, value=1.0)
    blind = Reading(at_ns=0, value=None, why="no route")
    for before, now in (([], up), ([blind], up), ([up], blind), ([Reading(at_ns=0, value=SILENT)], up)):
        assert fault.bitten(before, now) is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_undoes_is_data_from_the_closed_set(kind: str, stage: Stage) -> None:
    fault = make(kind)
    well(stage, fault)
    for undo in fault.prepare(stage.able(fault.needs)).undo:
        assert isinstance(undo, Undo)
        assert undo.verb in process.MENDERS
        assert all(isinstance(value, str | int | float | bool | None) for value in undo.args.values())


@contextmanager
def listening() -> Iterator[list[tuple[str, Any]]]:
    """Hear of every connection, signal and program that this process makes meanwhile."""
    heard: list[tuple[str, Any]] = []
    on = True

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if on and event in DOORS | {"socket.connect"}:
            heard.append((event, args[1] if event == "socket.connect" else args))

    sys.addaudithook(hear)
    try:
        yield heard
    finally:
        on = False


@pytest.mark.parametrize("kind", KINDS)
def test_its_witness_asks_the_instance_itself_and_nobody_else(kind: str, stage: Stage) -> None:
    """While the fault holds too: one connection to the instance's own port, no signal, no program, no engine's socket."""
    fault = make(kind)
    well(stage, fault)
    breaking = fault.prepare(stage.able(fault.needs))
    with listening() as heard:
        os.kill(os.getpid(), 0)
        stage.look(fault)
    assert heard.pop(0)[0] == "os.kill", "the ear hears"
    breaking.act()
    with listening() as broken:
        stage.look(fault)
    assert heard == broken == [("socket.connect", (stage.host, FIRST_PORT))]


@pytest.mark.parametrize("module", ["sut.components.ask", *(f"harness.faults.{kind}" for kind in ALL)])
def test_what_witnesses_look_with_knows_no_engine_and_no_proxy(module: str) -> None:
    """Faults, and the questions through which the reference shop's senses go, import no driver and no client of one."""
    source = importlib.import_module(module).__file__
    assert source is not None
    imported = set()
    for node in ast.walk(ast.parse(Path(source).read_text(encoding="utf-8"))):
        imported |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        imported |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    roots = {name.partition(".")[0] for name in imported}
    assert not roots & {"docker", "requests", "testcontainers", "toxiproxy", "subprocess", "prometheus_api_client"}
    assert not any(name.startswith("harness.drivers") for name in imported)
