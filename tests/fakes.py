"""Tiny fakes for tests, public on purpose: a whole run in seconds, without Docker."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harness.clock import S
from harness.demand import Sessions
from harness.errors import ControlError
from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Answer, Request
from harness.load.visitor import Ask, Reply, Said, Turn, Visit
from harness.model import Break, Located, Reading, Target, Undo
from harness.visits import ASSET, CART_PUT, OTHER_PAGE, PAGE, PAY, STALE


class FakeShopper:
    """Orders with ``POST /orders`` and reads ``GET /products/{n}``; 201 acknowledges, 4xx refuses, all else is unknown.

    An order's body is ``{"key", "last_piece"}``; its answer ``{"order_id", "digest"}``.
    """

    def __init__(self, run_id: str, seed: int) -> None:
        self._run_id, self._seed = run_id, seed

    def order(self, seq: int, *, last_piece: bool) -> Request:
        """Order, keyed by run and seq."""
        body = msgspec.json.encode({"key": f"{self._run_id}:{seq}", "last_piece": last_piece})
        return Request(method="POST", path="/orders", headers={"Content-Type": "application/json"}, body=body)

    def read(self, seq: int) -> Request:
        """Look at one of 1 000 products."""
        return Request(method="GET", path=f"/products/{(seq + self._seed) % 1000}", headers={}, body=b"")

    def listing(self, seq: int) -> Request:
        """Look at one of ten categories."""
        return Request(method="GET", path=f"/products/{seq % 10}", headers={}, body=b"")

    def log(self, seq: int) -> Request:
        """Look at what one of 1 000 shoppers did."""
        return Request(method="GET", path=f"/products/{seq % 1000}", headers={}, body=b"")

    def judge_order(self, request: Request, status: int, body: bytes) -> Answer:  # noqa: ARG002 -- as the protocol
        """Only a whole 201 acknowledges."""
        if status == 201:
            answer: Any = msgspec.json.decode(body)
            return Answer(fate=ACKNOWLEDGED, order_id=answer["order_id"], digest=answer["digest"])
        return Answer(fate=REFUSED if 400 <= status < 500 else UNKNOWN)

    def judge_read(self, request: Request, status: int, body: bytes) -> Answer:  # noqa: ARG002 -- as the protocol
        """200 is an answer."""
        return Answer(fate=ACKNOWLEDGED if status == 200 else UNKNOWN)


STALE_MS = 5_000


class FakeVisitor(FakeShopper):
    """Comes with a browser too: a page, eight assets at once, after a thought a second page, a cart, and the checkout.

    Every whole answer with a 2xx is right, but a body that says ``wrong``, and one that is only a moment, in ms since 1970,
    and not within 5 s of when it was asked for.
    """

    def visit(self, seq: int, sessions: Sessions) -> Visit:
        """Go through the shop; ``checkout_ratio`` 0 keeps everybody from buying."""
        yield Turn(asks=(self._ask(PAGE, f"/page/{seq}"),))
        yield Turn(asks=tuple(self._ask(ASSET, f"/asset/{seq}/{n}") for n in range(8)))
        yield Turn(asks=(self._ask(PAGE, f"/again/{seq}"),), think=1.0)
        if sessions.checkout_ratio:
            yield Turn(asks=(self._ask(CART_PUT, f"/cart/{seq}", "PUT"),))
            yield Turn(asks=(self._ask(PAY, f"/pay/{seq}", "POST"),))

    def _ask(self, what: int, path: str, method: str = "GET") -> Ask:
        request = Request(method=method, path=path, headers={}, body=b"")

        def judge(reply: Reply) -> Said:
            order = self.judge_order(request, reply.status, reply.body) if what == PAY else None
            stale = reply.body.isdigit() and abs(reply.asked_ms - int(reply.body)) > STALE_MS
            return Said(wrong=OTHER_PAGE if b"wrong" in reply.body else STALE if stale else "", order=order)

        return Ask(what=what, request=request, judge=judge)


class FakeClock:
    """Time that passes only where somebody waits for it. ``rings`` says from when on a descriptor can be read."""

    def __init__(self) -> None:
        self.zero_ns = self.now = 0
        self.rings: dict[int, int] = {}

    def now_ns(self) -> int:
        """Read it."""
        return self.now

    def wall_ns(self) -> int:
        """Read it."""
        return self.now

    def wait(self, until_ns: int, fds: list[int]) -> list[int]:
        """Let it pass, to the first moment at which something can be read."""
        until_ns = min([until_ns, *(at_ns for fd, at_ns in self.rings.items() if fd in fds)])
        self.now = max(self.now, until_ns)
        return [fd for fd in fds if self.rings.get(fd, self.now + 1) <= self.now]


class FakeInstance:
    """One instance with every power and sense. ``seen(instance, at_s)`` is what witnesses see; ``acts`` and ``mended`` say
    when, in seconds, it was hit and mended. ``undo`` is what mends it; ``ill`` lets every act raise.
    """  # noqa: D205 -- the summary needs two lines

    def __init__(self, clock: FakeClock, seen: Callable[["FakeInstance", float], float | str | None]) -> None:
        self._clock, self._seen = clock, seen
        self.acts, self.mended = list[float](), list[float]()
        self.undo: tuple[Undo, ...] = ()
        self.ill = False

    def kill(self) -> Break:
        """Prepare a hit."""
        return Break(undo=self.undo, act=self._act)

    pause = crash = isolate = corrupt = kill

    def cut(self, peer: str | None, way: str) -> Break:  # noqa: ARG002 -- as the protocol
        """Prepare a hit."""
        return self.kill()

    refuse = cut

    def mend(self, _: Undo) -> None:
        """Take it back."""
        self.mended.append(self._clock.now / S)

    def answer_ms(self) -> Reading:
        """Ask it."""
        return Reading(at_ns=0, value=self._seen(self, self._clock.now / S))

    started = price_shown = answer_ms

    def heard_ms(self, peer: str | None) -> Reading:  # noqa: ARG002 -- as the protocol
        """Ask it."""
        return self.answer_ms()

    def _act(self) -> None:
        self.acts.append(self._clock.now / S)
        if self.ill:
            raise ControlError("the engine does not answer")


class FakeRunningShop:
    """A running shop of one component, ``orders_db``; ``holder`` says which instance is the target at a time."""

    def __init__(
        self, clock: FakeClock, instances: Mapping[str, FakeInstance], holder: Callable[[float], str] | None = None
    ) -> None:
        self._clock, self._instances = clock, instances
        self._holder = holder or (lambda _: next(iter(instances)))

    def locate(self, target: Target) -> Located:
        """Say who it is now."""
        return Located(target=target, component="orders_db", instance=self._holder(self._clock.now / S), at_ns=0)

    def able(self, instance: str, protocol: type) -> FakeInstance:  # noqa: ARG002 -- each is able to everything
        """Give it."""
        return self._instances[instance]
