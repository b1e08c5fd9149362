"""Every file on the shelf of checkers keeps the contract; a new one is picked up by itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness import registry
from harness.audited import Audit
from harness.events import Alerted, Closed, Event, Fingerprint, Located, Mended, Metric, Parts, Sample, Sealed
from harness.history import Checker, History, Ledger
from harness.judge import judge
from harness.model import Outcome
from harness.planned import Objective, Plan
from harness.views import NO_VIEWS
from harness.visits import NO_VISITS
from tests.fake_monitoring import CLASS, NO_PRIMARY
from tests.fake_runs import Trouble, a_history, a_plan, with_audit, without
from tests.fake_scaling import adding

KINDS = registry.kinds("checkers")
LIMITS = {
    "min_ratio": 0.1,
    "p95_max_ms": 10_000.0,
    "budget_s": 1000.0,
    "max": 10**9,
    "worst_10s_min_ratio": 0.5,
    "mean_max_ms": 10_000.0,
    "class_": CLASS,
    "stale_max_s": 1000.0,
    "name": NO_PRIMARY,
    "sessions": 100,
    "exposed": 10,
    "moved": 10,
    "edge": "cdn_a",
    "times_max": 1000.0,
    "p75_max_ms": 10_000.0,
    "loads": 2,
    "max_ms": 1000.0,
    "within_ms": 10_000.0,
}
OTHER_LIMITS = {"added_share": {"budget_s": 5.0}}  # it looks at what comes after its budget
CALM = a_plan(calm=True)
BROWSED = a_plan(browsing=True)
OTHERS = {
    Alerted,
    Closed,
    Fingerprint,
    Located,
    Mended,
    Metric,
    Parts,
    Sample,
    Sealed,
}  # told to people, judged by "healed", or needed by some only
OWN: dict[str, set[type[Event]]] = {
    "alert": {Alerted, Closed, Located},
    "blast_radius": {Parts, Sample},
    "cpu_per_order": {Parts, Sample},
    "origin_load": {Metric},
    "query_time": {Metric},
    "split_brain": {Sample},
    "true_price": {Sample},
}
ELSEWHERE = {
    *OWN,
    "added_share",
    "redundancy",
    "duplicated",
    "ghosts",
    "orders_lost",
    "oversold",
}  # to these an empty ledger is not nothing
NO_NUMBERS = np.zeros(0, dtype=np.int64)
EMPTY = Ledger(
    seq=NO_NUMBERS,
    kind=NO_NUMBERS.astype(np.int8),
    intended_ns=NO_NUMBERS,
    sent_ns=NO_NUMBERS,
    done_ns=NO_NUMBERS,
    fate=NO_NUMBERS.astype(np.int8),
    status=NO_NUMBERS.astype(np.int16),
    attempts=NO_NUMBERS.astype(np.int16),
    recorded=np.zeros(0, dtype=np.bool_),
    order_id=(),
    digest=(),
)


def lenient(kind: str) -> Checker:
    """Make a checker with limits that any shop keeps, so that nothing but missing evidence stands against PASS."""
    found: Any = registry.cls("checkers", kind)
    fields, limits = found.__dataclass_fields__, LIMITS | OTHER_LIMITS.get(kind, {})
    checker: Checker = found(**{name: value for name, value in limits.items() if name in fields})
    return checker


def run_for(kind: str) -> tuple[Plan, History]:
    """Make the run in which a kind has its evidence, and a plan with it alone: ``throughput`` wants a calm minute."""
    plan = CALM if kind == "throughput" else BROWSED if lenient(kind).browses or lenient(kind).screened else a_plan()
    only = Objective(id=kind, kind=kind, when="all", checker=lenient(kind))
    history = a_history(plan, () if plan is CALM else [Trouble(from_s=0, to_s=2)])
    if kind == "added_share":
        history = adding(history, lambda at_s: 0.3 if at_s > 0 else 0.0)
    return replace(plan, objectives=(only,)), history


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_checker_and_every_parameter_has_a_lenient_value_here(kind: str) -> None:
    found: Any = registry.cls("checkers", kind)
    assert found.__doc__
    assert isinstance(lenient(kind), Checker)
    required = {name for name, field in found.__dataclass_fields__.items() if field.default is field.default_factory}
    assert required <= LIMITS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_a_good_run_with_enough_evidence(kind: str) -> None:
    _, history = run_for(kind)
    verdict = lenient(kind).check(history)
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.evidence >= verdict.needed >= 1
    assert verdict.because.endswith(".")
    assert verdict.limit
    assert verdict.measured


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_inconclusive_on_an_empty_history(kind: str) -> None:
    _, history = run_for(kind)
    nothing = replace(history, events=(), ledger=EMPTY, visits=NO_VISITS, views=NO_VIEWS, audit=None)
    nothing = replace(nothing, lost=np.zeros(0, dtype=np.bool_))
    empty_audit = Audit(at_ns=10**15, nodes=(), stock=(), skus=0, missing={})
    for empty in (nothing, replace(nothing, audit=empty_audit), with_audit(replace(nothing, events=history.events), None)):
        if empty.events == () or kind not in ELSEWHERE:
            assert lenient(kind).check(empty).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_not_believed_without_each_kind_of_evidence(kind: str) -> None:
    """Take away one kind of records, the audit, the ledger: PASS becomes INCONCLUSIVE, and nothing becomes FAIL."""
    plan, history = run_for(kind)
    assert judge(plan, history).verdicts[0].outcome is Outcome.PASS
    present = ({type(event) for event in history.events} - OTHERS) | OWN.get(kind, set())
    poorer = [without(history, gone) for gone in present]
    poorer += [with_audit(history, None), replace(history, events=history.events[:-1])]
    if lenient(kind).browses:
        poorer.append(replace(history, visits=NO_VISITS))
    if lenient(kind).screened:
        poorer.append(replace(history, views=NO_VIEWS))
    for poor in poorer:
        assert judge(plan, poor).verdicts[0].outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("kind", KINDS)
def test_it_never_raises_on_odd_data(kind: str) -> None:
    (_, history), checker = run_for(kind), lenient(kind)
    backwards = replace(history, events=history.events[::-1])
    doubled = replace(history, events=history.events * 2)
    odd = [backwards, doubled]
    if history.audit is not None:
        short = tuple(replace(node, order_id=node.order_id[:3], digest=node.digest[:2]) for node in history.audit.nodes)
        odd.append(replace(history, audit=replace(history.audit, nodes=short)))
        odd.append(replace(history, audit=replace(history.audit, nodes=history.audit.nodes * 2, stock=())))
    for one in odd:
        checker.check(one)
