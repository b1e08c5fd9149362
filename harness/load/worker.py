"""One of several generators of a load, ``python -m harness.load.worker HOST:PORT``: a Locust worker of ``load.master``.

It joins, takes its part of the arrivals, sends them, and tells each row to the master, who alone writes. It ends when told
to, and by itself within 5 s when the master is no longer heard. Exit codes: 0 dismissed, 1 after an error, 3 left alone.
"""

# ruff: noqa: E402 -- gevent must patch before anything else is imported
from gevent import monkey

monkey.patch_all()

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic_ns
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust.env import Environment

from harness.load import common
from harness.load.books import Books
from harness.load.shopper import Shopper
from harness.load.team import (
    BEGIN,
    CLOCK,
    CLOCK_ERROR_NS,
    DONE,
    HERE,
    ROWS,
    STAND,
    STANDS,
    TICK,
    UNTIL,
    Clock,
    Done,
    Here,
    Moment,
    Part,
    Rows,
    Stands,
    Word,
    ahead,
    unwrapped,
    wrapped,
)
from harness.load.user import Shoppers, Street

PING_S = 2.0
ALONE_S = 5.0
DISMISSED, LEFT_ALONE = 0, 3


class Relay:
    """Takes rows, and gives those that came since it was asked last."""

    def __init__(self) -> None:
        self._rows: list[Any] = []
        self.rows = 0

    def add(self, row: Sequence[int | str]) -> None:
        """Take one row."""
        self._rows.append(tuple(row))

    def taken(self) -> tuple[Any, ...]:
        """Give the rows and forget them."""
        rows, self._rows = self._rows, []
        self.rows += len(rows)
        return tuple(rows)

    def flush(self) -> None:
        """Nothing is kept here."""

    def seal(self, until_ns: int) -> int:
        """Say how many rows there were; who gathers them seals them."""
        del until_ns
        return self.rows


class Worker:
    """One worker, from its joining to its end."""

    def __init__(self, host: str, port: int) -> None:
        self._runner = Environment(user_classes=[Shoppers]).create_worker_runner(host, port)
        self._part: Part | None = None
        self._shopper: Shopper | None = None
        self._street: Street | None = None
        self._orders, self._sessions = Relay(), Relay()
        self._pings: dict[int, AsyncResult[int]] = {}
        self._left_alone, self._joined = False, time.time()
        for kind, hear in ((STAND, self._stand), (BEGIN, self._begin), (UNTIL, self._until), (CLOCK, self._pong)):
            self._runner.register_message(kind, hear, concurrent=kind == STAND)
        self._say(HERE, Here())

    def work(self) -> int:
        """Wait for the end; give the exit code."""
        gevent.spawn(self._watch)
        self._runner.greenlet.join()  # all that the runner does; it ends them when it is told to quit
        return LEFT_ALONE if self._left_alone else DISMISSED

    def _watch(self) -> None:
        """End when the master is no longer heard."""
        while True:
            gevent.sleep(1)
            heard = self._runner.last_heartbeat_timestamp or self._joined
            if time.time() - heard > ALONE_S:
                self._left_alone = True
                self._runner.greenlet.kill(block=False)
                return

    def _stand(self, msg: Any, **_: object) -> None:
        """Take a part: find the shopper, and learn what the time is."""
        part = unwrapped(msg.data, Part)
        try:
            self._shopper = common.shopper_of(part.spec)
            offset_ns, error_ns = ahead(self._ask, monotonic_ns)
        except (Exception, SystemExit, gevent.Timeout) as error:  # noqa: BLE001 -- whatever it was, the master must hear of it
            self._say(STANDS, Stands(refused=f"{type(error).__name__}: {error}"))
            return
        if error_ns > CLOCK_ERROR_NS:
            self._say(STANDS, Stands(refused=f"its clock is known to {error_ns / 1e6:.1f} ms only"))
            return
        self._part = replace(part, spec=replace(part.spec, zero_ns=part.spec.zero_ns + offset_ns))
        self._say(STANDS, Stands(error_ns=error_ns))

    def _begin(self, msg: Any, **_: object) -> None:
        """Begin with the part that was taken: before the master's next message, which lets the user walk."""
        part, shopper, begin_ns = self._part, self._shopper, unwrapped(msg.data, Moment).at_ns
        if part is None or shopper is None:
            return
        sessions = self._sessions if part.spec.load.sessions else None
        books = Books(orders=self._orders, sessions=sessions)
        self._street = street = Street(part.spec, begin_ns, shopper, books, every=(part.nth, part.of))
        common.calm_the_collector()
        Shoppers.street = street
        gevent.spawn(self._tell, street).link_exception(street.broke)
        gevent.spawn(self._to_the_end, street)

    def _to_the_end(self, street: Street) -> None:
        """Wait until the part is over, and tell the master, whatever ended it."""
        try:
            street.over.get()
        except Exception as error:  # noqa: BLE001 -- whatever it was, the master must hear of it
            self._say(DONE, Done(refused=f"{type(error).__name__}: {error}"))
            return
        self._flush()
        self._say(TICK, street.tick())
        self._say(DONE, Done())

    def _until(self, msg: Any, **_: object) -> None:
        if self._street is not None:
            self._street.until(unwrapped(msg.data, Moment).at_ns)

    def _tell(self, street: Street) -> None:
        while not street.over.ready():
            gevent.sleep(1.0)
            self._flush()
            self._say(TICK, street.tick())

    def _flush(self) -> None:
        orders, sessions = self._orders.taken(), self._sessions.taken()
        if orders or sessions:
            self._say(ROWS, Rows(orders=orders, sessions=sessions))

    def _ask(self, number: int) -> int:
        """Ask the master for the time."""
        self._pings[number] = AsyncResult()
        self._say(CLOCK, Clock(number=number))
        return int(self._pings[number].get(timeout=PING_S))

    def _pong(self, msg: Any, **_: object) -> None:
        told = unwrapped(msg.data, Clock)
        self._pings[told.number].set(told.at_ns)

    def _say(self, kind: str, word: Word) -> None:
        self._runner.send_message(kind, wrapped(word))


def main() -> int:
    """Work for the master that is named; give the exit code."""
    common.settle_in()
    host, _, port = sys.argv[1].rpartition(":")
    return Worker(host, int(port)).work()


if __name__ == "__main__":
    sys.exit(main())
