"""The shoppers: one Locust user that walks the schedule and sends each arrival off at its time, in the load child only.

A single user, because arrivals are open: they never wait for the shop, nor for each other. Each is a greenlet of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from time import monotonic_ns
from typing import Any, ClassVar

import gevent
from gevent.event import AsyncResult
from gevent.pool import Group
from locust import User, task
from locust.exception import StopUser

from harness.events import LoadTick
from harness.history import ACKNOWLEDGED, LIST, LOG, ORDER, REFUSED, SESSION, SHED, UNKNOWN, WRITE
from harness.load.books import Book, Books
from harness.load.schedule import SEND_AGAIN_AFTER, SEND_ONCE, SEND_TWICE_AT_ONCE, block, chosen
from harness.load.shopper import Answer, Keyless, Request, Shopper, Tracked
from harness.load.spec import LoadSpec
from harness.load.tally import Tally
from harness.load.visitor import Visitor
from harness.load.walk import Walker
from harness.load.wire import Result, Wire

Arrival = tuple[int, int, int, bool, int]
NAP_S = 0.05  # the longest sleep: so soon it is noticed that the end was moved nearer
CROWDED = 0  # the arrival whose product the crowd looks at
CATCH_UP = 32  # arrivals sent off in a row by a walker that is late, before others get their turn
NOT_SENT = Result(done_ns=-1, status=0, attempts=0, answer=Answer(fate=SHED))


class Street:
    """Where arrivals pass: from the schedule, over the wire, into the ledger. All times are ns since the run's zero.

    ``until_ns`` may be moved at any time. ``over`` is set to True once all arrivals have been sent and settled, or to the
    error that stopped it: a shopper that raises is a fault of the test, and ends it. ``every``: it is walked by several, and
    of each n arrivals only the k-th (from 0) passes here: (k, n).
    """

    def __init__(
        self, spec: LoadSpec, begin_ns: int, shopper: Shopper, books: Books, every: tuple[int, int] = (0, 1)
    ) -> None:
        self.until_ns = begin_ns + int(spec.longest_s * 1e9)
        self.over: AsyncResult[bool] = AsyncResult()
        self.tally = Tally()
        self._spec, self._begin_ns, self._shopper, self._ledger = spec, begin_ns, shopper, books.orders
        self._every = every
        self._wire = Wire(spec.url, spec.timeout_s, 2 * spec.in_flight_max, spec.ca)
        self._walker = self._new_walker(books.sessions)
        self._in_flight = Group()

    def now_ns(self) -> int:
        """Read the time."""
        return monotonic_ns() - self._spec.zero_ns

    def end(self, error: BaseException | None = None) -> None:
        """End the load, for good or with an error; the first word counts."""
        if not self.over.ready():
            self.over.set(True) if error is None else self.over.set_exception(error)

    def until(self, until_ns: int) -> None:
        """Let no arrival be intended at or after a moment; may be moved nearer at any time."""
        self.until_ns = min(self.until_ns, until_ns)

    def tick(self) -> LoadTick:
        """Sum up for people who watch."""
        return self.tally.tick(self.now_ns())

    def broke(self, greenlet: Any) -> None:
        """End with the error of a greenlet."""
        self.end(greenlet.exception)

    def walk(self) -> None:
        """Send off each arrival at its intended time, until the end; then wait for the answers (time-outs bound it)."""
        for number, arrival in enumerate(self._arrivals()):
            seq, intended_ns, kind, _, _ = arrival
            while (wait_ns := intended_ns - self.now_ns()) > 0 and intended_ns < self.until_ns:
                gevent.sleep(min(wait_ns / 1e9, NAP_S))
            if intended_ns >= self.until_ns:
                break
            self.tally.begin(seq, kind, intended_ns, intended_ns - wait_ns)
            if len(self._in_flight) < self._spec.in_flight_max:
                self._in_flight.spawn(self._serve, arrival).link_exception(self.broke)
            else:
                self._record(arrival, -1, NOT_SENT)
            if number % CATCH_UP == 0:
                gevent.sleep(0)
        if self._walker is not None:
            self._walker.close()
        self._in_flight.join()

    def _new_walker(self, writer: Book | None) -> Walker | None:
        spec, visitor = self._spec, self._shopper
        if spec.load.sessions is None or writer is None or not isinstance(visitor, Visitor):
            return None
        return Walker(
            sessions=spec.load.sessions,
            visitor=visitor,
            wire=self._wire,
            writer=writer,
            zero_ns=spec.zero_ns,
            timeout_s=spec.timeout_s,
        )

    def _arrivals(self) -> Iterator[Arrival]:
        """Give the schedule, block after block, in the run's time."""
        spec, (nth, of) = self._spec, self._every
        for number in count():
            part = block(spec.load, spec.seed, spec.scale, number)
            ours = part.seq % of == nth
            columns = (part.seq, part.intended_ns + self._begin_ns, part.kind, part.last_piece, part.resend)
            yield from zip(*(column[ours].tolist() for column in columns), strict=True)

    def _serve(self, arrival: Arrival) -> None:
        """Be the shopper of one arrival, from the request to the row in the ledger."""
        seq, _, kind, last_piece, resend = arrival
        shopper = self._shopper
        if kind == SESSION and self._walker is not None:
            sent_ns = self.now_ns()
            self._record(arrival, sent_ns, self._walker.walk(seq))
            return
        if kind == ORDER:
            request, judge = shopper.order(seq, last_piece=last_piece), shopper.judge_order
            if resend == SEND_ONCE and chosen(self._spec.load.unkeyed_ratio, seq) and isinstance(shopper, Keyless):
                request = shopper.without_key(request)
        else:
            request, judge = self._read(seq, kind), shopper.judge_read
        sent_ns = self.now_ns()
        if resend == SEND_TWICE_AT_ONCE:
            twin = gevent.spawn(self._wire.send, request, judge)
            result = _together([self._wire.send(request, judge), twin.get()])
        elif resend == SEND_AGAIN_AFTER:
            result = _together([self._wire.send(request, judge), self._wire.send(request, judge)])
        else:
            result = self._wire.send(request, judge)
        self._record(arrival, sent_ns, result)

    def _read(self, seq: int, kind: int) -> Request:
        """Give what is asked for beside orders."""
        if kind == LIST:
            return self._shopper.listing(seq)
        if kind == LOG:
            return self._shopper.log(seq)
        if kind == WRITE and isinstance(self._shopper, Tracked):
            return self._shopper.step(seq)
        return self._shopper.read(CROWDED if chosen(self._spec.load.crowd_ratio, seq) else seq)

    def _record(self, arrival: Arrival, sent_ns: int, result: Result) -> None:
        seq, intended_ns, kind, _, _ = arrival
        answer = result.answer
        done_ns = -1 if result is NOT_SENT else result.done_ns - self._spec.zero_ns
        times = (intended_ns, sent_ns, done_ns)
        self._ledger.add((seq, kind, *times, answer.fate, result.status, result.attempts, answer.order_id, answer.digest))
        self.tally.end(seq, answer.fate, done_ns)


def _together(results: Sequence[Result]) -> Result:
    """Make one result of a keyed order sent twice: the first acknowledgement counts; without one, the least certain."""
    attempts = sum(result.attempts for result in results)
    acknowledged = [result for result in results if result.answer.fate == ACKNOWLEDGED]
    if acknowledged:
        return replace(min(acknowledged, key=lambda result: result.done_ns), attempts=attempts)
    done_ns = max(result.done_ns for result in results)
    worst = max(results, key=lambda result: (SHED, REFUSED, UNKNOWN).index(result.answer.fate))
    return replace(worst, attempts=attempts, done_ns=done_ns)


class Shoppers(User):
    """The Locust user; ``street`` is set before it is started, and nobody else walks it: a lost worker has no successor."""

    street: ClassVar[Street | None] = None

    @task
    def walk(self) -> None:
        """Walk the schedule once."""
        street, Shoppers.street = Shoppers.street, None
        if street is None:
            raise StopUser
        try:
            street.walk()
            street.end()
        except Exception as error:  # noqa: BLE001 -- Locust would log it and walk again; the child ends with it
            street.end(error)
        raise StopUser
