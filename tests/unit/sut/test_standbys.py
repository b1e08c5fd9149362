"""The witness of redundancy: no primary is no standby, but whoever says nothing at all has not said that."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sut.components import orders_db
from sut.components.ask import Deadline
from sut.components.orders_db import ROLES, OrdersDb
from sut.components.patroni import Cluster

FIRST, SECOND = "198.18.7.11", "198.18.7.12"
LATE, REFUSES = TimeoutError("the deadline has passed"), ConnectionRefusedError("nobody listens")
Said = str | Exception


class SomeNode(OrdersDb):
    """A node that is only asked."""

    def __init__(self) -> None:
        self.ground = cast("Any", SimpleNamespace(now_ns=int))
        self._roles = ROLES
        nodes = {"orders_db-1": FIRST, "orders_db-2": SECOND}
        self._cluster = Cluster(nodes=nodes, subnet="", etcd="", failover=True, synchronous=True)
        self._passwords = cast("Any", SimpleNamespace(postgres="x"))
        self._streaming = "select 1"


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        ("primary", "standby", 1.0),
        (LATE, "primary", 1.0),
        (REFUSES, "standby", 0.0),  # nobody leads
        ("standby", "standby", 0.0),
        ("primary", LATE, 1.0),  # by the primary's own word
        (LATE, "standby", None),  # busy for a moment: it may lead, and the other follow it
        ("standby", LATE, None),
    ],
)
def test_silence_is_no_answer(first: Said, second: Said, seen: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(address: str, _port: int, path: str, _deadline: Deadline) -> tuple[int, bytes]:
        said = {FIRST: first, SECOND: second}[address]
        if isinstance(said, Exception):
            raise said
        return (200 if path == ROLES[said] else 503), b""

    monkeypatch.setattr(orders_db, "http_get", get)
    monkeypatch.setattr(orders_db, "query", lambda *_: [("1",)])
    reading = SomeNode().standbys()
    assert (reading.value, reading.why is None) == (seen, seen is not None), reading
