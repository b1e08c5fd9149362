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
import platform
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from harness import events, registry
from harness.clock import Clock, MachineClock, S, Watch
from harness.drivers import Driver, driver, process
from harness.errors import ControlError, SetupError, WindtunnelError
from harness.events import Event
from harness.guardian import Guardian
from harness.host import Machine, describe
from harness.interrupts import EXIT_CODES, InterruptedRun, Interrupts
from harness.load.generator import Generator
from harness.load.spec import LoadSpec
from harness.model import noun
from harness.nemesis import Nemesis
from harness.plan import Plan
from harness.recorder import Recorder
from harness.sampler import Job, Sampler
from harness.shop import RunningShop, Shop, Site
from harness.store import HARNESS, LOAD, LOCK, ORDERS, SCENARIO, UNDO, Process, write_audit, write_site
from harness.undo import Lock, UndoLog

REQUEST_S = 10.0
AHEAD_S = 1.0
SETTLE_S, HASTY_SETTLE_S = REQUEST_S + 5, 2.0
WHOLE_S = 120.0
LIBRARIES = ("windtunnel", "locust", "docker", "testcontainers", "numpy")


@noun
class Settings:
    """How to run, apart from what. ``project`` is the folder of the configuration; ``show`` hears every record."""

    shop: Shop
    shop_name: str
    project: Path
    out: Path
    run: str
    command: str
    show: Callable[[Event], None]
    say: Callable[[str], None]
    keep: bool = False
    wait: bool = False
    part: int = 1
    of: int = 1


@noun
class Ended:
    """How a run ended: its folder, and the exit code of an interruption (None if it came to its end)."""

    folder: Path
    interrupted: int | None


class Flight:
    """One run on its way; ``fly`` tells the story."""

    def __init__(self, plan: Plan, settings: Settings, clock: Clock | None = None) -> None:
        self._plan, self._settings = plan, settings
        self._clock = clock or MachineClock()
        self._watch = Watch(self._clock)
        self._folder = settings.out / settings.run
        self._driver: Driver = driver(plan.declaration.driver)
        self._last_bad_ns = self._disturbed_ns = 0
        self._dirty = False
        self._standbys: dict[str, float | str | None] = {}
        self._shop: RunningShop | None = None
        self._nemesis: Nemesis | None = None
        self._generator: Generator | None = None
        self._until_ns: int | None = None
        self._sampler: Sampler | None = None
        self._unwatch: Callable[[], None] = lambda: None

    def fly(self) -> Ended:
        """Fly. Raises ``SetupError`` where the machine is not ready; nothing is left behind then."""
        with ExitStack() as held:
            held.enter_context(Lock(Path(tempfile.gettempdir()) / "windtunnel.lock", wait=self._settings.wait))
            self._make_folder()
            held.enter_context(Lock(self._folder / LOCK))
            self._record = Recorder(self._folder, self._see)
            self._begin()
            self._guardian = Guardian(
                self._folder, self._settings.run, self._plan.declaration.driver, keep=self._settings.keep
            )
            interrupts = held.enter_context(Interrupts(self._watch))
            self._watch.on(self._guardian.pidfd, self._guardian_gone)
            return self._guarded_flight(interrupts)

    def _guarded_flight(self, interrupts: Interrupts) -> Ended:
        """Fly on with a guardian; whatever happens, heal, keep the evidence, and clear away."""
        code: int | None = None
        trouble: SetupError | None = None
        try:
            interrupts.hurried = True
            self._start_shop()
            interrupts.hurried = False
            self._measure()
            self._settle()
            interrupts.hurried = True
            self._audit()
            interrupts.hurried = False
        except InterruptedRun as interruption:
            code = EXIT_CODES[interruption.by]
            self._cut_short(interruption.by)
        except SetupError as error:
            code, trouble = error.exit_code, error
            self._cut_short(f"error: {error}")
        except WindtunnelError as error:
            self._cut_short(f"error: {error}")
        except Exception as error:  # noqa: BLE001 -- a bug of ours must still heal, and must be told
            self._cut_short(f"error: {type(error).__name__}: {error}")
        self._clear_away()
        if trouble is not None and self._shop is None:
            raise trouble
        return Ended(folder=self._folder, interrupted=code)

    # -- 1-3: before anything runs

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True)
            (self._folder / SCENARIO).write_text(
                Path(self._plan.scenario.file).read_text(encoding="utf-8"), encoding="utf-8"
            )
            me = Process(pid=os.getpid(), zero_ns=self._clock.zero_ns)
            (self._folder / HARNESS).write_bytes(msgspec.json.encode(me))
        except OSError as error:
            raise SetupError(f"{self._folder}: the run folder cannot be made: {error}") from error

    def _begin(self) -> None:
        plan, settings = self._plan, self._settings
        versions = {name: version(name) for name in LIBRARIES if _installed(name)} | {"python": platform.python_version()}
        self._record(
            events.Run(
                at_ns=self._clock.now_ns(),
                id=settings.run,
                command=settings.command,
                commit=_commit(settings.project),
                machine=describe(),
                versions=versions,
                shop=settings.shop_name,
                defects=plan.defects,
                seed=plan.scenario.seed,
                scale=plan.scale,
                wall_ns=self._clock.wall_ns(),
                part=settings.part,
                of=settings.of,
            )
        )

    def _guardian_gone(self) -> None:
        self._watch.off(self._guardian.pidfd)
        raise ControlError("the guardian died; nothing more is broken without it")

    def _guarded(self) -> None:
        """No act without a living guardian. Raises ``ControlError``."""
        if not self._guardian.lives():
            raise ControlError("the guardian died; nothing is broken without it")

    # -- 4: the shop

    def _start_shop(self) -> None:
        self._phase("shop_up")
        settings = self._settings
        self._unwatch = self._driver.watch(settings.run, self._record, self._clock.now_ns)
        site = Site(id=settings.run, folder=self._folder, now_ns=self._clock.now_ns, say=settings.say)
        self._shop = settings.shop.start(self._plan, site)
        write_site(self._folder, self._shop.residence)
        url, by = self._shop.entry
        self._record(events.Entry(at_ns=self._clock.now_ns(), url=url, by=by))
        self._record(events.Parts(at_ns=self._clock.now_ns(), versions=dict(self._shop.versions)))

    # -- 5-7: load, baseline, steps, recovery

    def _measure(self) -> None:
        load, recovery = self._plan.scenario.load, self._plan.scenario.recovery
        assert self._shop is not None  # noqa: S101 -- started just before
        self._sampler = Sampler(self._jobs(self._shop), self._record, self._clock.now_ns)
        self._nemesis = Nemesis(
            steps=self._plan.steps,
            shop=self._shop,
            driver=self._driver,
            log=UndoLog(self._folder / UNDO),
            record=self._record,
            watch=self._watch,
            guarded=self._guarded,
            run=self._settings.run,
        )
        self._generator = self._start_load(self._shop)
        self._sampler.start()
        warm_ns = self._generator.begin_ns + int(load.warm_up_s * S)
        base_ns = warm_ns + int(load.baseline_s * S)
        self._phase("warm_up")
        self._watch.until(warm_ns)
        self._phase("baseline")
        self._nemesis.baseline(base_ns)
        if self._plan.steps:
            self._phase("steps")
            self._nemesis.walk(base_ns)
            self._phase("recovery")
            self._recover(self._clock.now_ns(), recovery.stable_s, recovery.give_up_s)

    def _start_load(self, shop: RunningShop) -> Generator:
        spec = LoadSpec(
            run=self._settings.run,
            seed=self._plan.scenario.seed,
            scale=self._plan.scale,
            load=self._plan.scenario.load,
            zero_ns=self._clock.zero_ns,
            begin_ns=self._clock.now_ns(),
            longest_s=self._plan.longest_s,
            url=shop.entry[0],
            shopper=self._plan.declaration.shopper,
            ledger=str(self._folder / ORDERS),
            project=str(self._settings.project),
            timeout_s=REQUEST_S,
        )
        generator = Generator.start(spec, self._tick)
        process.note(generator.pid, self._folder / LOAD)
        self._record(events.LoadStarted(at_ns=self._clock.now_ns(), begin_ns=generator.begin_ns))
        self._watch.on(generator.pidfd, self._load_gone)
        return generator

    def _tick(self, tick: events.LoadTick) -> None:
        """Record what the load says in passing, and pair the clocks with it once a second."""
        self._record(tick)
        self._record(events.ClockPair(at_ns=self._clock.now_ns(), wall_ns=self._clock.wall_ns()))

    def _load_gone(self) -> None:
        assert self._generator is not None  # noqa: S101 -- it is its descriptor that woke us
        self._watch.off(self._generator.pidfd)
        self._generator.wait(0)
        raise ControlError("the load ended before its time")

    def _jobs(self, shop: RunningShop) -> list[Job]:
        """Give each probe of the plan everything it can look at."""
        machine = Machine(self._clock.now_ns, lambda: self._driver.cpu_s(shop.residence), self._own_pids)
        jobs = []
        for name in self._plan.probes:
            probe = registry.cls("probes", name)()
            if isinstance(machine, probe.sense):
                jobs.append(Job(name=name, on="machine", probe=probe, sense=machine))
            for part in self._plan.declaration.components:
                if part.name in self._plan.parts and probe.sense in part.abilities:
                    sense = shop.able(shop.instances(part)[0], probe.sense)
                    jobs.append(Job(name=name, on=part.name, probe=probe, sense=sense))
        return jobs

    def _own_pids(self) -> list[int]:
        load = [self._generator.pid] if self._generator else []
        return [os.getpid(), self._guardian.pid, *load]

    def _recover(self, from_ns: int, stable_s: float, give_up_s: float) -> None:
        """Wait until the last disturbance is over for ``stable_s`` and redundancy is back, or until we give up."""
        give_up_ns = from_ns + int(give_up_s * S)
        while self._clock.now_ns() < give_up_ns:
            steady_ns = max(self._disturbed_ns, self._last_bad_ns, from_ns) + int((stable_s + AHEAD_S) * S)
            if self._clock.now_ns() >= steady_ns and self._redundant():
                return
            self._watch.sleep(0.5)

    def _redundant(self) -> bool:
        """Whether every component that is watched for it has its standbys again."""
        return all(
            self._standbys.get(part.name) == part.standbys
            for part in self._plan.declaration.components
            if part.name in self._standbys
        )

    # -- 8-9: settle, compare, audit

    def _settle(self) -> None:
        """Stop the arrivals at an instant said in advance, and wait until what is in flight has settled."""
        assert self._generator is not None  # noqa: S101 -- the load has run
        self._until_ns = self._clock.now_ns() + int(AHEAD_S * S)
        self._generator.stop_at(self._until_ns)
        self._watch.off(self._generator.pidfd)
        self._phase("settle")
        self._watch.until(self._until_ns)
        rows = self._generator.wait(SETTLE_S)
        self._record(events.LoadStopped(at_ns=self._clock.now_ns(), until_ns=self._until_ns, rows=rows))
        if rows is None:
            self._generator.kill()

    def _audit(self) -> None:
        assert self._shop is not None  # noqa: S101 -- the shop has run
        self._phase("audit")
        give_up_ns = self._clock.now_ns() + int(WHOLE_S * S)
        while (residue := self._shop.fingerprint()) and self._clock.now_ns() < give_up_ns:
            self._watch.sleep(1.0)
        off = tuple(f"{one.on}: {one.what}" for one in residue)
        self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=off))
        audit = self._shop.audit()
        write_audit(self._folder, audit)
        self._record(events.Audited(at_ns=self._clock.now_ns(), rows=sum(len(node.key) for node in audit.nodes)))

    # -- the short way out, and 10

    def _cut_short(self, by: str) -> None:
        """Heal first; then stop the load hastily and keep what it has written."""
        self._record.sparing = True
        self._record(events.Interrupted(at_ns=self._clock.now_ns(), by=by))
        self._settings.say(f"interrupted by {by}: healing")
        self._watch.off(self._guardian.pidfd)
        if self._generator is not None:
            self._watch.off(self._generator.pidfd)
        if self._nemesis is not None:
            self._nemesis.heal("interrupted")
        if self._generator is not None and self._until_ns is None:
            with suppress(WindtunnelError):
                self._until_ns = self._clock.now_ns() + int(AHEAD_S * S)
                self._generator.stop_at(self._until_ns)
                rows = self._generator.wait(AHEAD_S + HASTY_SETTLE_S)
                self._record(events.LoadStopped(at_ns=self._clock.now_ns(), until_ns=self._until_ns, rows=rows))
        if self._generator is not None:
            self._generator.kill()
        if self._shop is not None:
            off = tuple(f"{one.residue.on}: {one.residue.what}" for one in self._driver.deviations(self._shop.residence))
            self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=off))

    def _clear_away(self) -> None:
        """Collect the logs, stop the shop unless told to keep it, seal the journal, dismiss the guardian."""
        self._phase("shop_down")
        if self._sampler is not None:
            self._sampler.stop()
        if self._shop is not None:
            with suppress(WindtunnelError):
                self._shop.collect(self._folder / "logs")
            self._unwatch()
            if not self._settings.keep and not self._dirty:
                self._stop_shop(self._shop)
        self._record.seal(self._clock.now_ns())
        self._guardian.dismiss()

    def _stop_shop(self, shop: RunningShop) -> None:
        """Remove everything of the run; what is left is residue, and makes the run DIRTY."""
        try:
            shop.stop()
        except WindtunnelError as error:
            self._record(events.Fingerprint(at_ns=self._clock.now_ns(), residue=(f"not removed: {error}",)))

    def _phase(self, name: str) -> None:
        self._record(events.Phase(at_ns=self._clock.now_ns(), name=name))
        self._record(events.ClockPair(at_ns=self._clock.now_ns(), wall_ns=self._clock.wall_ns()))

    def _see(self, event: Event) -> None:
        """Remember what the recovery waits for, then show the record."""
        if isinstance(event, events.LoadTick) and event.last_bad_ns is not None:
            self._last_bad_ns = event.last_bad_ns
        elif isinstance(event, events.Healing | events.Acted):
            self._disturbed_ns = event.at_ns
        elif isinstance(event, events.Sample) and event.probe == "redundancy":
            self._standbys[event.on] = event.value
        elif isinstance(event, events.NotHealed) or (isinstance(event, events.Fingerprint) and event.residue):
            self._dirty = True
        self._settings.show(event)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _commit(project: Path) -> str:
    """Give the project's commit, with ``+`` where the tree differs from it; empty outside git."""
    try:
        command = ["git", "-C", str(project), "describe", "--always", "--abbrev=12", "--dirty=+"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
