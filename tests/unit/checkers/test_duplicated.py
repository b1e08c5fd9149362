"""``duplicated``: sent twice, stored once."""

from dataclasses import replace

import numpy as np
import pytest

from harness.audited import NodeAudit
from harness.checkers.duplicated import Duplicated
from harness.demand import Resend
from harness.history import History
from harness.model import Outcome
from tests.fake_runs import RUN, a_history, with_audit

FIRST = int(np.flatnonzero(a_history().ledger.orders)[0])


def holding(key: str, order_id: str, node: int = 1) -> History:
    """Make a run in which one node holds one more order."""
    history = a_history()
    assert history.audit is not None
    nodes: list[NodeAudit] = list(history.audit.nodes)
    more = nodes[node]
    nodes[node] = replace(more, key=(*more.key, key), order_id=(*more.order_id, order_id), digest=(*more.digest, "d"))
    return with_audit(history, replace(history.audit, nodes=tuple(nodes)))


def test_each_order_once_passes() -> None:
    assert Duplicated().check(a_history()).outcome is Outcome.PASS


@pytest.mark.parametrize("node", [0, 1])
def test_the_same_key_twice_fails_on_any_node(node: int) -> None:
    verdict = Duplicated().check(holding(f"{RUN}:{FIRST}", "o-new", node))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.examples == (f"{RUN}:{FIRST} is stored 2 times",)


def test_an_order_id_under_two_keys_fails() -> None:
    verdict = Duplicated().check(holding("other", f"o{FIRST}"))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.examples == (f"order o{FIRST} has the keys other, {RUN}:{FIRST}",)


def test_where_shoppers_repeat_themselves_the_repeats_are_the_evidence() -> None:
    history = a_history()
    scenario = replace(history.scenario, load=replace(history.scenario.load, resend=Resend(ratio=0.01)))
    meant = replace(history, scenario=scenario)
    assert Duplicated().check(meant).outcome is Outcome.INCONCLUSIVE
    attempts = np.where(history.ledger.seq % 100 == 0, 2, 1).astype(np.int16)
    done = replace(meant, ledger=replace(history.ledger, attempts=attempts))
    assert Duplicated().check(done).outcome is Outcome.PASS


def test_an_empty_audit_is_inconclusive() -> None:
    history = a_history()
    assert history.audit is not None
    nodes = tuple(replace(node, key=(), order_id=(), digest=()) for node in history.audit.nodes)
    assert Duplicated().check(with_audit(history, replace(history.audit, nodes=nodes))).outcome is Outcome.INCONCLUSIVE
