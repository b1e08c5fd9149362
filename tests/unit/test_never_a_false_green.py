"""The property the house stands on: taking evidence away, repeating it or mixing it up never produces PASS.

The journal is sealed anew after each change and counts the rows that are left, as by someone who wants to be believed.
Left alone is what nothing else in a run can vouch for: *interrupted* and *gap*, which are doubts themselves (that one of
those is missing shows in the records' numbers, see ``store``), and in the audit the rows that alone prove the harm. No
row is made up either, such as one that proves an order. ``docs/measuring.md`` says so.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness import events
from harness.audited import Charge, Charges, NodeAudit
from harness.checkers.oversold import balanced
from harness.events import Event
from harness.history import History
from harness.judge import judge
from harness.model import Doubt, Outcome
from harness.plan import plan
from harness.scenario import asked_also
from tests.fake_declaration import DECLARATION
from tests.fake_runs import RUN, STEP, S, Trouble, a_history, a_plan, act_ns, also, end_ns, sealed, with_audit, without

PLAN = plan(asked_also(a_plan().scenario, "wrongly_charged = {}", "made_up.toml"), DECLARATION)
ACT, END, HEALED = act_ns(PLAN), end_ns(PLAN), act_ns(PLAN) + 25 * S


def told(history: History, kind: type[Event], when: Callable[[int], bool] = lambda _: True, **fields: Any) -> History:
    """Change fields of all records of a kind, at the times that are meant."""
    return replace(
        history,
        events=tuple(
            replace(event, **fields) if isinstance(event, kind) and when(event.at_ns) else event for event in history.events
        ),
    )


def stored(history: History, *keys: str) -> History:
    """Let the primary hold more orders."""
    assert history.audit is not None
    old, node = history.audit.nodes
    node = replace(
        node, key=(*node.key, *keys), order_id=(*node.order_id, *keys), digest=(*node.digest, *("" for _ in keys))
    )
    assert history.audit.charges is not None
    charges = replace(history.audit.charges, orders=len(node.key))
    return with_audit(history, replace(history.audit, nodes=(old, node), charges=charges))


def stored_on_standby(history: History, key: str) -> History:
    """Let the standby alone hold one more order."""
    assert history.audit is not None
    node, primary = history.audit.nodes
    node = replace(node, key=(*node.key, key), order_id=(*node.order_id, key), digest=(*node.digest, ""))
    return with_audit(history, replace(history.audit, nodes=(node, primary)))


def oversold(history: History) -> History:
    assert history.audit is not None
    first, *others = history.audit.stock
    return with_audit(history, replace(history.audit, stock=(replace(first, final=-1), *others)))


def wrongly_charged(history: History) -> History:
    assert history.audit is not None
    assert history.audit.charges is not None
    wrong = Charge(key=f"{RUN}:7", order_id="o7", right_cents=236, charged_cents=1)
    return with_audit(history, replace(history.audit, charges=Charges(orders=history.audit.charges.orders, wrong=(wrong,))))


def still_held_but_well(history: History) -> History:
    looks = [e for e in history.events if isinstance(e, events.Looked) and e.stage == "held" and e.at_ns > ACT + 9 * S]
    return replace(history, events=tuple(replace(e, bitten=False) if e in looks else e for e in history.events))


@cache
def bad_runs() -> dict[str, History]:
    """Make runs that are FAIL, INCONCLUSIVE or DIRTY, each for one reason."""
    good = a_history()
    unseen = events.NotBitten(at_ns=ACT + 5 * S, step=STEP, because="it answered all the time")
    unhealed = events.NotHealed(at_ns=END, step=STEP, because="it is silent", mend="windtunnel heal")
    held = [event for event in good.all(events.Looked) if event.stage == "held"]
    first = int(np.flatnonzero(good.ledger.orders)[0])
    return {
        "no failover": a_history(troubles=[Trouble(from_s=0, to_s=25.5)]),
        "too slow": a_history(troubles=[Trouble(from_s=0, to_s=17)]),
        "never steady again": a_history(troubles=[Trouble(from_s=0, to_s=4), Trouble(from_s=26, to_s=99, one_in=10)]),
        "not steady before": a_history(troubles=[Trouble(from_s=-6, to_s=-5), Trouble(from_s=0, to_s=4)]),
        "lost": a_history(lost=1),
        "oversold": oversold(good),
        "wrongly charged": wrongly_charged(good),
        "duplicated": stored(good, f"{RUN}:{first}"),
        "ghost": stored(good, "run0:1"),
        "ghost on the standby": stored_on_standby(good, "run0:1"),
        "no redundancy": told(good, events.Sample, lambda at: at > HEALED and (at - ACT) % S == 0, value=0.0),
        "unbitten": also(without(good, events.Bitten), unseen),
        "healed by itself": still_held_but_well(good),
        "healed too early": told(good, events.Healing, at_ns=ACT + 20 * S),
        "not watched": replace(good, events=sealed(event for event in good.events if event not in held)),
        "no load's end": without(good, events.LoadStopped),
        "unhealed": also(without(good, events.Closed), unhealed),
        "residue": told(good, events.Fingerprint, residue=("orders_db-1: paused",)),
    }


def mixed_up(draw: st.DrawFn, count: int) -> list[int]:
    """Draw which of ``count`` things are left and in which order: dropped, cut, repeated, moved, mirrored."""
    places = list(range(count))
    for _ in range(draw(st.integers(1, 4))):
        at, to = draw(st.integers(0, len(places))), draw(st.integers(0, len(places)))
        change = draw(st.sampled_from(["drop", "cut", "end", "repeat", "move", "mirror"]))
        if change == "drop":
            del places[at : at + 1]
        elif change == "cut":
            del places[min(at, to) : max(at, to)]
        elif change == "end":
            del places[max(at, to) :]
        elif change == "repeat":
            places[to:to] = places[at : at + 3]
        elif change == "move":
            places[to:to], places[at : at + 3] = places[at : at + 3], []
        else:
            places[min(at, to) : max(at, to)] = places[min(at, to) : max(at, to)][::-1]
    return places


@st.composite
def journals(draw: st.DrawFn, name: str) -> History:
    """Take a bad run and spoil its journal: at random, or all records of some kinds."""
    history = bad_runs()[name]
    kinds = sorted({type(event) for event in history.events}, key=lambda kind: kind.__name__)
    gone = tuple(draw(st.lists(st.sampled_from(kinds), max_size=2)))
    kept = [event for event in history.events if not isinstance(event, (*gone, events.Sealed))]
    return replace(history, events=sealed(kept[place] for place in mixed_up(draw, len(kept))))


@st.composite
def ledgers(draw: st.DrawFn, name: str) -> History:
    """Take a bad run and spoil its ledger; the journal counts what is left of it."""
    history = bad_runs()[name]
    rows = np.array(mixed_up(draw, len(history.ledger)), dtype=np.intp)
    history = rows_of(history, rows)
    return told(history, events.LoadStopped, rows=int(np.count_nonzero(history.ledger.recorded)))


@st.composite
def audits(draw: st.DrawFn, name: str) -> History:
    """Take a bad run and spoil its audit: rows of its nodes, rows of the stock, whole nodes. The journal counts the rest.

    Where the number of products is made to fit too, those whose books do not balance stay.
    """
    history = bad_runs()[name]
    assert history.audit is not None
    nodes = [node_of(node, kept(draw, len(node.key), harm_in(node))) for node in history.audit.nodes]
    nodes = [nodes[place] for place in mixed_up(draw, len(nodes))]
    levels, fitting = history.audit.stock, draw(st.booleans())
    harm = [row for row, level in enumerate(levels) if fitting and not balanced(level)]
    stock = tuple(levels[row] for row in kept(draw, len(levels), harm))
    skus = len({level.sku for level in stock}) if fitting else history.audit.skus
    return with_audit(history, replace(history.audit, nodes=tuple(nodes), stock=stock, skus=skus))


def kept(draw: st.DrawFn, count: int, harm: Iterable[int]) -> list[int]:
    """Draw which of ``count`` rows are left, and in which order; those of the harm are."""
    places = mixed_up(draw, count)
    return [*places, *sorted(set(harm) - set(places))]


def harm_in(node: NodeAudit) -> list[int]:
    """Give the rows that alone prove that an order was stored twice, or that nobody placed it."""
    count = Counter(node.key)
    return [row for row, key in enumerate(node.key) if count[key] > 1 or not key.startswith(f"{RUN}:")]


def node_of(node: NodeAudit, rows: list[int]) -> NodeAudit:
    """Give a node with some of its rows only, in the given order; rows may repeat."""
    return replace(
        node,
        key=tuple(node.key[row] for row in rows),
        order_id=tuple(node.order_id[row] for row in rows),
        digest=tuple(node.digest[row] for row in rows),
    )


def rows_of(history: History, rows: NDArray[np.intp]) -> History:
    """Give the history with some rows of its ledger only, in the given order; rows may repeat."""
    ledger, places = history.ledger, rows.tolist()
    columns = ("seq", "kind", "intended_ns", "sent_ns", "done_ns", "fate", "status", "attempts", "recorded")
    picked = replace(
        ledger,
        **{name: getattr(ledger, name)[rows] for name in columns},
        order_id=tuple(ledger.order_id[row] for row in places),
        digest=tuple(ledger.digest[row] for row in places),
    )
    return replace(history, ledger=picked, lost=history.lost[rows])


@cache
def not_passed(name: str) -> frozenset[str]:
    """Name the objectives that a bad run does not pass."""
    return failing(bad_runs()[name])


def failing(history: History) -> frozenset[str]:
    return frozenset(one.objective for one in judge(PLAN, history).verdicts if one.outcome is not Outcome.PASS)


def unlike(before: Iterable[str], history: History) -> frozenset[str]:
    """Name the objectives that passed by the change alone."""
    return frozenset(before) - failing(history)


def test_each_bad_run_is_bad() -> None:
    outcomes = {name: judge(PLAN, history).outcome for name, history in bad_runs().items()}
    assert Outcome.PASS not in outcomes.values(), outcomes
    assert set(outcomes.values()) == {Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.DIRTY}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_spoilt_journal_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(bad_runs())))
    assert not unlike(not_passed(name), data.draw(journals(name)))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_spoilt_ledger_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(bad_runs())))
    assert not unlike(not_passed(name), data.draw(ledgers(name)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_spoilt_audit_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(bad_runs())))
    assert not unlike(not_passed(name), data.draw(audits(name)))


@pytest.mark.parametrize("name", ["ghost on the standby", "lost", "duplicated", "oversold"])
def test_a_node_that_nobody_read_passes_nothing(name: str) -> None:
    """Where it is left out of the audit, and nothing says that it is missing."""
    history = bad_runs()[name]
    assert history.audit is not None
    for nodes in ((history.audit.nodes[0],), (history.audit.nodes[1],), ()):
        assert not unlike(not_passed(name), with_audit(history, replace(history.audit, nodes=nodes)))


DOUBTS = st.builds(
    Doubt,
    because=st.sampled_from(["a", "b"]),
    voids=st.frozensets(st.sampled_from(list(Outcome))),
    timing_only=st.booleans(),
    reaction_only=st.booleans(),
)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_doubt_passes_nothing_that_did_not_pass(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["good", *bad_runs()]))
    doubts = data.draw(st.lists(DOUBTS, max_size=4))
    history = a_history() if name == "good" else bad_runs()[name]
    assert not unlike(failing(history), replace(history, integrity=tuple(doubts)))
