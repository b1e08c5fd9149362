"""How a shopper orders, and what proves an order acknowledged or refused: the part of the load that is the shop's own."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from harness.model import noun


@noun
class Request:
    """One request as it goes over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@noun
class Answer:
    """What an answer means. ``fate`` is an index into ``history.FATES``; id and digest only where acknowledged."""

    fate: int
    order_id: str = ""
    digest: str = ""


class Shopper(Protocol):
    """Pure and seeded: the same run, seed and seq give the same request. Made as ``Class(run_id, seed)``."""

    def order(self, seq: int, *, last_piece: bool) -> Request:
        """Give the order of an arrival, keyed ``<run id>:<seq>``. ``last_piece``: it asks for one scarce product."""
        ...

    def read(self, seq: int) -> Request:
        """Give the product read of an arrival."""
        ...

    def listing(self, seq: int) -> Request:
        """Give the page of a category that an arrival asks for."""
        ...

    def log(self, seq: int) -> Request:
        """Give the request for a shopper's own last events."""
        ...

    def judge_order(self, request: Request, status: int, body: bytes) -> Answer:
        """Say what an answer proves. Refused only with proof of no effect; anything unclear is unknown."""
        ...

    def judge_read(self, request: Request, status: int, body: bytes) -> Answer:
        """Say whether a read was answered (acknowledged) or not (refused, unknown)."""
        ...


@runtime_checkable
class Keyless(Protocol):
    """A shopper that can order without a key, as old programs do."""

    def without_key(self, request: Request) -> Request:
        """Take the key off an order, but for what the audit knows it by: received twice, the shop places two orders."""
        ...


@runtime_checkable
class Tracked(Protocol):
    """A shopper whose steps the shop writes down, into the log that others then read."""

    def step(self, seq: int) -> Request:
        """Give the request that writes one event into some shopper's log; ``judge_read`` says whether it was taken."""
        ...


@runtime_checkable
class ByHand(Protocol):
    """A shopper that can tell people how to order without it."""

    def by_hand(self, url: str) -> str:
        """Give a shell line that sends one order to the shop at ``url``: another order each time."""
        ...
