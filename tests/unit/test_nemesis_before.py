"""The nemesis before it acts: whom it looks at, how often, and what of it counts."""

from pathlib import Path

import pytest

from harness.clock import S
from harness.errors import ControlError
from harness.events import (
    Acted,
    Looked,
)
from harness.faults.crash import Crash
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.model import SILENT
from harness.nemesis import AHEAD_S, LOCATE_S
from tests.scenes import VICTIM, bitten, held, step, walked


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
    """The role moved between the last look and the act: the old holder's answers prove nothing."""
    fault = Pause(target=VICTIM)
    records = walked(
        tmp_path,
        step("moved", fault, 5, 2),
        seen=lambda db, at_s: SILENT if db.acts and at_s < db.acts[0] + 2 else 1.0,
        holder=lambda at_s: "db-1" if at_s < 14.5 else "db-2",
    )
    looks = [look.instance for look in records if isinstance(look, Looked) and look.stage == "baseline"]
    assert looks.count("db-2") == 1


def test_a_later_step_gets_to_know_a_new_holder_before_it_acts(tmp_path: Path) -> None:
    """An earlier step moved the role: there is time for as many looks at the new holder as its verdict needs."""
    records = walked(
        tmp_path,
        step("late", Pause(target=VICTIM), 40, 2),
        seen=lambda db, at_s: SILENT if db.acts and at_s < db.acts[0] + 2 else 1.0,
        holder=lambda at_s: "db-1" if at_s < 20 else "db-2",
    )
    looks = [look for look in records if isinstance(look, Looked) and look.stage == "baseline" and look.instance == "db-2"]
    assert len(looks) == 1 + AHEAD_S
    assert not any(look.bitten for look in looks)
    assert [event.t0_ns for event in records if isinstance(event, Acted)] == [50 * S]


def test_a_target_that_nobody_holds_for_a_moment_is_asked_for_again(tmp_path: Path) -> None:
    """An election, or a busy machine: within the bound it only makes the act late."""

    def holder(at_s: float) -> str:
        if 14.9 < at_s < 14.9 + LOCATE_S:
            raise ControlError("no primary")
        return "db-1"

    records = walked(tmp_path, step("freeze", Pause(target=VICTIM), 5, 20), seen=held, holder=holder)
    (acted,) = (event for event in records if isinstance(event, Acted))
    assert acted.t0_ns == pytest.approx((14.9 + LOCATE_S) * S, abs=0.2 * S)
