"""The nemesis sees a fault bite only where the target was well the moment before, and the fault itself can have done it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from harness.clock import S, Watch
from harness.drivers import process
from harness.events import Bitten, Event, Looked, NotBitten
from harness.faults.crash import Crash
from harness.faults.kill import Kill
from harness.faults.pause import Pause
from harness.model import SILENT, Break, Located, Reading, Target
from harness.nemesis import Nemesis
from harness.plan import PlannedStep
from harness.shop import RunningShop
from harness.undo import UndoLog

VICTIM = Target.parse("orders_db:primary")


class Clock:
    """Time that passes only where somebody waits for it."""

    def __init__(self) -> None:
        self.zero_ns = self.now = 0

    def now_ns(self) -> int:
        """Read it."""
        return self.now

    def wall_ns(self) -> int:
        """Read it."""
        return self.now

    def wait(self, until_ns: int, fds: list[int]) -> list[int]:  # noqa: ARG002 -- nothing can be read here
        """Let it pass."""
        self.now = max(self.now, until_ns)
        return []


class Instance:
    """One instance with every power and sense; ``seen`` is what witnesses see at a time, ``acts`` when it was hit."""

    def __init__(self, clock: Clock, seen: Callable[["Instance", float], float | str]) -> None:
        self._clock, self._seen, self.acts = clock, seen, list[float]()

    def kill(self) -> Break:
        """Prepare a hit."""
        return Break(undo=(), act=lambda: self.acts.append(self._clock.now / S))

    pause = crash = kill

    def answer_ms(self) -> Reading:
        """Ask it."""
        return Reading(at_ns=0, value=self._seen(self, self._clock.now / S))

    started = answer_ms


class Shop:
    """A shop of one component; ``holder`` says who is the target at a time."""

    def __init__(self, clock: Clock, instances: dict[str, Instance], holder: Callable[[float], str]) -> None:
        self._clock, self._instances, self._holder = clock, instances, holder

    def locate(self, target: Target) -> Located:
        """Say who it is now."""
        return Located(target=target, component="orders_db", instance=self._holder(self._clock.now / S), at_ns=0)

    def able(self, instance: str, protocol: type) -> Instance:  # noqa: ARG002 -- each is able to everything
        """Give it."""
        return self._instances[instance]


def step(name: str, fault: Any, at_s: float, hold_s: float | None = None) -> PlannedStep:
    """Plan a step."""
    return PlannedStep(id=name, kind=type(fault).__name__.lower(), at_s=at_s, hold_s=hold_s, fault=fault)


def walked(
    folder: Path,
    *steps: PlannedStep,
    seen: Callable[[Instance, float], float | str],
    holder: Callable[[float], str] = lambda _: "db-1",
) -> list[Event]:
    """Carry out steps after a baseline of 10 s; give the records."""
    clock, records = Clock(), list[Event]()
    instances = {name: Instance(clock, seen) for name in ("db-1", "db-2")}
    nemesis = Nemesis(
        steps=steps,
        shop=cast("RunningShop", Shop(clock, instances, holder)),
        driver=cast("Any", process),
        log=UndoLog(folder / "undo.jsonl"),
        record=records.append,
        watch=Watch(clock),
        guarded=lambda: None,
        run="run",
    )
    nemesis.baseline(10 * S)
    nemesis.walk(10 * S)
    return records


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
