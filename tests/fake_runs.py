"""Made-up histories for tests, public on purpose: a run that passes everything, and knobs for what may go wrong.

``a_history()`` is a whole run of some 5 000 orders, made in a few milliseconds without clock, disk or shop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from harness import events
from harness.audited import Audit, Charges, NodeAudit, StockLevel
from harness.cost import GENERATOR, ITSELF, MACHINE
from harness.events import Event
from harness.history import ACKNOWLEDGED, ORDER, REFUSED, UNKNOWN, History, Ledger, Window, lost_rows
from harness.load.schedule import Planned, planned
from harness.model import Reading, Undo, noun
from harness.plan import plan
from harness.planned import Plan
from harness.rates import stages_s
from harness.scenario import parse
from harness.views import NO_VIEWS
from harness.visits import NO_VISITS
from tests.fake_declaration import DECLARATION
from tests.fake_monitoring import INSTANCES, PRIMARY, STANDBY, counted, health, monitored, writes
from tests.fake_sessions import BROWSING, EDGES, Hit, with_sessions
from tests.fake_views import some_views

S = 1_000_000_000
BEGIN_NS, AFTER_S, TIMEOUT_NS = 1 * S, 12, 10 * S
RUN, SKUS, STEP = "run1", 10, "step1"
SPENDERS = (*(name for names in INSTANCES.values() for name in names), GENERATOR, ITSELF, MACHINE)
SCENARIO = """
format = 1
hypothesis = "The shop takes orders again within 15 s by its own means."
blast_radius = ["orders_db", "storefront"]
seed = 7
[load]
arrivals = { orders_per_s = 100 }
products_per_s = 10
warm_up_s = 2
baseline_s = 12
[steady_state]
goodput = { min_ratio = 0.999 }
order_latency = { p95_max_ms = 200 }
"""
OBJECTIVES = """
[objectives]
orders_lost = {}
oversold = {}
duplicated = {}
ghosts = {}
redundancy = { budget_s = 20 }
"""
KILL = """rto = { budget_s = 15, contract_s = 900 }
[recovery]
stable_s = 10
give_up_s = 60
[[steps]]
hold_s = 25
kill = { target = "orders_db:primary" }
"""


def a_plan(*, calm: bool = False, browsing: bool = False, surge: str = "") -> Plan:
    """Plan the flagship in small: the primary lost for 25 s. ``calm``: no fault, 62 s of load, and ``throughput``.

    ``surge``: no fault, but stages of the load, as they are written in a scenario.

    ``browsing``: shoppers come with sessions too, and it is an edge that is lost.
    """
    if surge:
        text = SCENARIO.replace("warm_up_s", f"stages = [{surge}]\nwarm_up_s") + OBJECTIVES + "[recovery]\nstable_s = 10\n"
        return plan(parse(text, "made_up.toml"), DECLARATION)
    if browsing:
        text = SCENARIO.replace("warm_up_s", f"{BROWSING}\nwarm_up_s") + OBJECTIVES + KILL
        text = text.replace("orders_db:primary", "cdn_a").replace('["orders_db"', '["cdn_a", "orders_db"')
        return plan(parse(text, "made_up.toml"), DECLARATION)
    text = SCENARIO + OBJECTIVES + ("throughput = {}\n" if calm else KILL)
    return plan(parse(text.replace("baseline_s = 12", "baseline_s = 60") if calm else text, "made_up.toml"), DECLARATION)


@noun
class Trouble:
    """What a scripted shop does from ``from_s`` to ``to_s``, in seconds from the act (calm: from the baseline's end).

    It refuses one order in ``one_in``, or does not answer it before ``to_s`` (``silent``): shoppers give up after 10 s.
    """

    from_s: float
    to_s: float
    silent: bool = False
    one_in: int = 1


FAILOVER = (Trouble(from_s=0, to_s=8),)


def act_ns(made: Plan) -> int:
    """When the act is (calm: when it would be), in ns since the run's zero."""
    return BEGIN_NS + round((made.scenario.load.warm_up_s + made.scenario.load.baseline_s) * S)


def end_ns(made: Plan) -> int:
    """When the load ends, in ns since the run's zero."""
    lasts_s = stages_s(made.scenario.load) + sum((step.hold_s or 0) + AFTER_S for step in made.steps)
    return act_ns(made) + round((lasts_s + AFTER_S * bool(made.scenario.load.stages)) * S)


def a_ledger(arrivals: Planned, begin_ns: int, zero_ns: int, troubles: Sequence[Trouble]) -> Ledger:
    """Let a scripted shop serve planned arrivals: within 10 to 19 ms, but for its troubles, counted from ``zero_ns``."""
    intended = arrivals.intended_ns + begin_ns
    sent, count = intended + 1_000_000, len(arrivals)
    done, fate = intended + (10 + arrivals.seq % 10) * 1_000_000, np.full(count, ACKNOWLEDGED, dtype=np.int8)
    for trouble in troubles:
        since, until = zero_ns + round(trouble.from_s * S), zero_ns + round(trouble.to_s * S)
        hit = (intended >= since) & (intended < until) & (arrivals.seq % trouble.one_in == 0)
        given_up = hit & (until - intended > TIMEOUT_NS)
        fate[hit] = ACKNOWLEDGED if trouble.silent else REFUSED
        if trouble.silent:
            done[hit] = np.minimum(until + 10_000_000, intended[hit] + TIMEOUT_NS)
            fate[given_up] = UNKNOWN
    order = (arrivals.kind == ORDER) & (fate == ACKNOWLEDGED)
    return Ledger(
        seq=arrivals.seq,
        kind=arrivals.kind,
        intended_ns=intended,
        sent_ns=sent,
        done_ns=done,
        fate=fate,
        status=np.where(fate == ACKNOWLEDGED, 201, np.where(fate == REFUSED, 503, 0)).astype(np.int16),
        attempts=np.ones(count, dtype=np.int16),
        recorded=np.ones(count, dtype=np.bool_),
        order_id=tuple(f"o{seq}" if one else "" for seq, one in zip(arrivals.seq.tolist(), order.tolist(), strict=True)),
        digest=tuple(f"d{seq}" if one else "" for seq, one in zip(arrivals.seq.tolist(), order.tolist(), strict=True)),
    )


def an_audit(ledger: Ledger, at_ns: int, without: Iterable[int] = ()) -> Audit:
    """Read a shop that stored each acknowledged order, one piece of product seq % 10, ``without`` those of some seqs."""
    gone = set(without)
    rows = [row for row, id_ in enumerate(ledger.order_id) if id_ and int(ledger.seq[row]) not in gone]
    seqs = ledger.seq[rows]
    sold = np.bincount(seqs % SKUS, minlength=SKUS)
    nodes = tuple(
        NodeAudit(
            node=node,
            role=role,
            key=tuple(f"{RUN}:{seq}" for seq in seqs.tolist()),
            order_id=tuple(ledger.order_id[row] for row in rows),
            digest=tuple(ledger.digest[row] for row in rows),
        )
        for node, role in ((PRIMARY, "standby"), (STANDBY, "primary"))
    )
    stock = tuple(StockLevel(sku=f"sku{n}", initial=9000, final=9000 - int(k), sold=int(k)) for n, k in enumerate(sold))
    charges = Charges(orders=len(rows), wrong=())
    return Audit(at_ns=at_ns, nodes=nodes, stock=stock, skus=SKUS, missing={}, charges=charges)


def a_history(made: Plan | None = None, troubles: Sequence[Trouble] = FAILOVER, lost: int = 0) -> History:
    """Make a run of a plan (default: ``a_plan()``), which passes everything: 8 s of refusals after the act, none if calm.

    ``troubles`` replaces those 8 s; of the orders acknowledged before the act the shop forgot the last ``lost``.
    """
    made = made or a_plan()
    begin, zero, until = BEGIN_NS, act_ns(made), end_ns(made)
    troubles = () if troubles is FAILOVER and not made.steps else troubles
    arrivals = planned(made.scenario.load, made.scenario.seed, made.scale, until - begin)
    ledger, visits, views = a_ledger(arrivals, begin, zero, troubles), NO_VISITS, NO_VIEWS
    if made.scenario.load.sessions is not None:
        ledger, visits = with_sessions(ledger, Hit(from_ns=zero, until_ns=zero + 26 * S), until)
        views = some_views(EDGES, begin, until, Hit(from_ns=zero, until_ns=zero + 26 * S))
    before = ledger.seq[(ledger.done_ns < zero) & ledger.orders]
    audit = an_audit(ledger, until + 20 * S, before[len(before) - lost :].tolist())
    return History(
        declaration=made.declaration,
        scenario=made.scenario,
        events=sealed(_events(made, ledger, audit)),
        ledger=ledger,
        audit=audit,
        lost=lost_rows(ledger, audit, RUN),
        integrity=(),
        window=Window(start_ns=begin, end_ns=until),
        visits=visits,
        views=views,
    )


def with_audit(history: History, audit: Audit | None) -> History:
    """Give the history with another audit, counted in the journal, and what is lost worked out again."""
    rows = sum(len(node.key) for node in audit.nodes) if audit else 0
    told = [replace(event, rows=rows) if isinstance(event, events.Audited) else event for event in history.events]
    return replace(history, audit=audit, events=tuple(told), lost=lost_rows(history.ledger, audit, RUN))


def sealed(records: Iterable[Event]) -> tuple[Event, ...]:
    """Give records with a true seal at their end, whatever seal they had."""
    kept = [event for event in records if not isinstance(event, events.Sealed)]
    at_ns = max((event.at_ns for event in kept), default=0)
    return (*kept, events.Sealed(at_ns=at_ns, records=len(kept), files={}))


def without(history: History, *kinds: type[Event]) -> History:
    """Give the history as if nobody had written down some kinds of records, with a true seal."""
    return replace(history, events=sealed(event for event in history.events if not isinstance(event, kinds)))


def also(history: History, *records: Event) -> History:
    """Give the history with more records, in the order of time, with a true seal."""
    return replace(history, events=sealed(sorted([*history.events, *records], key=lambda event: event.at_ns)))


def _events(made: Plan, ledger: Ledger, audit: Audit) -> list[Event]:
    """Write the journal of a run, in the order of time."""
    act, end = act_ns(made), end_ns(made)
    heal = act + round(sum(step.hold_s or 0 for step in made.steps) * S)
    warm = BEGIN_NS + round(made.scenario.load.warm_up_s * S)
    phases = {"shop_up": 0, "warm_up": BEGIN_NS, "baseline": warm}
    if made.scenario.disturbed:
        phases |= {"steps": act, "recovery": max(heal, act + round(stages_s(made.scenario.load) * S)) + 2 * S}
    phases |= {"settle": end, "audit": end + 10 * S, "shop_down": end + 25 * S, "end": end + 30 * S}
    records: list[Event] = [
        events.Run(
            at_ns=0,
            id=RUN,
            command="windtunnel run made_up.toml",
            commit="0" * 12,
            machine="made up",
            versions={},
            shop="made_up",
            defects=(),
            seed=made.scenario.seed,
            scale=made.scale,
            wall_ns=0,
        ),
        *(events.Phase(at_ns=at, name=name) for name, at in phases.items()),
        events.Parts(at_ns=0, versions={}, instances=INSTANCES),
        events.LoadStarted(at_ns=BEGIN_NS, begin_ns=BEGIN_NS),
        events.LoadStopped(at_ns=end + S, until_ns=end, rows=len(ledger)),
        events.Fingerprint(at_ns=end + 12 * S, residue=()),
        events.Audited(at_ns=audit.at_ns, rows=sum(len(node.key) for node in audit.nodes)),
    ]
    for at in range(BEGIN_NS, end + 10 * S, S):
        healthy = not made.steps or not act <= at < heal + 3 * S
        records.append(events.Sample(at_ns=at, probe="foreign_cpu", on="machine", value=0.02))
        records.append(events.Sample(at_ns=at, probe="redundancy", on="orders_db", value=1.0 if healthy else 0.0))
        records += [events.Sample(at_ns=at, probe="price", on=front, value=1.0) for front in INSTANCES["storefront"]]
        role = PRIMARY if not made.steps or at < act else "none" if at < act + 7 * S else STANDBY
        records.append(events.Sample(at_ns=at, probe="role", on="orders_db", value=role))
        records += health(at, well=healthy)
    records += counted(BEGIN_NS, end + 10 * S, dict.fromkeys(SPENDERS, 0.01))
    records += monitored(BEGIN_NS, act if made.steps else None, heal, end)
    records += writes(BEGIN_NS, act if made.steps else None, heal, end)
    if made.steps:
        records += _step(warm, act, heal)
    return sorted(records, key=lambda event: event.at_ns)


def _step(warm: int, act: int, heal: int) -> list[Event]:
    """Write down one kill of the primary, its bite, its hold and its heal."""
    undo = Undo(verb="start", on=PRIMARY, args={})
    looks = [("baseline", at) for at in range(warm, act, S)] + [("biting", act + S // 5)]
    looks += [("held", at) for at in range(act + S, heal, S)] + [("healing", heal + S), ("healing", heal + 2 * S)]
    return [
        *(_look(stage, at, bitten=act <= at < heal + 2 * S) for stage, at in looks),
        events.Located(at_ns=act, step=STEP, target="orders_db:primary", component="orders_db", instance=PRIMARY),
        events.Intended(
            at_ns=act,
            step=STEP,
            fault="kill",
            held=True,
            target="orders_db:primary",
            instance=PRIMARY,
            typed=f"docker kill {PRIMARY}",
            undo=(undo,),
        ),
        events.Acted(at_ns=act + S // 10, step=STEP, t0_ns=act),
        events.Bitten(at_ns=act + S // 5, step=STEP),
        events.Healing(at_ns=heal, step=STEP, reason="planned"),
        events.Mended(at_ns=heal + S // 2, step=STEP, undo=undo, error=None),
        events.Closed(at_ns=heal + 2 * S, step=STEP),
    ]


def _look(stage: str, at: int, *, bitten: bool) -> events.Looked:
    """Look at the primary: 2 ms, or silent."""
    reading = Reading(at_ns=at, value="silent" if bitten else 2.0)
    return events.Looked(at_ns=at, step=STEP, instance=PRIMARY, stage=stage, reading=reading, bitten=bitten)
