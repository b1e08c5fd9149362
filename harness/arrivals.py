"""The load of one run, from the harness's side: started, watched, stopped at an instant said in advance, or in haste."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness import events, host
from harness.browser.onlooker import Onlooker
from harness.browser.record import SHOTS
from harness.browser.spec import BrowserSpec
from harness.clock import S, Watch
from harness.cost import GENERATOR
from harness.drivers import process
from harness.errors import ControlError, WindtunnelError
from harness.events import Event
from harness.load.generator import Generator
from harness.load.spec import LoadSpec
from harness.planned import Plan
from harness.settings import Settings
from harness.shop import Entry
from harness.store import LOAD, ORDERS, SCREENS, SESSIONS
from harness.views import PATIENCE_NS

REQUEST_S = 10.0
AHEAD_S = 1.0
SETTLE_S, HASTY_SETTLE_S = REQUEST_S + 5, 2.0
LAST_LOOK_S = 2 * PATIENCE_NS / S + 5  # the last load, and a look whether the browser itself still works
SHOTS_MAX, BITTEN_S = 4, 2.0
GATHERER = "gatherer"


class Arrivals:
    """Started when made. While it lives, its early end raises ``ControlError`` in the next wait of ``watch``."""

    def __init__(  # noqa: PLR0913 -- what a load is made of, named
        self,
        plan: Plan,
        *,
        entry: Entry,
        folder: Path,
        settings: Settings,
        watch: Watch,
        record: Callable[[Event], None],
    ) -> None:
        self._watch, self._record = watch, record
        self._stopped = False
        self._gathers = bool(settings.gather)
        spec = LoadSpec(
            run=settings.run,
            seed=plan.scenario.seed,
            scale=plan.scale,
            load=plan.scenario.load,
            zero_ns=watch.clock.zero_ns,
            begin_ns=watch.clock.now_ns(),
            longest_s=plan.longest_s,
            url=entry.url,
            ca=entry.ca,
            shopper=plan.declaration.shopper,
            ledger=str(folder / ORDERS),
            project=str(settings.project),
            requests=str(folder / SESSIONS),
            cores=settings.cores,
            generators=settings.generators,
            gather=settings.gather,
            timeout_s=REQUEST_S,
        )
        self._onlooker = _onlooker(plan, entry, folder, watch.clock.zero_ns)
        try:
            self._generator = Generator.start(spec, self._tick, self._lost)
        except BaseException:
            self._look_away()
            raise
        self._pidfd = self._generator.pidfd
        self.pid, self.begin_ns = self._generator.pid, self._generator.begin_ns
        try:
            process.note(self.pid, folder / LOAD)
            record(events.LoadStarted(at_ns=watch.clock.now_ns(), begin_ns=self.begin_ns))
            if self._onlooker is not None:
                self._onlooker.begin(self.begin_ns)
        except BaseException:
            self._generator.kill()
            self._look_away()
            raise
        watch.on(self._pidfd, self._gone)

    def pids(self) -> dict[str, list[int]]:
        """Give the processes that make the load, and those of a browser that looks beside it.

        Where others send the orders from elsewhere, ours only gather: what a generator uses is not known here then.
        """
        return {
            GATHERER if self._gathers else GENERATOR: host.session(self.pid),
            "browser": list(self._onlooker.pids()) if self._onlooker is not None else [],
        }

    def settle(self) -> None:
        """Stop the arrivals, and wait until what is in flight has settled."""
        until_ns = self._stop()
        self._watch.until(until_ns)
        self._finish(until_ns, SETTLE_S)
        if self._onlooker is not None:
            self._onlooker.finish(LAST_LOOK_S)

    def cut_short(self) -> None:
        """Stop the arrivals and give what is in flight two seconds; then end the load. Twice is harmless."""
        self._watch.off(self._pidfd)
        if not self._stopped:
            with suppress(WindtunnelError):  # it may have died; what it wrote is kept, unsealed, and doubted
                self._finish(self._stop(), AHEAD_S + HASTY_SETTLE_S)
        self._generator.kill()
        self._look_away()

    def _look_away(self) -> None:
        if self._onlooker is not None:
            self._onlooker.kill()

    def _tick(self, tick: events.LoadTick) -> None:
        """Record what the load says in passing, and pair the clocks with it once a second."""
        clock = self._watch.clock
        self._record(tick)
        self._record(events.ClockPair(at_ns=clock.now_ns(), wall_ns=clock.wall_ns()))

    def _lost(self, why: str) -> None:
        """Record that one of several generators is there no longer: of its arrivals there is no record."""
        self._record(events.Gap(at_ns=self._watch.clock.now_ns(), what=why))

    def _gone(self) -> None:
        self._watch.off(self._pidfd)
        self._generator.wait(0)
        raise ControlError("the load ended before its time")

    def _stop(self) -> int:
        """Say when arrivals end: far enough ahead that none is sent after it."""
        until_ns = self._watch.clock.now_ns() + int(AHEAD_S * S)
        self._generator.stop_at(until_ns)
        if self._onlooker is not None:
            self._onlooker.stop_at(until_ns)
        self._stopped = True
        self._watch.off(self._pidfd)
        return until_ns

    def _finish(self, until_ns: int, timeout_s: float) -> None:
        rows = self._generator.wait(timeout_s)
        self._record(events.LoadStopped(at_ns=self._watch.clock.now_ns(), until_ns=until_ns, rows=rows))
        if rows is None:
            self._generator.kill()


def _onlooker(plan: Plan, entry: Entry, folder: Path, zero_ns: int) -> Onlooker | None:
    """Start a browser that looks where the plan asks for one. Raises ``SetupError``."""
    screen, load = plan.declaration.screen, plan.scenario.load
    if screen is None or not plan.looked_through:
        return None
    before_s = load.warm_up_s + load.baseline_s
    acts_s = sorted({before_s + step.at_s + BITTEN_S for step in plan.steps})
    spec = BrowserSpec(
        zero_ns=zero_ns,
        url=entry.url,
        ca=entry.ca,
        path=screen.path,
        cookie=screen.cookie,
        edges=plan.looked_through,
        record=str(folder / SCREENS),
        shots=str(folder / SHOTS),
        home=str(folder / "browser"),
        shots_s=(load.warm_up_s, *acts_s)[:SHOTS_MAX],
    )
    return Onlooker.start(spec)
