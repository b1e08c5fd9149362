"""``ghosts``: no order that nobody placed, none that was refused."""

from dataclasses import replace

import numpy as np
import pytest

from harness.audited import NodeAudit
from harness.checkers.ghosts import Ghosts
from harness.history import READ, REFUSED, History
from harness.model import Outcome
from tests.fake_runs import RUN, a_history, with_audit


def holding(key: str, node: int = 1) -> History:
    """Make a run in which one node holds one more order."""
    history = a_history()
    assert history.audit is not None
    nodes: list[NodeAudit] = list(history.audit.nodes)
    more = nodes[node]
    nodes[node] = replace(more, key=(*more.key, key), order_id=(*more.order_id, "x"), digest=(*more.digest, "x"))
    return with_audit(history, replace(history.audit, nodes=tuple(nodes)))


def test_only_placed_orders_pass() -> None:
    assert Ghosts().check(a_history()).outcome is Outcome.PASS


@pytest.mark.parametrize("key", ["run0:5", f"{RUN}:999999", f"{RUN}:05", f"{RUN}:-1", "", "5", f"{RUN}:"])
@pytest.mark.parametrize("node", [0, 1])
def test_a_key_that_nobody_used_is_a_ghost_on_any_node(key: str, node: int) -> None:
    verdict = Ghosts().check(holding(key, node))
    assert (verdict.outcome, verdict.measured["ghosts"]) == (Outcome.FAIL, 1)
    assert verdict.examples == (f"{key}: nobody placed it",)


def test_the_number_of_a_product_read_is_no_order_either() -> None:
    read = int(np.flatnonzero(a_history().ledger.kind == READ)[0])
    assert Ghosts().check(holding(f"{RUN}:{read}")).outcome is Outcome.FAIL


def test_refused_and_yet_present_is_its_own_finding() -> None:
    ledger = a_history().ledger
    refused = int(np.flatnonzero(ledger.orders & (ledger.fate == REFUSED))[0])
    verdict = Ghosts().check(holding(f"{RUN}:{refused}"))
    assert verdict.outcome is Outcome.FAIL
    assert (verdict.measured["ghosts"], verdict.measured["refused_and_present"]) == (0, 1)
    assert verdict.examples == (f"{RUN}:{refused}: refused, yet present",)


def test_an_empty_audit_is_inconclusive() -> None:
    history = a_history()
    assert history.audit is not None
    nodes = tuple(replace(node, key=(), order_id=(), digest=()) for node in history.audit.nodes)
    assert Ghosts().check(with_audit(history, replace(history.audit, nodes=nodes))).outcome is Outcome.INCONCLUSIVE
