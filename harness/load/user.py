"""The shoppers: one Locust user that walks the schedule and sends each arrival off at its time, in the load child only.

A single user, because arrivals are open: they never wait for the shop, nor for each other. Each is a greenlet of its own.
"""

from collections.abc import Iterator
from itertools import count
from time import monotonic_ns

import gevent
from locust import User, task
from locust.exception import StopUser

from harness.history import ACKNOWLEDGED, ORDER, REFUSED, SHED, UNKNOWN
from harness.load.ledger import Writer
from harness.load.schedule import SEND_AGAIN_AFTER, SEND_TWICE_AT_ONCE, block
from harness.load.shopper import Answer, Request, Shopper
from harness.load.spec import LoadSpec
from harness.load.tally import Tally
from harness.load.wire import Judge, Result, Wire

Arrival = tuple[int, int, int, bool, int]
NAP_S = 0.05  # the longest sleep: so soon it is noticed that the end was moved nearer
CATCH_UP = 32  # arrivals sent off in a row by a walker that is late, before others get their turn


class Street:
    """Where arrivals pass: from the schedule, over the wire, into the ledger. ``until_ns`` may be moved at any time."""

    def __init__(self, spec: LoadSpec, begin_ns: int, shopper: Shopper, writer: Writer) -> None:
        self.until_ns = begin_ns + int(spec.longest_s * 1e9)
        self.tally = Tally()
        self.in_flight = gevent.pool.Group()
        self._spec, self._begin_ns, self._shopper, self._writer = spec, begin_ns, shopper, writer
        self._wire = Wire(spec.url, spec.timeout_s, 2 * spec.in_flight_max)

    def now_ns(self) -> int:
        """The time since the run's zero."""
        return monotonic_ns() - self._spec.zero_ns

    def walk(self) -> None:
        """Send off each arrival at its intended time, until the end; then wait for all answers (bounded by time-outs)."""
        for number, arrival in enumerate(self._arrivals()):
            intended_ns = arrival[1]
            while (wait_ns := intended_ns - self.now_ns()) > 0 and intended_ns < self.until_ns:
                gevent.sleep(min(wait_ns / 1e9, NAP_S))
            if intended_ns >= self.until_ns:
                break
            if len(self.in_flight) < self._spec.in_flight_max:
                self.in_flight.start(gevent.Greenlet(self._serve, arrival))
            else:
                self._record(arrival, -1, Result(done_ns=-1, status=0, attempts=0, answer=Answer(fate=SHED)))
            if number % CATCH_UP == 0:
                gevent.sleep(0)
        self.in_flight.join()

    def _arrivals(self) -> Iterator[Arrival]:
        """Give the schedule, block after block, in the run's time."""
        spec = self._spec
        for number in count():
            part = block(spec.load, spec.seed, spec.scale, number)
            intended = part.intended_ns + self._begin_ns
            columns = (part.seq, intended, part.kind, part.last_piece, part.resend)
            yield from zip(*(column.tolist() for column in columns), strict=True)
