"""The nemesis: what it does in which order, what it sees, and what it makes of a fault that does not go as planned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from harness.clock import S, Watch
from harness.errors import ControlError
from harness.events import (
    Acted,
    Bitten,
    Closed,
    Event,
    Healing,
    Intended,
    Located,
    Looked,
    Mended,
    NotBitten,
    NotHealed,
)
from harness.faults.crash import Crash
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.model import REFUSED, SILENT, Target, Undo
from harness.nemesis import BITE_S, HEAL_S, Nemesis
from harness.plan import PlannedStep
from harness.shop import RunningShop
from harness.undo import UndoLog, still_open
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
            run="run",
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


def test_a_crash_that_hits_nothing_does_not_take_the_credit_of_an_earlier_one(tmp_path: Path) -> None:
    """The process has run since another moment than in the baseline, but since the same as just before the second act."""
    two = (step("one", Crash(target=VICTIM), 0), step("two", Crash(target=VICTIM), 20))
    records = walked(tmp_path, *two, seen=lambda db, _: "first" if not db.acts else "second")
    assert bitten(records, "one")
    assert not bitten(records, "two")


def test_a_second_crash_bites_again(tmp_path: Path) -> None:
    """Each counts from how the target was just before it, and neither look before an act counts as a bite."""
    two = (step("one", Crash(target=VICTIM), 0), step("two", Crash(target=VICTIM), 20))
    records = walked(tmp_path, *two, seen=lambda db, _: f"start {len(db.acts)}")
    assert bitten(records, "one")
    assert bitten(records, "two")
    assert not [look for look in records if isinstance(look, Looked) and look.stage == "baseline" and look.bitten]


def test_what_is_down_before_the_act_is_seen_to_be(tmp_path: Path) -> None:
    """A target that fell silent after the baseline proves nothing for the act: the look just before it says so."""
    for number, fault in enumerate((Pause(target=VICTIM), Kill(target=VICTIM))):
        folder = tmp_path / str(number)
        folder.mkdir()
        records = walked(folder, step("late", fault, 5, 2), seen=lambda _, at_s: SILENT if 12 < at_s < 18 else 1.0)
        before = [look for look in records if isinstance(look, Looked) and look.stage == "baseline"]
        assert before[-1].reading.value == SILENT
        assert before[-1].bitten


def test_looks_at_the_former_holder_of_a_role_do_not_count(tmp_path: Path) -> None:
    """The role moved between the last look of the baseline and the act: the old holder's answers prove nothing."""
    fault = Pause(target=VICTIM)
    records = walked(
        tmp_path,
        step("moved", fault, 5, 2),
        seen=lambda db, at_s: SILENT if db.acts and at_s < db.acts[0] + 2 else 1.0,
        holder=lambda at_s: "db-1" if at_s < 12 else "db-2",
    )
    looks = [look.instance for look in records if isinstance(look, Looked) and look.stage == "baseline"]
    assert looks.count("db-2") == 1


def test_a_held_fault_is_broken_seen_to_bite_held_mended_and_seen_healed(tmp_path: Path) -> None:
    """In this order and at these times; looks come five times a second, once a second, and twice a second."""
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 5, 20), seen=held)
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Healing", "Mended", "Closed"]
    assert (scene.db.acts, scene.db.mended) == ([15.0], [35.0])
    assert scene.first(Acted).t0_ns == 15 * S
    assert scene.first(Intended).undo == (THAW,)
    assert scene.first(Mended).error is None
    assert len(scene.looks("baseline")) == 11
    assert [look.bitten for look in scene.looks("held")] == [True] * 19
    assert still_open(scene.log.path) == ()


def test_the_bite_is_waited_for_within_a_bound_and_the_fault_is_healed_all_the_same(tmp_path: Path) -> None:
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=lambda *_: 1.0)
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "NotBitten", "Healing", "Mended", "Closed"]
    assert scene.first(NotBitten).at_ns == pytest.approx((10 + BITE_S) * S, abs=S)
    assert len(scene.looks("biting")) == BITE_S * 5 + 1
    assert scene.db.mended == [30.0]


def test_a_late_bite_is_a_bite(tmp_path: Path) -> None:
    """Within the bound it does not matter how late; *bitten* says when."""
    scene = Scene(
        tmp_path,
        step("freeze", Pause(target=VICTIM), 0, 20),
        seen=lambda db, at_s: held(db, at_s) if at_s > 13 else 1.0,
    )
    scene.walk()
    assert scene.first(Bitten).at_ns == pytest.approx(13.2 * S, abs=0.3 * S)


def test_a_fault_that_heals_by_itself_is_on_record(tmp_path: Path) -> None:
    """The looks while it is held say so; the judge doubts."""
    scene = Scene(
        tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=lambda db, at_s: held(db, at_s) if at_s < 20 else 1.0
    )
    scene.walk()
    assert {look.bitten for look in scene.looks("held") if look.at_ns > 20 * S} == {False}


def test_an_impulse_has_nothing_to_mend_and_closes_when_it_is_there_again(tmp_path: Path) -> None:
    scene = Scene(
        tmp_path,
        step("crash", Crash(target=VICTIM), 0),
        seen=lambda db, at_s: "first" if not db.acts else REFUSED if at_s < 14 else "second",
    )
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Closed"]
    assert scene.first(Closed).at_ns >= 14 * S


def test_an_act_that_raises_is_mended_as_if_it_had_happened(tmp_path: Path) -> None:
    """The engine may have done what it did not confirm; whoever cuts the run short calls ``heal``."""
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=held)
    scene.db.ill = True
    with pytest.raises(ControlError, match="does not answer"):
        scene.walk()
    assert still_open(scene.log.path)
    scene.nemesis.heal("interrupted")
    assert scene.story() == ["Located", "Intended", "Healing", "Mended", "Closed"]
    assert still_open(scene.log.path) == ()


def test_without_a_guardian_nothing_is_broken(tmp_path: Path) -> None:
    """And nothing is on the undo log that somebody would play."""
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=held)
    scene.orphaned = True
    with pytest.raises(ControlError, match="guardian"):
        scene.walk()
    scene.nemesis.heal("interrupted")
    assert (scene.story(), scene.db.acts, still_open(scene.log.path)) == (["Located"], [], ())


def test_what_no_mender_can_mend_is_dirty_within_a_bound_and_stays_open(tmp_path: Path) -> None:
    """The mender's own word is on record; the run is not flown on, and the command to type is said."""
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=held)

    def fail(_: Undo) -> None:
        raise ControlError("no such container")

    scene.MENDERS["unpause"] = fail
    with pytest.raises(ControlError, match="windtunnel heal run"):
        scene.walk()
    assert scene.first(Mended).error == "no such container"
    dirty = scene.first(NotHealed)
    assert dirty.mend == "windtunnel heal run"
    assert dirty.at_ns == pytest.approx((30 + HEAL_S) * S, abs=S)
    assert [(one.step, one.deadline_ns) for one in still_open(scene.log.path)] == [("freeze", None)]


def test_an_interruption_heals_at_once_whatever_is_held(tmp_path: Path) -> None:
    """A signal in the middle of the hold, as the watch raises it; heal is not put off, and a step to come never acts."""
    steps = step("freeze", Pause(target=VICTIM), 0, 20), step("later", Kill(target=VICTIM), 60, 5)
    scene = Scene(tmp_path, *steps, seen=held)

    def interrupt() -> None:
        scene.watch.off(99)
        raise KeyboardInterrupt

    scene.clock.rings[99] = 18 * S
    scene.watch.on(99, interrupt)
    with pytest.raises(KeyboardInterrupt):
        scene.walk()
    scene.nemesis.heal("interrupted")
    assert scene.db.mended == [18.0]
    assert scene.first(Healing).reason == "interrupted"
    assert scene.db.acts == [10.0]
    assert still_open(scene.log.path) == ()


def test_steps_that_overlap_keep_their_own_times(tmp_path: Path) -> None:
    """Two instances of one role, one after the other, each mended when its own hold is over."""
    steps = step("one", Pause(target=VICTIM), 0, 20), step("two", Kill(target=VICTIM), 5, 20)
    scene = Scene(tmp_path, *steps, seen=held, holder=lambda at_s: "db-1" if at_s < 12 else "db-2")
    scene.dbs["db-2"].undo = (Undo(verb="start", on="db-2", args={}),)
    scene.MENDERS["start"] = scene.dbs["db-2"].mend
    scene.walk()
    assert [(db.acts, db.mended) for db in scene.dbs.values()] == [([10.0], [30.0]), ([15.0], [35.0])]
    assert [event.instance for event in scene.records if isinstance(event, Located)] == ["db-1", "db-2"]


def test_a_target_that_cannot_be_located_is_a_look_that_saw_nothing(tmp_path: Path) -> None:
    """In the baseline a record; at the act an error before anything is broken."""

    def nobody(_: float) -> str:
        raise ControlError("no primary")

    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=held, holder=nobody)
    assert {(look.instance, look.reading.value, look.reading.why) for look in scene.looks("baseline")} == {
        ("?", None, "no primary")
    }
    with pytest.raises(ControlError, match="no primary"):
        scene.walk()
    assert scene.db.acts == []


def test_a_witness_that_crashes_could_not_see(tmp_path: Path) -> None:
    """That is no bite and no heal: the step is not closed by it."""

    def crash(db: FakeInstance, _: float) -> float:
        if db.acts and not db.mended:
            raise RuntimeError("my driver broke")
        return 1.0

    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=crash)
    scene.walk()
    assert scene.story()[3] == "NotBitten"
    assert scene.looks("held")[0].reading.why == "the witness crashed: RuntimeError: my driver broke"
    assert scene.looks("held")[0].bitten is None
