"""Putting a shop up to stay: it stands or nothing is left; one command at a time holds it."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness import mark
from harness.byhand import standing
from harness.clock import MachineClock, Watch
from harness.drivers import process
from harness.errors import ControlError, SetupError, UsageError
from harness.interrupts import InterruptedRun
from harness.model import Break, Undo
from harness.planned import Plan
from harness.settings import Settings
from harness.shop import Entry, Residence, Shop, Site, Thing
from harness.stand import Stood, guarded, put_up, resumed, taken_up
from harness.store import HARNESS, LOCK, UNDO
from harness.undo import Lock, UndoLog, held
from tests.fake_declaration import DECLARATION

NAME = "orders_db-1"
THAW = Undo(verb="signal", on=NAME, args={"pid": 2**22 + 1, "start_ticks": 1, "signal": "SIGCONT"})
PLAN = standing(replace(DECLARATION, driver="process"), ["lb"], ())


class OneProcess:
    """A shop that is one process; ``then`` happens when that has just been started."""

    entry, secrets = Entry(url="http://127.0.0.1:1", reached="loopback"), ("s3cret",)

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self._then = then

    def start(self, plan: Plan, site: Site) -> "OneProcess":
        """Start it."""
        assert plan is PLAN
        pid_file = site.folder / "pids" / f"{NAME}.pid"
        pid_file.parent.mkdir()
        process.spawn(["sleep", "60"], pid_file)
        site.hide(self.secrets)
        site.say(f"told: {self.secrets[0]}")
        self.residence = Residence(run=site.id, driver="process", things=(Thing(name=NAME, ref=str(pid_file), state={}),))
        self._then()
        return self


class Reached(OneProcess):
    """One that can be reached again."""

    def resume(self, *told: Any) -> tuple[Any, ...]:
        """Give what it was told."""
        return told


def settings(runs: Path, shop: OneProcess) -> Settings:
    """Say how to put it up as ``up1``."""
    return Settings(
        shop=cast("Shop", shop),
        shop_name="made:Up",
        project=runs,
        out=runs,
        run="up1",
        command="windtunnel up",
        show=lambda _: None,
        say=lambda _: None,
    )


@pytest.fixture
def stood(tmp_path: Path) -> Iterator[Stood]:
    yield put_up(PLAN, settings(tmp_path, OneProcess()))
    assert process.sweep("up1", tmp_path / "up1") == ()


def raising(error: BaseException) -> Callable[[], None]:
    def then() -> None:
        raise error

    return then


def test_a_shop_that_is_up_is_marked_and_let_go(stood: Stood) -> None:
    assert len(process.labelled(stood.folder)) == 1
    assert mark.is_set(stood.folder)
    assert not held(stood.folder / LOCK)
    assert stood.standing.parts == PLAN.parts
    assert taken_up(stood.folder, "made:Up") == stood


@pytest.mark.parametrize("error", [SetupError("no image"), ControlError("no port"), ZeroDivisionError("a bug")])
def test_one_that_does_not_come_up_leaves_nothing(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error), match=str(error)):
        put_up(PLAN, settings(tmp_path, OneProcess(raising(error))))
    assert process.labelled(tmp_path / "up1") == ()
    assert not mark.is_set(tmp_path / "up1")
    assert not held(tmp_path / "up1" / LOCK)


@pytest.mark.parametrize("error", [SetupError("DSN=shop:s3cret@db"), ControlError("DSN=shop:s3cret@db")])
def test_one_that_does_not_come_up_tells_no_secret(error: Exception, tmp_path: Path) -> None:
    """The last words of a part may quote what it was given."""
    told = list[str]()
    with pytest.raises(type(error), match=r"DSN=shop:\*\*\*@db") as raised:
        put_up(PLAN, replace(settings(tmp_path, OneProcess(raising(error))), say=told.append))
    assert raised.value.__cause__ is None
    assert told == ["told: ***"]


@pytest.mark.parametrize(
    ("error", "why"), [(SetupError("no image"), "no image"), (InterruptedRun("SIGINT"), "interrupted by SIGINT")]
)
def test_what_cannot_be_removed_is_said_with_what_removes_it(
    error: BaseException, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.mend.ROUNDS", 1)
    monkeypatch.setattr(process, "sweep", lambda *_: ("process 1",))
    with pytest.raises(SetupError, match=f"{why}; not all of it could be removed: `windtunnel heal up1`"):
        put_up(PLAN, settings(tmp_path, OneProcess(raising(error))))
    monkeypatch.undo()
    assert process.sweep("up1", tmp_path / "up1") == ()


def test_a_signal_while_it_comes_up_leaves_nothing(tmp_path: Path) -> None:
    """At once, not when the shop is up."""

    def then() -> None:
        signal.raise_signal(signal.SIGTERM)  # to this very thread, so that nothing comes between
        raise AssertionError("it went on")

    with pytest.raises(InterruptedRun) as stop:
        put_up(PLAN, settings(tmp_path, OneProcess(then)))
    assert stop.value.by == "SIGTERM"
    assert process.labelled(tmp_path / "up1") == ()


def test_a_shop_of_another_class_is_not_taken_up(stood: Stood) -> None:
    with pytest.raises(UsageError, match="up1: a shop of made:Up, this project has other:Shop"):
        taken_up(stood.folder, "other:Shop")


def test_one_of_which_nobody_knows_what_runs_is_not_taken_up(stood: Stood) -> None:
    (stood.folder / "site.json").unlink()
    with pytest.raises(SetupError, match="windtunnel down up1"):
        taken_up(stood.folder, "made:Up")


def test_a_shop_is_reached_by_its_own_class_with_its_secrets(stood: Stood) -> None:
    clock = MachineClock()
    with pytest.raises(UsageError, match=r"made:Up has no resume\(\)"):
        resumed(stood, cast("Shop", OneProcess()), clock, print)
    residence, site, secrets = cast("tuple[Any, ...]", resumed(stood, cast("Shop", Reached()), clock, print))
    assert (residence, site.id, site.folder, secrets) == (stood.residence, "up1", stood.folder, ("s3cret",))
    assert site.receive("198.18.0.1") == "http://198.18.0.1:9/", "nobody listens"


def test_only_one_command_at_a_time_holds_it(tmp_path: Path) -> None:
    with Lock(tmp_path / LOCK), pytest.raises(SetupError, match=f"windtunnel stop {tmp_path.name}"):
        a_guard(tmp_path).__enter__()


def test_nothing_is_broken_beside_what_is_not_healed(tmp_path: Path) -> None:
    """Its undo must not be lost among those of another breakage."""
    UndoLog(tmp_path / UNDO).perform("pause", Break(undo=(THAW,), act=lambda: None), 0, lambda: None, lambda: 0)
    with pytest.raises(SetupError, match=r"not healed yet: pause\. First type: windtunnel heal"):
        a_guard(tmp_path).__enter__()
    assert not held(tmp_path / LOCK)


def test_while_it_is_held_others_know_by_whom(tmp_path: Path) -> None:
    with a_guard(tmp_path) as guard:
        assert held(tmp_path / LOCK)
        assert f'"pid":{os.getpid()}' in (tmp_path / HARNESS).read_text()
        guard.check()
        assert guard.ended_by(lambda: None) is None
    assert not held(tmp_path / LOCK)


def test_without_its_guardian_nothing_goes_on(tmp_path: Path) -> None:
    with a_guard(tmp_path) as guard:
        os.kill(guard._guardian.pid, signal.SIGKILL)
        trouble = guard.ended_by(lambda: Watch.sleep(guard._watch, 5.0))
        assert isinstance(trouble, ControlError)
        with pytest.raises(ControlError, match="nothing more is broken without it"):
            guard.check()


def a_guard(folder: Path) -> Any:
    return guarded(folder, "process", Watch(MachineClock()), keep=True, longest_s=60)
