"""One breakage by hand, on a shop that stands: with every guard of a run, and the shop stands on afterwards.

1. take the shop's lock (one breakage at a time), start a guardian that heals and does not remove, reach the shop's parts;
2. let the witness look at the target for some seconds;
3. the nemesis writes the undo down, breaks, sees the bite, holds, heals, and sees it healed;
4. compare what runs with what was declared, close the journal, dismiss the guardian.

Whatever ends it early goes the same way from the heal on.
"""

from contextlib import suppress

from harness import events, provenance
from harness.clock import MachineClock, S, Watch
from harness.drivers import driver
from harness.errors import ControlError, SetupError, WindtunnelError
from harness.events import Event
from harness.interrupts import EXIT_CODES, InterruptedRun
from harness.mend import deviations, heal, recorded
from harness.model import Outcome, noun
from harness.nemesis import HEAL_S, Nemesis
from harness.planned import OVERDUE_S, Plan
from harness.recorder import Recorder
from harness.settings import Settings
from harness.stand import Guard, Stood, guarded, made, resumed
from harness.store import UNDO
from harness.undo import UndoLog, still_open

AROUND_S = HEAL_S + 4 * OVERDUE_S  # beside baseline and hold: reaching the parts, healing, looking again


@noun
class Struck:
    """How a breakage ended. ``unbitten`` and ``unhealed`` say what was not seen, ``trouble`` what ended it early."""

    unbitten: str
    unhealed: str
    trouble: BaseException | None

    @property
    def exit_code(self) -> int:
        """0 for bitten and healed; else that of what is worst: not healed, ended early, not bitten."""
        if self.unhealed:
            return Outcome.DIRTY.exit_code
        if isinstance(self.trouble, InterruptedRun):
            return EXIT_CODES[self.trouble.by]
        if isinstance(self.trouble, WindtunnelError):
            return self.trouble.exit_code
        return Outcome.INCONCLUSIVE.exit_code if self.unbitten else 0


class Strike:
    """The one step of ``plan``, carried out on a shop that stands; ``settings`` name the folder of its records."""

    def __init__(self, plan: Plan, stood: Stood, settings: Settings) -> None:
        self._plan, self._stood, self._settings = plan, stood, settings
        self._clock = MachineClock()
        self._watch = Watch(self._clock)
        self._nemesis: Nemesis | None = None
        self._acted = self._bitten = self._closed = False
        self._unbitten = self._unhealed = ""

    def carry_out(self) -> Struck:
        """Break and heal. Raises ``SetupError`` where nothing may be broken now; nothing has happened then."""
        stood, folder = self._stood, self._settings.out / self._settings.run
        longest_s = self._plan.scenario.load.baseline_s + (self._plan.steps[0].hold_s or 0.0) + AROUND_S
        with guarded(stood.folder, stood.residence.driver, self._watch, keep=True, longest_s=longest_s) as guard:
            self._record = record = Recorder(made(folder), self._see)
            record.hide(stood.secrets)
            record(provenance.first_record(self._plan, self._settings, self._clock))
            trouble = guard.ended_by(lambda: self._strike(guard))
            record.sparing = True
            if trouble is not None:
                self._heal_now(trouble)
            if self._acted:
                record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=self._off()))
            record.seal(self._clock.now_ns())
        if trouble is not None and not isinstance(trouble, InterruptedRun | WindtunnelError):
            raise trouble
        unbitten = self._unbitten or ("" if self._bitten else "nobody saw it bite")
        unseen = self._acted and not self._closed
        unhealed = self._unhealed or ("nobody saw the shop get over it: windtunnel heal" if unseen else "")
        return Struck(unbitten=unbitten, unhealed=unhealed, trouble=trouble)

    def _strike(self, guard: Guard) -> None:
        """Look, break, hold and heal; a signal ends it at any time, but never in the middle of an act."""
        stood, baseline_s = self._stood, self._plan.scenario.load.baseline_s
        guard.interrupts.hurry()
        if off := self._off():
            raise SetupError(f"{stood.run}: not as declared: {'; '.join(off)}. First type: windtunnel heal")
        shop = resumed(stood, self._settings.shop, self._clock, self._settings.say)
        guard.interrupts.bide()
        self._nemesis = Nemesis(
            steps=self._plan.steps,
            shop=shop,
            driver=driver(stood.residence.driver),
            log=UndoLog(stood.folder / UNDO),
            record=self._record,
            watch=self._watch,
            guarded=guard.check,
            mend="windtunnel heal",  # by its name it would be removed
        )
        self._settings.say(f"the witness looks at {self._plan.steps[0].fault.target} for {baseline_s:g} s before")
        self._nemesis.baseline(self._clock.now_ns() + int(baseline_s * S))
        self._nemesis.walk(self._clock.now_ns())

    def _off(self) -> tuple[str, ...]:
        """Say what does not run as declared."""
        residence = self._stood.residence
        return tuple(f"{one.on}: {one.what}" for one, _ in deviations(driver(residence.driver), residence))

    def _heal_now(self, trouble: BaseException) -> None:
        """Heal what was begun, and what a call that came late has broken."""
        by = trouble.by if isinstance(trouble, InterruptedRun) else f"error: {trouble}"
        self._record(events.Interrupted(at_ns=self._clock.now_ns(), by=by))
        if self._nemesis is not None:
            with suppress(ControlError):  # it is on record that it was not seen healed
                self._nemesis.heal("interrupted")
        if self._acted or still_open(self._stood.folder / UNDO):
            heal(self._stood.folder, self._stood.residence, recorded(self._record, self._clock.now_ns))

    def _see(self, event: Event) -> None:
        """Keep what decides the exit code, and pass the record on."""
        if isinstance(event, events.Intended):
            self._acted = True
        elif isinstance(event, events.Bitten):
            self._bitten = True
        elif isinstance(event, events.NotBitten):
            self._unbitten = event.because
        elif isinstance(event, events.Looked) and event.stage == "held" and event.bitten is False and self._bitten:
            self._unbitten = f"{event.instance} was well again while it should have been held"
        elif isinstance(event, events.Closed):
            self._closed = True
        elif isinstance(event, events.NotHealed):
            self._unhealed = event.because
        elif isinstance(event, events.Fingerprint) and event.residue:
            self._unhealed = "; ".join(event.residue)
        self._settings.show(event)
