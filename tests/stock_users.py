"""Locust's own users, as they come: each orders, waits for the answer, and orders again a tenth of a second after it began.

A file for ``locust -f``, which runs in a process of its own.
"""

from itertools import count
from uuid import uuid4

from locust import FastHttpUser, HttpUser, constant_pacing, task

from sut.shopper import OneCallShopper

PACE_S = 0.1
SHOPPER, SEQS = OneCallShopper(f"stock-{uuid4().hex[:8]}", 7), count()


class Stock(HttpUser):
    """The one by requests."""

    wait_time = constant_pacing(PACE_S)

    @task
    def order(self) -> None:
        """Order once."""
        wanted = SHOPPER.order(next(SEQS), last_piece=False)
        self.client.post(wanted.path, data=wanted.body.decode(), headers=dict(wanted.headers), name="order")


class Fast(FastHttpUser):
    """The one by geventhttpclient."""

    wait_time = constant_pacing(PACE_S)

    @task
    def order(self) -> None:
        """Order once."""
        wanted = SHOPPER.order(next(SEQS), last_piece=False)
        self.client.post(wanted.path, data=wanted.body.decode(), headers=dict(wanted.headers), name="order")
