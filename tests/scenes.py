"""A nemesis on a stage: a fake clock, a fake shop, a real undo log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from harness.clock import S, Watch
from harness.errors import ControlError
from harness.events import (
    Bitten,
    Event,
    Looked,
    NotBitten,
)
from harness.model import SILENT, Target, Undo
from harness.nemesis import Nemesis
from harness.planned import PlannedStep
from harness.shop import RunningShop
from harness.undo import UndoLog
from tests.fakes import FakeClock, FakeInstance, FakeRunningShop

VICTIM = Target.parse("orders_db:primary")
THAW = Undo(verb="unpause", on="db-1", args={"instance": "db-1"})
Seen = Callable[[FakeInstance, float], float | str | None]


def step(name: str, fault: Any, at_s: float, hold_s: float | None = None) -> PlannedStep:
    """Plan a step."""
    return PlannedStep(id=name, kind=type(fault).__name__.lower(), at_s=at_s, hold_s=hold_s, fault=fault)


def held(db: FakeInstance, at_s: float) -> float | str:
    """Be silent from each act until it is mended."""
    return SILENT if len(db.acts) > len(db.mended) and at_s >= db.acts[-1] else 1.0


class Scene:
    """A nemesis with a fake clock, a fake shop, and a real undo log; it has watched a baseline of 10 s."""

    def __init__(self, folder: Path, *steps: PlannedStep, seen: Seen, holder: Callable[[float], str] | None = None) -> None:
        self.clock, self.records, self.log = FakeClock(), list[Event](), UndoLog(folder / "undo.jsonl")
        self.dbs = {name: FakeInstance(self.clock, seen) for name in ("db-1", "db-2")}
        self.db = self.dbs["db-1"]
        self.db.undo = (THAW,) if any(one.hold_s for one in steps) else ()
        self.orphaned = False
        self.watch = Watch(self.clock)
        self.nemesis = Nemesis(
            steps=steps,
            shop=cast("RunningShop", FakeRunningShop(self.clock, self.dbs, holder)),
            driver=cast("Any", self),
            log=self.log,
            record=self.records.append,
            watch=self.watch,
            guarded=self._guarded,
            mend="windtunnel heal run",
        )
        self.MENDERS = {"unpause": self.db.mend}
        self.nemesis.baseline(10 * S)

    def _guarded(self) -> None:
        if self.orphaned:
            raise ControlError("the guardian died")

    def walk(self) -> list[Event]:
        """Carry the steps out; give the records."""
        self.nemesis.walk(10 * S)
        return self.records

    def story(self) -> list[str]:
        """Name what happened, without the looks."""
        return [type(event).__name__ for event in self.records if not isinstance(event, Looked)]

    def first(self, kind: type[Event]) -> Any:
        """Give the first record of a kind."""
        return next(event for event in self.records if isinstance(event, kind))

    def looks(self, stage: str) -> list[Looked]:
        """Give the looks of a stage."""
        return [event for event in self.records if isinstance(event, Looked) and event.stage == stage]


def walked(folder: Path, *steps: PlannedStep, seen: Seen, holder: Callable[[float], str] | None = None) -> list[Event]:
    """Carry out steps after the baseline; give the records."""
    return Scene(folder, *steps, seen=seen, holder=holder).walk()


def bitten(records: list[Event], name: str) -> bool:
    """Say whether a step was seen to bite, and never unmasked."""
    steps = {type(event): event.step for event in records if isinstance(event, Bitten | NotBitten) and event.step == name}
    return Bitten in steps and NotBitten not in steps
