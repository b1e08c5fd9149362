"""Reports made by hand, one for each outcome: the primary of the orders database is lost for a minute at 100 orders/s.

PASS: a standby takes over after 21 s. FAIL: nobody does, until our heal. INCONCLUSIVE: the fault never bit. DIRTY: it was
not seen healed. Used by unit tests and by the browser test.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.declaration import Component, Declaration
from harness.events import (
    Acted,
    Alerted,
    Bitten,
    Closed,
    Entry,
    Event,
    Fingerprint,
    Healing,
    Intended,
    LoadStarted,
    LoadStopped,
    Located,
    Looked,
    Mended,
    Metric,
    NotBitten,
    NotHealed,
    Parts,
    Phase,
    Run,
    Sample,
)
from harness.history import ACKNOWLEDGED, UNKNOWN, History, Ledger, Window
from harness.model import Doubt, Judgement, Outcome, Reading, Series, Undo, Verdict
from harness.planned import Plan
from harness.report import Report
from harness.scenario import parse
from tests.fake_monitoring import counted

S = 1_000_000_000
BEGIN, T0, HEAL, HEALED, END = 30 * S, 70 * S, 130 * S, 134 * S, 165 * S
RATE = 100
SCENARIO = """
format = 1
hypothesis = "When the orders database loses its primary at peak sale, the shop takes orders again within 45 s by its \
own means, and no acknowledged order is lost."
incident = 2
blast_radius = ["orders_db", "storefront"]
seed = 7
[load]
arrivals = { orders_per_s = 100 }
warm_up_s = 10
baseline_s = 30
[[steps]]
hold_s = 60
kill = { target = "orders_db:primary" }
[objectives]
rto = { budget_s = 45, contract_s = 900 }
orders_lost = { max = 0 }
goodput = { min_ratio = 0.999 }
[playbook]
owner = "DBA on call"
steps = ["Confirm OrdersDbNoPrimary.", "Do not restart the old primary by hand; watch the standby take over."]
"""
DECLARATION = Declaration(
    name="reference shop",
    components=(Component(name="orders_db", instances=2, roles=("primary", "standby"), standbys=1),),
    entries=("lb",),
    shopper="sut.shopper:OneCallShopper",
    defects={},
)
INSTANCES = {"orders_db": ("orders_db-1", "orders_db-2")}
SPENT = {"orders_db-1": 0.12, "orders_db-2": 0.05, "generator": 0.06, "harness": 0.02, "machine": 0.4}  # CPU s each second
RECOVERED = {Outcome.PASS: 21.3, Outcome.DIRTY: 21.3, Outcome.FAIL: 62.0, Outcome.INCONCLUSIVE: 0.0}


def sample_report(outcome: Outcome) -> Report:
    """Give the report of a run with this outcome."""
    history = sample_history(outcome)
    plan = Plan(
        scenario=history.scenario,
        declaration=DECLARATION,
        parts=("orders_db",),
        steps=(),
        objectives=(),
        probes=("role",),
        defects=(),
        scale=1.0,
        longest_s=600,
    )
    judgement = Judgement(outcome=outcome, verdicts=_verdicts(outcome), doubts=_doubts(outcome))
    folder = Path("reports/runs/20261123-041530-db_primary_lost")
    logs = {
        "orders_db-1": "".join(f"04:16:{n:02d} LOG:  checkpoint complete: wrote {n * 37} buffers\n" for n in range(20)),
        "orders_db-2": "04:16:51 LOG:  received promote request\n04:16:51 LOG:  database system is ready\n",
    }
    return Report(plan=plan, history=history, judgement=judgement, logs=logs, folder=folder)


def sample_history(outcome: Outcome) -> History:
    """Give the history alone."""
    ledger = sample_ledger(RECOVERED[outcome])
    return History(
        declaration=DECLARATION,
        scenario=parse(SCENARIO, "scenarios/db_primary_lost.toml"),
        events=tuple(sorted(_events(outcome, len(ledger)), key=lambda event: event.at_ns)),
        ledger=ledger,
        audit=None,
        lost=np.zeros(len(ledger), dtype=np.bool_),
        integrity=(),
        window=Window(start_ns=BEGIN, end_ns=END),
    )


def sample_ledger(out_s: float, rate: int = RATE, end_ns: int = END) -> Ledger:
    """Give a ledger in which nothing is acknowledged from t0 for ``out_s``; the last second of it is answered late."""
    random = np.random.default_rng(7)
    count = (end_ns - BEGIN) * rate // S
    intended = np.sort(random.integers(BEGIN, end_ns, count))
    since = (intended - T0) / S
    usual = random.lognormal(3.0, 0.45, count) * 1e6
    out = (since >= 0) & (since < out_s)
    late = out & (since > out_s - 1.5)
    took = np.where(late, (1.2 + out_s - since) * S, np.where(out, 5.0 * S, usual)).astype(np.int64)
    fate = np.where(out & ~late, UNKNOWN, ACKNOWLEDGED).astype(np.int8)
    return Ledger(
        seq=np.arange(count),
        kind=np.zeros(count, dtype=np.int8),
        intended_ns=intended,
        sent_ns=intended + 400_000,
        done_ns=intended + took,
        fate=fate,
        status=np.where(fate == ACKNOWLEDGED, 201, 0).astype(np.int16),
        attempts=np.ones(count, dtype=np.int16),
        recorded=np.ones(count, dtype=np.bool_),
        order_id=("",) * count,
        digest=("",) * count,
    )


def _events(outcome: Outcome, rows: int) -> list[Event]:
    """Give the journal."""
    undo = Undo(verb="start", on="orders_db-1", args={})
    bites, heals = outcome is not Outcome.INCONCLUSIVE, outcome is not Outcome.DIRTY
    return [
        _run(outcome),
        Entry(at_ns=20 * S, url="http://198.18.7.10:8080", by="bridge"),
        Parts(at_ns=20 * S, versions={"postgresql": "17.12", "patroni": "4.0.7"}, instances=INSTANCES),
        Phase(at_ns=BEGIN, name="baseline"),
        Phase(at_ns=T0 - S // 10, name="steps"),
        LoadStarted(at_ns=BEGIN, begin_ns=BEGIN),
        Located(at_ns=T0 - S // 20, step="step1", target="orders_db:primary", component="orders_db", instance="orders_db-1"),
        Intended(
            at_ns=T0 - S // 50,
            step="step1",
            fault="kill",
            held=True,
            target="orders_db:primary",
            instance="orders_db-1",
            typed="docker kill wt-20261123-orders_db-1",
            undo=(undo,),
        ),
        Acted(at_ns=T0 + S // 5, step="step1", t0_ns=T0),
        Bitten(at_ns=T0 + S * 2 // 5, step="step1")
        if bites
        else NotBitten(at_ns=T0 + 5 * S, step="step1", because="orders_db-1 was not seen to suffer within 5 s of the act"),
        Healing(at_ns=HEAL, step="step1", reason="planned"),
        Mended(at_ns=HEAL + S, step="step1", undo=undo, error=None if heals else "no such container"),
        Closed(at_ns=HEALED, step="step1")
        if heals
        else NotHealed(
            at_ns=HEAL + 90 * S,
            step="step1",
            because="orders_db-1 still says silent after 90 s",
            mend="windtunnel heal 20261123-041530-db_primary_lost",
        ),
        Fingerprint(at_ns=HEAL + 91 * S, residue=() if heals else ("orders_db-1: stopped",)),
        LoadStopped(at_ns=END, until_ns=END, rows=rows),
        *_monitored(),
        *_looks(bites=bites, heals=heals),
        *_roles(RECOVERED[outcome]),
        *counted(BEGIN, END, SPENT),
    ]


def _monitored() -> list[Event]:
    """Give what the shop's monitoring said."""
    about = {"alertname": "OrdersDbNoPrimary", "component": "orders_db", "instance": "orders_db-1"}
    told = [Alerted(at_ns=at, name="Watchdog", state="firing", labels={}) for at in range(BEGIN, END, 5 * S)]
    for at, state in ((T0 + 6 * S, "firing"), (T0 + 27 * S, "resolved")):
        told.append(Alerted(at_ns=at, name="OrdersDbNoPrimary", state=state, labels=about, playbook="Let it fail over."))
    times = tuple(range(BEGIN, END, S))
    grows = {"query_count": 60.0, "query_sum_s": 0.13, "query_fast": 59.9, "statement_mean_s": 0.0}
    series = [
        Series(
            name=name,
            on="orders_db-1" if name.startswith("statement") else "storefront-1",
            labels={"statement" if name.startswith("statement") else "class": "product"},
            times_ns=times,
            values=tuple(0.0019 + per_s * n for n in range(len(times))),
        )
        for name, per_s in grows.items()
    ]
    return [*told, *(Metric(at_ns=END + S, series=one) for one in series)]


def _run(outcome: Outcome) -> Run:
    """Give the first record."""
    return Run(
        at_ns=0,
        id="20261123-041530-db_primary_lost",
        command="windtunnel run scenarios/db_primary_lost.toml",
        commit="25c65c8",
        machine="2 CPUs, 23 GiB, Linux 6.1",
        versions={"windtunnel": "0.1.0", "python": "3.11.7", "locust": "2.47.0"},
        shop="sut.shop:ReferenceShop",
        defects=("no_failover",) if outcome is Outcome.FAIL else (),
        seed=7,
        scale=1.0,
        wall_ns=1_795_407_330 * S,
    )


def _looks(*, bites: bool, heals: bool) -> list[Event]:
    """Give what the witness saw: a second apart, five times a second around the bite."""
    healed = HEALED if heals else HEAL + 90 * S
    times = [*range(BEGIN + 10 * S, T0, S), *range(T0 + S // 5, T0 + S, S // 5), *range(T0 + S, healed + 1, S)]
    looks: list[Event] = []
    for at_ns in times:
        silent = bites and T0 <= at_ns < (HEALED - S if heals else healed + S)
        value = "silent" if silent else 1.4
        stage = "baseline" if at_ns < T0 else "biting" if at_ns < T0 + S else "held" if at_ns < HEAL else "healing"
        reading = Reading(at_ns=at_ns, value=value)
        looks.append(Looked(at_ns=at_ns, step="step1", instance="orders_db-1", stage=stage, reading=reading, bitten=silent))
    return looks


def _roles(out_s: float) -> list[Event]:
    """Give who was primary, twice a second."""
    seen: list[Event] = []
    for at_ns, since in ((at_ns, (at_ns - T0) / S) for at_ns in range(BEGIN, END, S // 2)):
        value = "orders_db-1" if since < 1 or not out_s else "none" if since < out_s - 2 else "orders_db-2"
        seen.append(Sample(at_ns=at_ns, probe="role", on="orders_db", value=value))
    return seen


def _verdicts(outcome: Outcome) -> tuple[Verdict, ...]:
    """Give what the checkers said, after doubts."""
    recovery_s = RECOVERED[outcome]
    phases = {"no_primary_s": 1.0, "new_primary_s": recovery_s - 2, "first_order_s": recovery_s, "steady_s": recovery_s}
    rto = Verdict(
        objective="rto",
        outcome=Outcome.PASS,
        because=f"After step1 orders were taken again within {recovery_s} s, by the shop itself. The budget is 45 s.",
        measured={"recovery_s": recovery_s, "after_heal_s": 0.0, "outages": 1, "orders_missed": 1980, **phases},
        limit={"budget_s": 45.0, "contract_s": 900.0},
        evidence=9500,
        needed=8550,
    )
    lost = Verdict(
        objective="orders_lost",
        outcome=Outcome.PASS,
        because="Every one of 11,401 acknowledged orders is in the audit of the primary, as it was acknowledged.",
        measured={"orders_lost": 0, "acknowledged": 11401},
        limit={"max": 0},
        evidence=11401,
        needed=900,
    )
    goodput = Verdict(
        objective="goodput",
        outcome=Outcome.PASS,
        because="2,996 of 2,997 orders (99.97 %) were acknowledged within 1 s; at least 99.90 % must be.",
        measured={"ratio": 0.99966, "worst_window_ratio": 0.99, "offered": 2997},
        limit={"min_ratio": 0.999},
        evidence=2997,
        needed=2700,
    )
    if outcome is Outcome.FAIL:
        because = "Not by itself: after step1 it was still out after 60.0 s, when we healed step1; the budget is 45 s."
        rto = replace(rto, outcome=Outcome.FAIL, because=because, examples=("order 4012", "order 4013"))
    if outcome is Outcome.INCONCLUSIVE:
        because = "No fault was seen to bite, so this proves nothing. (After step1 no outage was seen.)"
        return tuple(replace(one, outcome=Outcome.INCONCLUSIVE, because=because) for one in (rto, lost, goodput))
    if outcome is Outcome.DIRTY:
        lost = replace(lost, outcome=Outcome.DIRTY, because="The shop was not healed when the audit was read.")
    return rto, lost, goodput


def _doubts(outcome: Outcome) -> tuple[Doubt, ...]:
    """Give the doubts of the run."""
    late = Doubt(
        because="The generator was late: 1 % of the arrivals were sent 31 ms or more after their time.",
        voids=frozenset({Outcome.FAIL}),
        timing_only=True,
    )
    unbitten = Doubt(because="step1 was not seen to bite.", voids=frozenset({Outcome.PASS}))
    return {Outcome.PASS: (late,), Outcome.INCONCLUSIVE: (unbitten, late)}.get(outcome, ())
