"""Outages of known length, felt by the real load: what is measured of them at the end of the whole way.

``test_outages`` does this with hundreds of made-up ledgers, which proves the formula. Here a server is in trouble, and the
load's own process orders from it and writes the ledger. Refusals and silence are flown at the same time, the outages of
each one after the other.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import events
from harness.checkers.rto import Rto
from harness.clock import S, pause
from harness.demand import Arrivals, Load
from harness.events import Event
from harness.history import Ledger
from harness.load.generator import Generator
from harness.load.ledger import read
from harness.load.schedule import planned
from harness.load.spec import LoadSpec
from harness.model import Verdict
from tests.fake_runs import Trouble, a_history, a_plan
from tests.integration.little_server import ScriptedServer

pytestmark = [pytest.mark.slow, pytest.mark.alone]
ROOT = Path(__file__).parents[2]
LOAD = Load(arrivals=Arrivals(orders_per_s=300), warm_up_s=1, baseline_s=2)
FIRST_S, QUIET_S, TRIES, LATE_MS = 2.0, 2.5, 3, 20.0
Outages = dict[str, list[tuple[float, float, int]]]
# Each outage as stretches from its beginning on: from, to, and one order in how many it hurts. At 300 orders a second.
REFUSALS: Outages = {
    "short": [(0, 0.4, 1)],
    "plain": [(0, 1.7, 1)],
    "flapping": [(0, 0.6, 1), (1.1, 1.5, 1), (2.3, 3.1, 1)],
    "slow": [(0, 0.8, 1), (0.8, 1.6, 2), (1.6, 2.4, 4), (2.4, 3.3, 8)],
}
SILENCES: Outages = {  # shorter than a second it hurts nobody, so each ends with longer ones
    "plain": [(0, 2.0, 1)],
    "flapping": [(0, 1.5, 1), (2.0, 3.8, 1)],
    "slow": [(0, 1.5, 1), (1.5, 3.4, 2), (3.4, 5.3, 4)],
}


def script(outages: Outages, *, silent: bool) -> tuple[dict[str, float], list[Trouble]]:
    """Put outages one after the other; give when each begins, in s, and all the troubles."""
    begins, troubles, at_s = dict[str, float](), list[Trouble](), FIRST_S
    for name, stretches in outages.items():
        begins[name] = at_s
        troubles += [
            Trouble(from_s=at_s + since, to_s=at_s + to, one_in=one_in, silent=silent) for since, to, one_in in stretches
        ]
        at_s = troubles[-1].to_s + QUIET_S
    return begins, troubles


def flown(folder: Path, troubles: Sequence[Trouble]) -> tuple[Ledger, int, int]:
    """Let the load order from a server in trouble; give its ledger, and when it began and ended."""
    folder.mkdir()
    spec = LoadSpec(
        run="run-1",
        seed=7,
        scale=1.0,
        load=LOAD,
        zero_ns=time.monotonic_ns(),
        begin_ns=0,
        longest_s=60,
        url="",
        shopper="tests.fakes:FakeShopper",
        ledger=str(folder / "orders.jsonl"),
        project=str(ROOT),
    )
    with ScriptedServer() as shop:
        generator = Generator.start(replace(spec, url=shop.url), lambda _: None)
        try:
            begin_ns, lasts_s = generator.begin_ns, troubles[-1].to_s + QUIET_S
            shop.begin(spec.zero_ns + begin_ns, troubles)
            until_ns = begin_ns + int(lasts_s * S)
            generator.stop_at(until_ns)
            generator.wait(lasts_s + 20)
        finally:
            generator.kill()
    arrivals = planned(LOAD, spec.seed, spec.scale, until_ns - begin_ns)
    ledger, doubts = read(Path(spec.ledger), arrivals, begin_ns, until_ns)
    assert doubts == ()
    return ledger, begin_ns, until_ns


def in_time(folder: Path, troubles: Sequence[Trouble]) -> tuple[Ledger, int, int]:
    """Fly until the load was sent in time, as the judge demands it; others use the machine too."""
    for number in range(TRIES):
        found = flown(folder.with_name(f"{folder.name}{number}"), troubles)
        if np.quantile(found[0].late_ms, 0.99) < LATE_MS:
            return found
        pause(1)
    pytest.fail(f"{TRIES} times the machine was too busy to send in time")


def judged(flight: tuple[Ledger, int, int], begins: dict[str, float]) -> Verdict:
    """Judge it as a run in which each outage began with an act of its own."""
    ledger, begin_ns, until_ns = flight
    intended = next(a_history().all(events.Intended))
    acts: list[Event] = []
    for name, at_s in begins.items():
        t0_ns = begin_ns + int(at_s * S)
        acts += [replace(intended, at_ns=t0_ns, step=name), events.Acted(at_ns=t0_ns, step=name, t0_ns=t0_ns)]
    records: tuple[Event, ...] = (
        events.LoadStarted(at_ns=begin_ns, begin_ns=begin_ns),
        *acts,
        events.LoadStopped(at_ns=until_ns, until_ns=until_ns, rows=len(ledger)),
    )
    history = replace(
        a_history(),
        scenario=replace(a_plan().scenario, load=LOAD),
        audit=None,
        events=records,
        ledger=ledger,
        lost=np.zeros(len(ledger), dtype=np.bool_),
    )
    return Rto(budget_s=20).check(history)


def test_recovery_is_measured_to_a_fifth_of_a_second_through_the_load_itself(tmp_path: Path) -> None:
    """Where the outage is silence, the last second before its end may still be answered in time: that much is allowed."""
    kinds: dict[bool, Outages] = {False: REFUSALS, True: SILENCES}
    scripts = {silent: script(outages, silent=silent) for silent, outages in kinds.items()}
    with ThreadPoolExecutor(len(kinds)) as pool:
        flights = {silent: pool.submit(in_time, tmp_path / f"{silent:d}", one[1]) for silent, one in scripts.items()}
    for silent, outages in kinds.items():
        verdict = judged(flights[silent].result(), scripts[silent][0])
        for name, stretches in outages.items():
            error = stretches[-1][1] - verdict.measured[f"{name}.recovery_s"]
            print(f"{'silence' if silent else 'refusals'}, {name}: {stretches[-1][1]:g} s, measured {error:.3f} s less")
            assert -0.2 <= error <= (1.2 if silent else 0.2), (silent, name, verdict)
