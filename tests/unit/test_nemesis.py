"""The nemesis: what it does in which order, what it sees, and what it makes of a fault that does not go as planned."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clock import S
from harness.errors import ControlError
from harness.events import (
    Acted,
    Bitten,
    Closed,
    Healing,
    Intended,
    Located,
    Looked,
    Mended,
    NotBitten,
    NotHealed,
)
from harness.faults.cache_poison import CachePoison
from harness.faults.crash import Crash
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.model import REFUSED, SILENT, Undo
from harness.nemesis import AGAIN_S, BITE_S, HEAL_S
from harness.undo import still_open
from tests.fakes import FakeInstance
from tests.scenes import THAW, VICTIM, Scene, held, step


def test_a_held_fault_is_broken_seen_to_bite_held_mended_and_seen_healed(tmp_path: Path) -> None:
    """In this order and at these times; looks come five times a second, once a second, and twice a second."""
    scene = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 5, 20), seen=held)
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Healing", "Mended", "Closed"]
    assert (scene.db.acts, scene.db.mended) == ([15.0], [35.0])
    assert scene.first(Acted).t0_ns == 15 * S
    assert scene.first(Intended).undo == (THAW,)
    assert scene.first(Mended).error is None
    assert len(scene.looks("baseline")) == 10 + 5 + 1
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


def poisoned(*prices: float) -> Callable[[FakeInstance, float], float]:
    """Show these prices at the looks after the act, the last for ever; 236 before."""
    shown = list(prices)

    def seen(db: FakeInstance, _: float) -> float:
        return 236.0 if not db.acts else shown.pop(0) if len(shown) > 1 else shown[0]

    return seen


def test_an_impulse_whose_bite_is_a_level_is_over_when_that_is_what_it_was(tmp_path: Path) -> None:
    """A wrong price that is shown is not healed, and one that is shown no more has bitten all the same."""
    scene = Scene(tmp_path, step("poison", CachePoison(target=VICTIM), 0), seen=poisoned(236.0, 1.0, 1.0, 236.0))
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Closed"]
    after = [look.reading.value for look in scene.records if isinstance(look, Looked) and look.stage != "baseline"]
    assert after == [236.0, 1.0, 1.0, 236.0]
    assert still_open(scene.log.path) == ()


def test_an_impulse_whose_bite_is_a_level_may_be_over_at_the_next_look(tmp_path: Path) -> None:
    scene = Scene(tmp_path, step("poison", CachePoison(target=VICTIM), 0), seen=poisoned(1.0, 236.0))
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Closed"]


def test_an_impulse_that_the_shop_does_not_get_over_is_never_called_closed(tmp_path: Path) -> None:
    """Nor dirty: nothing of ours is held, and what the shop shows is for its checkers to judge."""
    scene = Scene(tmp_path, step("poison", CachePoison(target=VICTIM), 0), seen=poisoned(1.0))
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten"]
    assert scene.looks("healing")[-1].at_ns == pytest.approx((10 + HEAL_S) * S, abs=S)
    assert scene.looks("healing")[-1].bitten is True


def test_an_impulse_that_was_never_seen_to_bite_is_closed_when_all_is_as_before(tmp_path: Path) -> None:
    scene = Scene(tmp_path, step("poison", CachePoison(target=VICTIM), 0), seen=poisoned(236.0))
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "NotBitten", "Closed"]


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


def test_a_mender_that_failed_once_is_called_again(tmp_path: Path) -> None:
    """An engine that was too busy to answer leaves no damage behind."""
    scene, calls = Scene(tmp_path, step("freeze", Pause(target=VICTIM), 0, 20), seen=held), list[float]()

    def busy(_: Undo) -> None:
        calls.append(scene.clock.now_ns() / S)
        if len(calls) == 1:
            raise ControlError("the engine did not answer")
        scene.db.mend(THAW)

    scene.MENDERS["unpause"] = busy
    scene.walk()
    assert scene.story() == ["Located", "Intended", "Acted", "Bitten", "Healing", "Mended", "Mended", "Closed"]
    assert calls == [30.0, pytest.approx(30 + AGAIN_S, abs=1)]
    assert still_open(scene.log.path) == ()


def test_what_another_fault_hides_has_its_time_to_be_healed_after_it(tmp_path: Path) -> None:
    """A witness that needs what is down elsewhere cannot tell; that is no damage of ours that stays."""
    steps = step("one", Pause(target=VICTIM), 0, 20), step("two", Kill(target=VICTIM), 10, 100)

    def hidden(db: FakeInstance, at_s: float) -> float | str:
        return SILENT if db.acts and at_s < 10 + 110 else 1.0

    scene = Scene(tmp_path, *steps, seen=hidden, holder=lambda at_s: "db-1" if at_s < 12 else "db-2")
    scene.dbs["db-2"].undo = (Undo(verb="start", on="db-2", args={}),)
    scene.MENDERS["start"] = scene.dbs["db-2"].mend
    scene.walk()
    assert NotHealed not in {type(event) for event in scene.records}
    assert still_open(scene.log.path) == ()


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
