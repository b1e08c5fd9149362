"""A session when the load ends: it is over so soon that the record can be closed, however slowly the shop answers."""

from collections.abc import Sequence
from time import monotonic_ns
from typing import cast

import gevent
import pytest

from harness import arrivals
from harness.demand import Sessions
from harness.history import REFUSED
from harness.load import walk
from harness.load.requests import Row
from harness.load.shopper import Request
from harness.load.visitor import Visit
from harness.load.walk import Walker
from harness.load.wire import Got, Result, Wire
from harness.visits import ASSET, CART_PUT, PAGE, PAY
from tests.fakes import FakeVisitor

SLOW_S = 0.1


class Hasty(FakeVisitor):
    """A page, its eight assets, a cart and the checkout, without a thought."""

    def visit(self, seq: int, sessions: Sessions) -> Visit:
        """Go through the shop."""
        for turn in super().visit(seq, sessions):
            if turn.asks[0].request.path != f"/again/{seq}":
                yield turn


class SlowWire:
    """Answers everything, each time after a while."""

    def exchange(self, request: Request, timeout_s: float) -> Got:
        """Wait."""
        del request, timeout_s
        gevent.sleep(SLOW_S)
        return Got(status=200, attempts=1, body=b'{"order_id":"o","digest":"d"}')


class Rows:
    """Keeps rows."""

    def __init__(self) -> None:
        self.kept: list[Row] = []

    def add(self, row: Sequence[int | str]) -> None:
        """Keep one."""
        self.kept.append(cast("Row", row))

    def flush(self) -> None:
        """Write nothing."""

    def seal(self, until_ns: int) -> int:
        """Count them."""
        del until_ns
        return len(self.kept)


def walked(home_s: float, close_after_s: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, list[Row], float]:
    """Walk one session that never thinks; give what became of it, and how long after the load's end it was over."""
    monkeypatch.setattr(walk, "GOING_HOME_S", home_s)
    writer = Rows()
    walker = Walker(
        sessions=Sessions(per_s=1, think_s=0.001),
        visitor=Hasty("r", 1),
        wire=cast("Wire", SlowWire()),
        writer=writer,
        zero_ns=monotonic_ns(),
        timeout_s=10,
    )
    session = gevent.spawn(walker.walk, 0)
    gevent.sleep(close_after_s)
    ended_ns = monotonic_ns()
    walker.close()
    return session.get(timeout=5), writer.kept, (monotonic_ns() - ended_ns) / 1e9


def test_what_is_under_way_when_the_load_ends_is_asked_to_its_end_where_that_is_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, rows, _ = walked(60, SLOW_S / 2, monkeypatch)
    assert [row[3] for row in rows] == [PAGE, *[ASSET] * 8, CART_PUT, PAY]
    assert result.attempts == 1


@pytest.mark.parametrize("turns", [1, 3])
def test_nobody_asks_for_anything_more_when_it_is_late(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the next turn nor for what is left of this one; what was asked stays on record, whole."""
    result, rows, took_s = walked(0, (turns - 0.5) * SLOW_S, monkeypatch)
    assert [row[3] for row in rows] == [PAGE, *[ASSET] * 8][: {1: 1, 3: 9}[turns]]
    assert {row[2] for row in rows} == {len(rows)}
    assert result.answer.fate == REFUSED
    assert took_s < 10 * SLOW_S


def test_assets_left_over_when_it_is_late_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows, _ = walked(0, 1.5 * SLOW_S, monkeypatch)
    assert [row[3] for row in rows] == [PAGE, *[ASSET] * walk.AT_ONCE]
    assert {row[2] for row in rows} == {1 + walk.AT_ONCE}


def test_who_goes_home_is_there_before_the_record_is_closed() -> None:
    assert walk.GOING_HOME_S + arrivals.REQUEST_S < arrivals.SETTLE_S
