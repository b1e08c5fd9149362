"""Tiny fakes for tests, public on purpose: a whole run in seconds, without Docker."""

from typing import Any

import msgspec

from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Answer, Request


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

    def judge_order(self, request: Request, status: int, body: bytes) -> Answer:  # noqa: ARG002 -- as the protocol
        """Only a whole 201 acknowledges."""
        if status == 201:
            answer: Any = msgspec.json.decode(body)
            return Answer(fate=ACKNOWLEDGED, order_id=answer["order_id"], digest=answer["digest"])
        return Answer(fate=REFUSED if 400 <= status < 500 else UNKNOWN)

    def judge_read(self, request: Request, status: int, body: bytes) -> Answer:  # noqa: ARG002 -- as the protocol
        """200 is an answer."""
        return Answer(fate=ACKNOWLEDGED if status == 200 else UNKNOWN)
