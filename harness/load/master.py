"""One load, several generators: a Locust master that shares the arrivals out to workers and gathers what they tell.

In the load child only. Workers are processes of this machine that it starts, or such as join from elsewhere.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust.env import Environment

from harness.events import LoadTick
from harness.load.books import Books
from harness.load.spec import LoadSpec
from harness.load.team import (
    BEGIN,
    CLOCK,
    DONE,
    HERE,
    ROWS,
    STAND,
    STANDS,
    TICK,
    UNTIL,
    Clock,
    Done,
    Moment,
    Part,
    Rows,
    Stands,
    Word,
    unwrapped,
    wrapped,
)
from harness.load.user import Shoppers

LEAD_NS = 400_000_000  # from the word to begin until the first arrival
LOOK_S = 0.2


class Master:
    """The whole street, walked by several. All times are ns since the run's zero; see ``user.Street`` for ``over``.

    ``lost`` is called with a sentence when a worker is there no longer; the others go on, and its arrivals have no record.
    """

    def __init__(self, spec: LoadSpec, books: Books, lost: Callable[[str], None]) -> None:
        self.over: AsyncResult[bool] = AsyncResult()
        self.until_ns = spec.begin_ns + int(spec.longest_s * 1e9)
        self._spec, self._books, self._tell_lost = spec, books, lost
        self._here: list[str] = []
        self._stands: dict[str, Stands] = {}
        self._ticks: dict[str, LoadTick] = {}
        self._done: set[str] = set()
        self._lost: set[str] = set()
        host, _, port = spec.gather.rpartition(":")
        self._runner = Environment(user_classes=[Shoppers]).create_master_runner(host or "127.0.0.1", int(port or 0))
        self._runner.register_message(HERE, self._came)
        for kind, hear in ((STANDS, self._stood), (CLOCK, self._clock), (ROWS, self._rows), (TICK, self._tick)):
            self._runner.register_message(kind, hear)
        self._runner.register_message(DONE, self._finished)
        self._own = [] if spec.gather else [self._worker() for _ in range(spec.generators)]

    def begin(self) -> int:
        """Wait until all workers stand, then let them begin; give when. Raises ``SystemExit`` where they cannot."""
        wanted = self._spec.generators
        while len(self._here) < wanted:
            self._ended_early()
            gevent.sleep(LOOK_S / 4)
        team = self._here[:wanted]
        for nth, worker in enumerate(team):
            self._say(STAND, Part(spec=self._spec, nth=nth, of=wanted), worker)
        while len(self._stands) < wanted:
            self._ended_early()
            gevent.sleep(LOOK_S / 4)
        for worker, word in self._stands.items():
            if word.refused:
                sys.exit(f"the generator {worker} cannot take part: {word.refused}")
        begin_ns = max(self._spec.begin_ns, monotonic_ns() - self._spec.zero_ns + LEAD_NS)
        for worker in team:
            self._say(BEGIN, Moment(at_ns=begin_ns), worker)
        self._runner.start(wanted, spawn_rate=wanted)
        gevent.spawn(self._watch, team).link_exception(self.broke)
        return begin_ns

    def until(self, until_ns: int) -> None:
        """Let no arrival be intended at or after a moment; may be moved nearer at any time."""
        self.until_ns = min(self.until_ns, until_ns)
        for worker in self._stands:
            self._say(UNTIL, Moment(at_ns=self.until_ns), worker)

    def tick(self) -> LoadTick:
        """Sum up what the workers said last."""
        ticks = list(self._ticks.values())
        bad = [tick.last_bad_ns for tick in ticks if tick.last_bad_ns is not None]
        return LoadTick(
            at_ns=monotonic_ns() - self._spec.zero_ns,
            offered=sum(tick.offered for tick in ticks),
            acknowledged=sum(tick.acknowledged for tick in ticks),
            refused=sum(tick.refused for tick in ticks),
            unknown=sum(tick.unknown for tick in ticks),
            shed=sum(tick.shed for tick in ticks),
            in_flight=sum(tick.in_flight for tick in ticks),
            late_ms_p99=max((tick.late_ms_p99 for tick in ticks), default=0.0),
            last_bad_ns=max(bad, default=None),
        )

    def end(self, error: BaseException | None = None) -> None:
        """End the load, for good or with an error; the first word counts. The workers end with us."""
        if not self.over.ready():
            self.over.set(True) if error is None else self.over.set_exception(error)

    def broke(self, greenlet: Any) -> None:
        """End with the error of a greenlet."""
        self.end(greenlet.exception)

    def dismiss(self) -> None:
        """Let the workers go, and wait for those that are ours."""
        self._runner.quit()
        for process in self._own:
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()

    def _worker(self) -> "subprocess.Popen[bytes]":
        port = str(self._runner.server.port)
        return subprocess.Popen([sys.executable, "-m", "harness.load.worker", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL)

    def _ended_early(self) -> None:
        for process in self._own:
            if process.poll() is not None:
                sys.exit(f"a generator ended before the load began, with {process.returncode}")

    def _watch(self, team: list[str]) -> None:
        """See who is lost, until everybody is done or lost."""
        while len(self._done | self._lost) < len(team):
            gevent.sleep(LOOK_S)
            states = {worker: client.state for worker, client in self._runner.clients.items()}
            for worker in team:
                if worker not in self._done | self._lost and states.get(worker, "missing") == "missing":
                    self._lost.add(worker)
                    nth = team.index(worker) + 1
                    self._tell_lost(f"generator {nth} of {len(team)} was lost: of its arrivals nothing more is known")
        self.end()

    def _came(self, msg: Any, **_: object) -> None:
        self._here.append(msg.node_id)

    def _stood(self, msg: Any, **_: object) -> None:
        self._stands[msg.node_id] = unwrapped(msg.data, Stands)

    def _clock(self, msg: Any, **_: object) -> None:
        at_ns, asked = monotonic_ns(), unwrapped(msg.data, Clock)
        self._say(CLOCK, Clock(number=asked.number, at_ns=at_ns), msg.node_id)

    def _rows(self, msg: Any, **_: object) -> None:
        rows = unwrapped(msg.data, Rows)
        for row in rows.orders:
            self._books.orders.add(row)
        if self._books.sessions is not None:
            for request in rows.sessions:
                self._books.sessions.add(request)

    def _tick(self, msg: Any, **_: object) -> None:
        self._ticks[msg.node_id] = unwrapped(msg.data, LoadTick)

    def _finished(self, msg: Any, **_: object) -> None:
        if why := unwrapped(msg.data, Done).refused:
            self.end(SystemExit(f"the generator {msg.node_id} ended early: {why}"))
        self._done.add(msg.node_id)

    def _say(self, kind: str, word: Word, worker: str) -> None:
        self._runner.send_message(kind, wrapped(word), client_id=worker)
