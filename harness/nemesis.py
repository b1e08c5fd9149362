"""The nemesis carries the steps out: it breaks, sees that it bites, holds, heals, and sees that it is healed.

The story of one step:

1. in the baseline, and again in the last ``AHEAD_S`` before its time, its witness looks once a second at whoever is the
   target then;
2. at its time the target is located and looked at once more: what is down already proves nothing. Then the breakage is
   prepared, the undo written to disk, and the act done;
3. the witness looks five times a second until the fault bites (at most ``BITE_S``), then once a second while it is held;
4. when its time is over the undo is played, and the witness looks until it is healed (at most ``HEAL_S``); while it is
   not, the undo is played again every ``AGAIN_S``, for an engine that was busy once has done nothing;
5. an impulse has nothing to undo: the witness looks until the instance is there again, or, where its bite is one that the
   shop gets over by itself, until it bites no more; one that it was not seen to get over stays without a *closed*.

It never decides whether the shop did well, and it never swallows what it could not see: that is a record too.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum

from harness.clock import S, Watch, monotonic_ns
from harness.drivers import Driver
from harness.errors import ControlError, SetupError
from harness.events import Acted, Bitten, Closed, Event, Healing, Intended, Located, Looked, Mended, NotBitten, NotHealed
from harness.model import REFUSED, SILENT, Reading, Target
from harness.model import Located as Place
from harness.planned import OVERDUE_S, PlannedStep
from harness.shop import RunningShop
from harness.undo import UndoLog, play, still_open

BITE_S, HEAL_S, AGAIN_S, AHEAD_S, LOCATE_S = 5.0, 60.0, 10.0, 10.0, 3.0
BITING_EVERY_S, HELD_EVERY_S, HEALING_EVERY_S, BASELINE_EVERY_S = 0.2, 1.0, 0.5, 1.0


class Stage(Enum):
    """Where a step stands."""

    WAITING = "baseline"
    BITING = "biting"
    HELD = "held"
    HEALING = "healing"
    DONE = "done"


@dataclass(slots=True, kw_only=True)
class _Progress:
    """One step on its way."""

    step: PlannedStep
    stage: Stage = Stage.WAITING
    place: Place | None = None
    before: list[Reading] = field(default_factory=list)
    bitten: bool = False
    since_ns: int = 0
    played_ns: int = 0
    act_at_ns: int = 0
    look_at_ns: int = 0
    heal_at_ns: int = 0


class Nemesis:
    """Carries out the steps of one run. Everything it does and sees goes to ``record``."""

    def __init__(  # noqa: PLR0913 -- everything it works with, named once
        self,
        *,
        steps: tuple[PlannedStep, ...],
        shop: RunningShop,
        driver: Driver,
        log: UndoLog,
        record: Callable[[Event], None],
        watch: Watch,
        guarded: Callable[[], None],
        mend: str,
    ) -> None:
        """Take the steps. ``mend``: the command that people type for what was not seen healed."""
        self._shop, self._driver, self._log, self._record, self._watch = shop, driver, log, record, watch
        self._guarded, self._mending = guarded, mend
        self._all = [_Progress(step=step) for step in steps]

    def baseline(self, until_ns: int) -> None:
        """Let every witness look once a second until ``until_ns``, at whoever is its target at that moment."""
        while self._now() < until_ns:
            due_ns = self._now() + int(BASELINE_EVERY_S * S)
            for one in self._all:
                self._baseline_look(one)
            self._watch.until(min(due_ns, until_ns))

    def walk(self, begin_ns: int) -> None:
        """Carry out every step, times counted from ``begin_ns``, until each is healed, or not healed in its time."""
        for one in self._all:
            one.act_at_ns = begin_ns + int(one.step.at_s * S)
            one.look_at_ns = max(min(begin_ns, one.act_at_ns), one.act_at_ns - int(AHEAD_S * S))
        while pending := [one for one in self._all if one.stage is not Stage.DONE]:
            following = min(pending, key=lambda one: one.look_at_ns)
            self._watch.until(following.look_at_ns)
            self._advance(following)

    def heal(self, reason: str) -> None:
        """Play the undo of everything that was begun and is not healed, at once, and look until it is."""
        begun = [one for one in self._all if one.stage not in (Stage.WAITING, Stage.DONE)]
        for one in begun:
            one.heal_at_ns = min(one.heal_at_ns, self._now())
        for one in begun:
            if one.stage is not Stage.HEALING:
                self._mend(one, reason)
        while pending := [one for one in begun if one.stage is not Stage.DONE]:
            following = min(pending, key=lambda one: one.look_at_ns)
            self._watch.until(following.look_at_ns)
            with suppress(ControlError):  # one that cannot be healed is on record, and must not keep us from the others
                self._advance(following)

    def _now(self) -> int:
        return self._watch.clock.now_ns()

    def _advance(self, one: _Progress) -> None:
        """Do what is due for one step now."""
        if one.stage is Stage.WAITING and self._now() < one.act_at_ns:
            self._look_ahead(one)
        elif one.stage is Stage.WAITING:
            self._act(one)
        elif one.stage is Stage.BITING:
            self._see_bite(one)
        elif one.stage is Stage.HELD:
            self._see_held(one)
        else:
            self._see_healed(one)

    def _look_ahead(self, one: _Progress) -> None:
        """Look before the act, unless a slow look could delay it: an earlier step may have moved the role."""
        following_ns = self._now() + int(BASELINE_EVERY_S * S)
        if following_ns <= one.act_at_ns:
            self._baseline_look(one)
        one.look_at_ns = min(following_ns, one.act_at_ns)

    def _baseline_look(self, one: _Progress) -> None:
        try:
            place = self._shop.locate(one.step.fault.target)
        except ControlError as error:
            reading = Reading(at_ns=self._now(), value=None, why=str(error))
            self._looked(one, "?", reading, bitten=None)
        else:
            self._look_before(one, place)

    def _look_before(self, one: _Progress, place: Place) -> None:
        """Look at the target before the act. Only readings of the instance that it is now count as before."""
        if one.place is None or one.place.instance != place.instance:
            one.before = []
        one.place = place
        reading = self._look(one)
        one.before.append(reading)
        self._looked(one, place.instance, reading, bitten=one.step.fault.bitten(one.before, reading))

    def _act(self, one: _Progress) -> None:
        """Locate, prepare, write the undo down, act. No act without a living guardian."""
        step, fault = one.step, one.step.fault
        place = self._located(fault.target)
        self._look_before(one, place)
        name = place.instance
        self._record(
            Located(at_ns=self._now(), step=step.id, target=str(fault.target), component=place.component, instance=name)
        )
        breaking = fault.prepare(self._shop.able(name, fault.needs))
        self._guarded()
        held_s = step.hold_s if step.hold_s is not None else 0.0
        intended = Intended(
            at_ns=self._now(),
            step=step.id,
            fault=step.kind,
            held=fault.held,
            target=str(fault.target),
            instance=name,
            typed=breaking.typed,
            undo=breaking.undo,
        )
        one.stage, one.since_ns = Stage.BITING, self._now()
        deadline_ns = _in(held_s + OVERDUE_S) if fault.held else None
        t0_ns = self._log.perform(step.id, breaking, deadline_ns, lambda: self._record(intended), self._now)
        self._record(Acted(at_ns=self._now(), step=step.id, t0_ns=t0_ns))
        one.since_ns = one.look_at_ns = self._now()
        one.heal_at_ns = t0_ns + int(held_s * S)

    def _located(self, target: Target) -> Place:
        """Locate a target; a busy machine, or an election, may need to be asked more than once. Raises ``ControlError``."""
        give_up_ns = self._now() + int(LOCATE_S * S)
        while True:
            try:
                return self._shop.locate(target)
            except ControlError:
                if self._now() >= give_up_ns:
                    raise
            self._watch.sleep(BITING_EVERY_S)

    def _see_bite(self, one: _Progress) -> None:
        began_ns = self._now()
        bitten = self._judge(one, Stage.BITING)
        if bitten:
            self._record(Bitten(at_ns=self._now(), step=one.step.id))
            one.bitten = True
        elif self._now() - one.since_ns < BITE_S * S:
            one.look_at_ns = began_ns + int(BITING_EVERY_S * S)
            return
        else:
            because = f"{one.place and one.place.instance} was not seen to suffer within {BITE_S:g} s of the act"
            self._record(NotBitten(at_ns=self._now(), step=one.step.id, because=because))
        if one.step.fault.held:
            one.stage = Stage.HELD
            one.look_at_ns = min(self._now() + int(HELD_EVERY_S * S), one.heal_at_ns)
        else:
            one.stage, one.since_ns, one.look_at_ns = Stage.HEALING, self._now(), self._now() + int(HEALING_EVERY_S * S)

    def _see_held(self, one: _Progress) -> None:
        if self._now() >= one.heal_at_ns:
            self._mend(one, "planned")
            return
        self._judge(one, Stage.HELD)
        one.look_at_ns = min(self._now() + int(HELD_EVERY_S * S), one.heal_at_ns)

    def _mend(self, one: _Progress, reason: str) -> None:
        """Play the undo of one step; what its mender reports is a record, and the witness decides.

        The time to be healed in begins when nothing else is held any more: until then a witness may be unable to tell.
        """
        step = one.step.id
        if one.step.fault.held:
            self._record(Healing(at_ns=self._now(), step=step, reason=reason))
        self._play(one)
        holding = [other for other in self._all if other is not one and other.stage in (Stage.BITING, Stage.HELD)]
        now_ns = self._now()
        alone_ns = max([now_ns, *(other.heal_at_ns for other in holding)])
        if one.step.fault.held:  # only now: a mender that hangs is ended by the guardian, at the step's first deadline
            with suppress(SetupError):  # a full disk: the guardian plays it once more
                self._log.put_off(step, _in((alone_ns - now_ns) / S + HEAL_S + OVERDUE_S))
        one.stage, one.since_ns, one.look_at_ns = Stage.HEALING, alone_ns, now_ns

    def _play(self, one: _Progress) -> None:
        for opened in still_open(self._log.path):
            if opened.step == one.step.id:
                for played in play(opened.undo, self._driver.MENDERS):
                    self._record(Mended(at_ns=self._now(), step=one.step.id, undo=played.undo, error=played.error))
        one.played_ns = self._now()

    def _see_healed(self, one: _Progress) -> None:
        reading = self._look(one)
        bitten = one.step.fault.bitten(one.before, reading)
        self._looked(one, one.place.instance if one.place else "?", reading, bitten=bitten)
        answers = reading.value not in (None, SILENT, REFUSED)
        held, fades = one.step.fault.held, getattr(one.step.fault, "fades", False)
        if answers and (bitten is False or not (held or fades)):
            if one.bitten and not (bitten or held or fades):
                because = f"{one.place and one.place.instance} runs since the same moment as before: it never died"
                self._record(NotBitten(at_ns=self._now(), step=one.step.id, because=because))
            with suppress(SetupError):  # a full disk: the act stays open there, and is mended once more by whoever reads it
                self._log.close_step(one.step.id)
            self._record(Closed(at_ns=self._now(), step=one.step.id))
            one.stage = Stage.DONE
        elif self._now() - one.since_ns > HEAL_S * S:
            because = f"{one.place and one.place.instance} still says {reading.value or reading.why} after {HEAL_S:g} s"
            with suppress(SetupError):
                self._log.put_off(one.step.id, None)
            one.stage = Stage.DONE
            if not fades:  # what the shop does not get over is no work of ours that is left: its checkers speak of it
                self._record(NotHealed(at_ns=self._now(), step=one.step.id, because=because, mend=self._mending))
            if held:  # a dirty shop is not measured on; one that cannot get over an impulse is
                raise ControlError(f"{one.step.id}: {because}; the shop stays as it is: `{self._mending}`")
        else:
            if held and self._now() - one.played_ns > AGAIN_S * S:
                self._play(one)
            one.look_at_ns = self._now() + int(HEALING_EVERY_S * S)

    def _judge(self, one: _Progress, stage: Stage) -> bool | None:
        """Look once, record it, and give the fault's own judgement."""
        reading = self._look(one)
        bitten = one.step.fault.bitten(one.before, reading)
        self._looked(one, one.place.instance if one.place else "?", reading, bitten=bitten, stage=stage)
        return bitten

    def _look(self, one: _Progress) -> Reading:
        """Look through the step's sense; a look that crashed could not see."""
        assert one.place is not None  # noqa: S101 -- located before any look
        try:
            reading = one.step.fault.look(self._shop.able(one.place.instance, one.step.fault.sense))
        except Exception as error:  # noqa: BLE001 -- a witness that crashed saw nothing, and must say so
            reading = Reading(at_ns=self._now(), value=None, why=f"the witness crashed: {type(error).__name__}: {error}")
        return replace(reading, at_ns=self._now())

    def _looked(
        self, one: _Progress, instance: str, reading: Reading, *, bitten: bool | None, stage: Stage | None = None
    ) -> None:
        name = (stage or one.stage).value
        self._record(
            Looked(at_ns=reading.at_ns, step=one.step.id, instance=instance, stage=name, reading=reading, bitten=bitten)
        )


def _in(seconds: float) -> int:
    """Give a deadline on the machine's monotonic clock."""
    return monotonic_ns() + int(seconds * S)
