"""Which nodes an audit reads: those that can be trusted to tell the whole truth."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.audited import Audit, Charges, NodeAudit, StockLevel
from harness.errors import ControlError
from sut import readback as module
from sut.audit import Books
from sut.readback import Readback

PRIMARY = {"pg_is_in_recovery": "f", "pg_current_wal_lsn": "0/7"}
STANDBY = {"pg_is_in_recovery": "t", "pg_wal_lsn_diff": "0"}


class Node:
    """Answers queries by the function they name first; an exception is raised instead."""

    def __init__(self, instance: str, answers: Mapping[str, str | Exception]) -> None:
        self.instance, self.answers = instance, answers

    def conninfo(self, database: str) -> str:
        """Give words that name the node."""
        return f"{self.instance}/{database}"

    def select(self, sql: str) -> str:
        """Answer one query."""
        answer = next(value for key, value in self.answers.items() if key in sql)
        if isinstance(answer, Exception):
            raise answer
        return answer


def read(monkeypatch: pytest.MonkeyPatch, *nodes: Node, broken: str = "") -> Audit:
    def read_node(_: str, node: str, role: str) -> NodeAudit:
        if node == broken:
            raise ControlError(f"{node}: gone half-way")
        return NodeAudit(node=node, role=role, key=("k",), order_id=("1",), digest=("d",))

    monkeypatch.setattr(module, "REPLAYED_WITHIN_S", 1)
    monkeypatch.setattr(module, "read_levels", lambda *_: {"A": 5, "B": 5})
    monkeypatch.setattr(module, "read_node", read_node)
    stock = (StockLevel(sku="A", initial=5, final=4, sold=1),)
    monkeypatch.setattr(module, "read_books", lambda *_: Books(stock=stock, charges=Charges(orders=1, wrong=())))
    every: Any = nodes  # they behave like OrdersDb where the audit asks
    return Readback(every, lambda: 42).audit()


def test_both_nodes_and_the_stock_of_the_primary_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = read(monkeypatch, Node("a", STANDBY), Node("b", PRIMARY))
    assert [(node.node, node.role) for node in audit.nodes] == [("a", "standby"), ("b", "primary")]
    assert (len(audit.stock), audit.skus, audit.at_ns, audit.missing) == (1, 2, 42, {})
    assert audit.charges == Charges(orders=1, wrong=())


def test_a_node_that_does_not_answer_is_missing_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = read(monkeypatch, Node("a", {"pg_is_in_recovery": TimeoutError("the deadline has passed")}), Node("b", PRIMARY))
    assert [node.node for node in audit.nodes] == ["b"]
    assert "the deadline has passed" in audit.missing["a"]


def test_a_standby_that_is_behind_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = read(monkeypatch, Node("a", {**STANDBY, "pg_wal_lsn_diff": "512"}), Node("b", PRIMARY))
    assert [node.node for node in audit.nodes] == ["b"]
    assert "512 bytes behind" in audit.missing["a"]


def test_of_two_primaries_none_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = read(monkeypatch, Node("a", PRIMARY), Node("b", PRIMARY))
    assert audit.primary is None
    assert (audit.stock, audit.charges) == ((), None)
    assert set(audit.missing) == {"a", "b"}


def test_a_node_lost_while_it_is_read_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = read(monkeypatch, Node("a", STANDBY), Node("b", PRIMARY), broken="b")
    assert audit.primary is None
    assert (audit.stock, audit.charges) == ((), None)
    assert "gone half-way" in audit.missing["b"]
