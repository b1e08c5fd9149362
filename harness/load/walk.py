"""Sessions on their way: what a visitor wants to see is asked for as a browser does. In the load child only.

All sessions share the kept connections of one ``Wire``. A GET that got no whole answer, or a 5xx, is repeated once within
the same 10 s; nothing else is. The first turn that fails a session ends it: the shopper goes away.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from time import monotonic_ns, time_ns

from gevent.event import Event
from gevent.pool import Pool

from harness.demand import Sessions
from harness.history import REFUSED, SHED, UNKNOWN
from harness.load.books import Book
from harness.load.requests import Row
from harness.load.shopper import Answer, Request
from harness.load.visitor import Ask, Reply, Said, Turn, Visitor
from harness.load.wire import Result, Wire
from harness.model import noun
from harness.visits import PATIENCE_NS, PAY

AT_ONCE = 6  # what browsers open to one host
SERVED_BY = "x-served-by"
GONE = ("max-age=0", "expires=thu, 01-jan-1970", "expires=thu, 01 jan 1970")
GOING_HOME_S = 3.0  # with the time-out of a request less than the load is given to settle
NOTHING_ORDERED, NOT_SENT = Answer(fate=REFUSED), Answer(fate=SHED)


@noun
class Asked:
    """What became of one request of a session; times on CLOCK_MONOTONIC, ``reply`` None without a whole answer."""

    ask: Ask
    sent_ns: int
    done_ns: int
    attempts: int
    reply: Reply | None
    said: Said
    lack: Answer

    @property
    def good(self) -> bool:
        """Whether the session may go on: see ``visits.Visits.bad``."""
        status = self.reply.status if self.reply else 0
        return 200 <= status < 400 and not self.said.wrong and self.done_ns - self.sent_ns <= PATIENCE_NS

    @property
    def answer(self) -> Answer:
        """What it proves about the order that it may have made."""
        return self.lack if self.reply is None else self.said.order or Answer(fate=UNKNOWN)

    def without_body(self) -> "Asked":
        """Forget what was shown, once it has been looked at."""
        return self if self.reply is None else replace(self, reply=replace(self.reply, body=b""))

    def row(self, session: int, number: int, of: int, zero_ns: int) -> Row:
        """Write it down, in the run's time."""
        edge, digest = "", ""
        if self.reply is not None:
            edge, digest = self.reply.headers.get(SERVED_BY, ""), self.reply.sha256.hex()[:16]
        head = (session, number, of, self.ask.what, self.sent_ns - zero_ns, self.done_ns - zero_ns)
        return (*head, self.reply.status if self.reply else 0, self.attempts, edge, digest, self.said.wrong)


class Walker:
    """Walks sessions, any number at a time.

    When the load ends, who is thinking goes home; who is not, asks for nothing more from ``GOING_HOME_S`` later on.
    """

    def __init__(  # noqa: PLR0913 -- what a session needs, named
        self,
        *,
        sessions: Sessions,
        visitor: Visitor,
        wire: Wire,
        writer: Book,
        zero_ns: int,
        timeout_s: float,
    ) -> None:
        self._sessions, self._visitor, self._wire, self._writer = sessions, visitor, wire, writer
        self._zero_ns, self._timeout_s = zero_ns, timeout_s
        self._closing = Event()
        self._home_ns = 0

    def close(self) -> None:
        """End the load: from now on all go home."""
        self._home_ns = monotonic_ns() + int(GOING_HOME_S * 1e9)
        self._closing.set()

    def walk(self, seq: int) -> Result:
        """Be one session, from its first page to the rows of its requests; say what became of its order."""
        jar: dict[str, str] = {}
        asked: list[Asked] = []
        visit = self._visitor.visit(seq, self._sessions)
        turn: Turn | None = next(visit)
        while turn is not None and not (asked and self._goes_home(turn.think * self._sessions.think_s)):
            now = self._together(turn, jar)
            asked += [one.without_body() for one in now]  # thousands are under way, each with megabytes behind it
            replies = [one.reply for one in now if one.reply is not None]
            if len(now) < len(turn.asks) or not all(one.good for one in now):
                break
            try:
                turn = visit.send(replies)
            except StopIteration:
                turn = None
        visit.close()
        for number, one in enumerate(asked):
            self._writer.add(one.row(seq, number, len(asked), self._zero_ns))
        return _result(asked)

    def _goes_home(self, think_s: float) -> bool:
        """Think, and say whether the load has ended meanwhile, or so long ago that it is too late for anything."""
        return self._closing.wait(think_s) if think_s else self._late()

    def _together(self, turn: Turn, jar: dict[str, str]) -> list[Asked]:
        """Ask all of a turn, so many at once as a browser does; of many only what it is not too late for."""
        if len(turn.asks) == 1:
            return [self._ask(turn.asks[0], jar)]
        found = Pool(AT_ONCE).map(lambda ask: None if self._late() else self._ask(ask, jar), turn.asks)
        return [one for one in found if one is not None]

    def _late(self) -> bool:
        return self._closing.is_set() and monotonic_ns() > self._home_ns

    def _ask(self, ask: Ask, jar: dict[str, str]) -> Asked:
        """Ask one thing, a GET once more where it failed."""
        request = _with_cookies(ask.request, jar)
        sent_ns, asked_ms = monotonic_ns(), time_ns() // 1_000_000
        got = self._wire.exchange(request, self._timeout_s)
        attempts = got.attempts
        left_s = self._timeout_s - (monotonic_ns() - sent_ns) / 1e9
        if request.method == "GET" and not 0 < got.status < 500 and left_s > 0:
            got = self._wire.exchange(request, left_s)
            attempts += got.attempts
        done_ns = monotonic_ns()
        reply, said = None, Said()
        if got.status:
            cookies = tuple(value for name, value in got.headers if name.lower() == "set-cookie")
            _keep(jar, cookies)
            headers = {name.lower(): value for name, value in got.headers}
            sha256 = hashlib.sha256(got.body).digest()
            reply = Reply(
                status=got.status, headers=headers, cookies=cookies, body=got.body, sha256=sha256, asked_ms=asked_ms
            )
            said = ask.judge(reply)
        return Asked(ask=ask, sent_ns=sent_ns, done_ns=done_ns, attempts=attempts, reply=reply, said=said, lack=got.lack)


def _with_cookies(request: Request, jar: Mapping[str, str]) -> Request:
    if not jar:
        return request
    cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
    return replace(request, headers={**request.headers, "Cookie": cookies})


def _keep(jar: dict[str, str], cookies: tuple[str, ...]) -> None:
    """Take cookies into the jar: all are for the whole shop, and last as long as the session, unless taken back."""
    for cookie in cookies:
        pair, _, attributes = cookie.partition(";")
        name, _, value = pair.strip().partition("=")
        if any(word in attributes.lower() for word in GONE):
            jar.pop(name, None)
        else:
            jar[name] = value


def _result(asked: list[Asked]) -> Result:
    """Say what became of a session's order: refused where it never asked to pay, shed where our own limits forbade it."""
    last = max(one.done_ns for one in asked)
    for one in asked:
        if one.ask.what == PAY:
            status = one.reply.status if one.reply else 0
            return Result(done_ns=last, status=status, attempts=one.attempts, answer=one.answer)
    shed = any(one.reply is None and one.lack.fate == SHED for one in asked)
    return Result(done_ns=last, status=0, attempts=0, answer=NOT_SENT if shed else NOTHING_ORDERED)
