"""One run, from the lock to the stored history.

The story, in the order in which it happens:

 1. make the run folder; take its lock (only its holder may break or mend) and the machine's (one measuring run at a time);
 2. write down what runs: commit, command, versions, machine, seed;
 3. start the guardian: nothing is broken without it;
 4. start the shop fresh, and write down everything it has put on this machine;
 5. start the load: it warms up, then the baseline, in which every witness looks at its target;
 6. the nemesis walks the steps while the load goes on;
 7. heal all, and wait until the shop is steady again, or until we give up;
 8. stop the arrivals and let what is in flight settle;
 9. compare the shop with its declaration, and audit every node;
10. collect the logs, stop the shop, seal the journal, dismiss the guardian.

Whatever ends it early - a signal, a lost part, a full disk - goes the same way from 7 on, only faster. Judging comes later
and elsewhere: it needs nothing but the folder.
"""

import os
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from harness import events, provenance
from harness.arrivals import Arrivals
from harness.clock import Clock, MachineClock, S, Watch
from harness.cost import ITSELF
from harness.drivers import Driver, driver, process
from harness.errors import ControlError, SetupError, WindtunnelError
from harness.events import Event
from harness.guardian import Guardian
from harness.interrupts import EXIT_CODES, InterruptedRun, Interrupts
from harness.mend import deviations, heal, recorded, remove
from harness.model import noun
from harness.nemesis import Nemesis
from harness.planned import Plan
from harness.rates import stages_s
from harness.receiver import Receiver
from harness.recorder import Recorder
from harness.recovery import Convalescence
from harness.sampler import Sampler, beside, jobs, metrics
from harness.settings import Settings
from harness.shop import RunningShop, Site
from harness.store import HARNESS, LOCK, SCENARIO, UNDO, Process, write_audit, write_site
from harness.undo import Lock, UndoLog, take_machine

WHOLE_S = 120.0


@noun
class Ended:
    """How a run ended: its folder, the exit code of an interruption (None if it came to its end), whether the shop is DIRTY.

    The journal says that too, where it could still be written.
    """

    folder: Path
    interrupted: int | None
    dirty: bool = False


class Flight:
    """One run on its way; ``fly`` tells the story."""

    def __init__(self, plan: Plan, settings: Settings, clock: Clock | None = None) -> None:
        self._plan, self._settings = plan, settings
        self._clock = clock or MachineClock()
        self._watch = Watch(self._clock)
        self._folder = settings.out / settings.run
        self._driver: Driver = driver(plan.declaration.driver)
        self._convalescence = Convalescence(plan.declaration)
        self._dirty = False
        self._shop: RunningShop | None = None
        self._nemesis: Nemesis | None = None
        self._arrivals: Arrivals | None = None
        self._sampler: Sampler | None = None
        self._beside = ExitStack()  # what listens while the shop runs

    def fly(self) -> Ended:
        """Fly. Raises ``SetupError`` where the machine is not ready; nothing is left behind then."""
        self._driver.leftovers()  # where no engine answers, nobody need wait for the machine, and nothing is made
        with ExitStack() as stack:
            stack.enter_context(take_machine(self._settings.run, wait=self._settings.wait, say=self._settings.say))
            interrupts = stack.enter_context(Interrupts(self._watch))
            self._make_folder()
            stack.enter_context(Lock(self._folder / LOCK))
            self._record = Recorder(self._folder, self._see)
            self._record(provenance.first_record(self._plan, self._settings, self._clock))
            machinery, keep, longest_s = self._plan.declaration.driver, self._settings.keep, self._plan.longest_s
            self._guardian = Guardian(self._folder, self._settings.run, machinery, keep=keep, longest_s=longest_s)
            interrupts.guarded = self._guardian.lives
            self._watch.on(self._guardian.pidfd, self._guarded)
            return self._guarded_flight(interrupts)

    def _guarded_flight(self, interrupts: Interrupts) -> Ended:
        """Fly on with a guardian; whatever happens, heal, keep the evidence, and clear away."""
        code, because = None, ""
        trouble: SetupError | None = None
        foreign: BaseException | None = None
        try:
            interrupts.hurry()
            shop = self._start_shop()
            interrupts.bide()
            self._measure(shop)
            interrupts.hurry()
            self._audit(shop)
        except InterruptedRun as interruption:
            code, because = EXIT_CODES[interruption.by], interruption.by
        except SetupError as error:
            code, trouble, because = error.exit_code, error, f"error: {error}"
        except WindtunnelError as error:
            because = f"error: {error}"
        except BaseException as error:  # noqa: BLE001 -- a bug of ours, or somebody's time limit: heal first, then tell
            because = f"error: {type(error).__name__}: {error}"
            foreign = None if isinstance(error, Exception) else error
        interrupts.calm()
        try:
            if because:
                self._cut_short(because)
            self._clear_away()
        except BaseException:  # a time limit in the middle of it, a bug of ours: whoever is left does the rest
            self._guardian.take_over()
            raise
        if trouble is not None and self._shop is None:
            left = f"; not all of it could be removed: `windtunnel heal {self._settings.run}`" if self._dirty else ""
            raise SetupError(self._record.cleaned(f"{trouble}{left}"))
        if foreign is not None:
            raise foreign
        if interrupts.caught is not None:  # perhaps too late to end this run early, but no other may follow
            code = EXIT_CODES[interrupts.caught]
        return Ended(folder=self._folder, interrupted=code, dirty=self._dirty)

    # -- 1-3: before anything runs

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True)
            (self._folder / SCENARIO).write_text(self._plan.scenario.text, encoding="utf-8")
            me = Process(pid=os.getpid(), start_ticks=process.started(os.getpid()), zero_ns=self._clock.zero_ns)
            (self._folder / HARNESS).write_bytes(msgspec.json.encode(me))
        except OSError as error:
            raise SetupError(f"{self._folder}: the run folder cannot be made: {error}; try another --out") from error

    def _guarded(self) -> None:
        """No act without a living guardian. Raises ``ControlError``."""
        if not self._guardian.lives():
            self._watch.off(self._guardian.pidfd)
            raise ControlError("the guardian died; nothing more is broken without it")

    # -- 4: the shop

    def _start_shop(self) -> RunningShop:
        self._phase("shop_up")
        settings, now_ns = self._settings, self._clock.now_ns
        self._beside.callback(self._driver.watch(settings.run, self._record, now_ns))
        receiver = Receiver(self._record, now_ns)
        self._beside.callback(receiver.close)
        site = Site(
            id=settings.run, folder=self._folder, now_ns=now_ns, say=self._say, receive=receiver.open, hide=self._record.hide
        )
        self._shop = shop = settings.shop.start(self._plan, site)
        self._record.hide(shop.secrets)
        write_site(self._folder, shop.residence)
        self._record(events.Entry(at_ns=now_ns(), url=shop.entry.url, by=shop.entry.reached))
        self._record(provenance.parts(self._plan, shop, self._clock))
        return shop

    # -- 5-8: load, baseline, steps, recovery, settling

    def _measure(self, shop: RunningShop) -> None:
        load = self._plan.scenario.load
        self._sampler = sampler = self._new_sampler(shop)
        self._nemesis = nemesis = self._new_nemesis(shop)
        self._arrivals = arrivals = Arrivals(
            self._plan,
            entry=shop.entry,
            folder=self._folder,
            settings=self._settings,
            watch=self._watch,
            record=self._record,
        )
        sampler.start()
        base_ns = (warm_ns := arrivals.begin_ns + int(load.warm_up_s * S)) + int(load.baseline_s * S)
        self._phase("warm_up")
        self._watch.until(warm_ns)
        self._phase("baseline")
        nemesis.baseline(base_ns)
        if self._plan.scenario.disturbed:
            self._phase("steps")
            nemesis.walk(base_ns)
            self._watch.until(base_ns + int(stages_s(load) * S))
            self._phase("recovery")
            self._convalescence.wait(self._watch, self._plan.scenario.recovery)
        self._phase("settle")
        arrivals.settle()
        metrics(self._plan, shop, arrivals.begin_ns, self._clock.now_ns, self._record)

    def _new_nemesis(self, shop: RunningShop) -> Nemesis:
        return Nemesis(
            steps=self._plan.steps,
            shop=shop,
            driver=self._driver,
            log=UndoLog(self._folder / UNDO),
            record=self._record,
            watch=self._watch,
            guarded=self._guarded,
            mend=f"windtunnel heal {self._settings.run}",
        )

    def _new_sampler(self, shop: RunningShop) -> Sampler:
        grows = bool(self._plan.added)
        seen = beside(self._driver, shop.residence, self._pids, self._clock.now_ns, grows=grows)
        return Sampler(jobs(self._plan, shop, seen), self._record, self._clock.now_ns)

    def _pids(self) -> dict[str, list[int]]:
        return {ITSELF: [os.getpid(), self._guardian.pid], **(self._arrivals.pids() if self._arrivals else {})}

    # -- 9: compare and audit

    def _audit(self, shop: RunningShop) -> None:
        self._phase("audit")
        give_up_ns = self._clock.now_ns() + int(WHOLE_S * S)
        while (residue := shop.fingerprint()) and not self._dirty and self._clock.now_ns() < give_up_ns:
            self._watch.sleep(1.0)
        off = tuple(f"{one.on}: {one.what}" for one in residue)
        self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=off))
        audit = shop.audit()
        write_audit(self._folder, audit)
        self._record(events.Audited(at_ns=self._clock.now_ns(), rows=sum(len(node.key) for node in audit.nodes)))

    # -- the short way out, and 10

    def _cut_short(self, by: str) -> None:
        """Heal first; then stop the load hastily and keep what it has written."""
        self._record.sparing = True
        self._record(events.Interrupted(at_ns=self._clock.now_ns(), by=by))
        self._say(f"interrupted by {by}: healing")
        self._watch.off(self._guardian.pidfd)
        if self._nemesis is not None:
            self._nemesis.heal("interrupted")
        if self._arrivals is not None:
            self._arrivals.cut_short()
        if self._shop is not None:
            if self._settings.keep and not self._dirty:  # nobody removes it: an act that comes late would stay
                with suppress(WindtunnelError):  # what is still off is said right below
                    heal(self._folder, self._shop.residence, recorded(self._record, self._clock.now_ns))
            off = tuple(f"{one.on}: {one.what}" for one, _ in deviations(self._driver, self._shop.residence))
            if off or not self._dirty:  # whoever compares fewer things must not have the last word
                self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=off))

    def _clear_away(self) -> None:
        """Collect the logs, stop the shop unless told to keep it, seal the journal, dismiss the guardian.

        A DIRTY shop stays where it is, in quarantine, for people to look at. A shop that did not come up is swept.
        """
        self._record.sparing = True
        self._phase("shop_down")
        if self._sampler is not None:
            self._sampler.stop()
        if self._shop is not None:
            with suppress(Exception):  # a full disk, or a shop's own bug, keeps no logs, and hinders nothing
                self._shop.collect(self._folder / "logs")
        self._beside.close()
        if not (self._settings.keep or self._dirty):
            self._remove_shop()
        self._record.seal(self._clock.now_ns())
        self._guardian.dismiss()

    def _remove_shop(self) -> None:
        """Remove everything of the run; what is left is residue, and makes the run DIRTY."""
        left: tuple[str, ...] = ()
        try:
            if self._shop is not None:
                with suppress(SetupError):  # a full disk: should we die now, its guardian looks for what we removed
                    write_site(self._folder, replace(self._shop.residence, things=()))
                self._shop.stop()
            else:
                left = remove(self._folder, self._settings.run, self._driver)
        except Exception as error:  # noqa: BLE001 -- a shop that cannot be stopped, for whatever reason, is still there
            left = (str(error) or type(error).__name__,)
        if left:
            off = tuple(f"not removed: {name}" for name in left)
            self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=off))

    def _say(self, line: str) -> None:
        self._settings.say(self._record.cleaned(line))

    def _phase(self, name: str) -> None:
        self._record(events.Phase(at_ns=self._clock.now_ns(), name=name))
        self._record(events.ClockPair(at_ns=self._clock.now_ns(), wall_ns=self._clock.wall_ns()))

    def _see(self, event: Event) -> None:
        """Pass a record on to those who wait for it."""
        self._convalescence.hear(event)
        if isinstance(event, events.NotHealed) or (isinstance(event, events.Fingerprint) and event.residue):
            self._dirty = True
        self._settings.show(event)
