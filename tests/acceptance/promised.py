"""The good shop keeps its promises in every scenario; each bad shop is caught by the check that is meant to catch it."""

import os
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.conclude import VERDICTS
from harness.project import find
from harness.scenario import load
from tests.acceptance import book
from tests.acceptance.flight import ROOT, Flight, must
from tests.acceptance.moments import MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import SCENARIOS, Stage, doubts, engine_word, outcome, scenario, told, verdicts

GOOD = {
    "db_primary_lost": 2.4,
    "db_process_crash": 1.5,
    "db_frozen": 10.5,
    "storefront_replica_lost": 2,
    "calm": 2,
    "calm_retries": 2,
    "db_isolated": 2.4,
    "db_isolated_one_way": 2.4,
    "db_replication_cut_2s_then_primary_lost": 2.6,
    "db_replication_cut_12s_then_primary_lost": 2.6,
    "db_slow_link": 2.5,
    "cache_lost": 2,
    "cache_poisoned": 2,
    "cdn_cut_unnoticed": 6,
    "cdn_black_hole": 2.4,
    "cdn_answers_503": 2.4,
    "cdn_slow": 2.4,
    "cdn_truncates": 2.4,
    "cdn_serves_wrong_bytes": 2.4,
    "cdn_serves_stale_price": 2.4,
    "cdn_lost_and_back": 2.9,
    "cdn_cut_under_orders": 2.4,
    "cache_flushed_at_peak": 2.5,
    "dns_gone": 2.6,
    "thousand_orders": 2,
    "midnight_spike": 2.6,
    "flash_sale": 2.3,
    "headroom": 2.3,
    "evening_ramp": 4.3,
    "thousand_orders_at_the_edge": 2.2,
    "peak_browsing": 2.2,
    "replica_lost_at_peak": 2.4,
    "replica_added": 2.2,
    "db_primary_lost_at_peak": 2.6,
}
TIMES = 3
OFTEN = {"thousand_orders": 5}  # what is promised first
LONGEST_S = 500.0
STOPPED_S = 3.0


def good(file: Path, stage: Stage, times: int = 1, options: Sequence[str] = ()) -> str:
    """Fly a scenario on the good shop, several times in a row; every run of a series must pass, every time."""
    return " - ".join(_good(file, stage, *options) for _ in range(times))


def _good(file: Path, stage: Stage, *options: str) -> str:
    series = load(file).repeat
    runs = series.runs if series else 1
    flight = stage.fly(file, *options)
    code = stage.landed(flight, LONGEST_S * runs)
    hang(file, flight, stage, options)
    seen = "; ".join(f"{folder.name}: {told(folder)}" for folder in flight.folders)
    must(len(flight.folders) == runs, f"{len(flight.folders)} runs of {runs}: {seen}")
    must(code == 0 and all(outcome(folder) == "PASS" for folder in flight.folders), f"exit {code}; {seen}")
    words = [engine_word(folder) for folder in flight.folders]
    if "rto" not in verdicts(flight.folder):
        return "PASS"
    took = [verdicts(folder)["rto"]["measured"]["recovery_s"] for folder in flight.folders]
    recovered = ", ".join(f"{seconds:.1f}" for seconds in took)
    return f"PASS, recovery {recovered} s ({words[0]})"


def bad(defect: str, file: Path, stage: Stage, times: int = 1, options: Sequence[str] = ()) -> str:
    """Fly a scenario on a bad shop, several times in a row.

    Every time the check that is meant to catch it must fail, and none that is about something else.
    """
    return " - ".join(_bad(defect, file, stage, *options) for _ in range(times))


def _bad(defect: str, file: Path, stage: Stage, *options: str) -> str:
    caught_by, word = CATCHES[defect]
    flight = stage.fly(file, "--defect", defect, *options)
    code = stage.landed(flight, LONGEST_S)
    hang(file, flight, stage, options)
    found, seen = verdicts(flight.folder), told(flight.folder)
    must(code == 1 and found[caught_by]["outcome"] == "FAIL", f"exit {code}; {seen}")
    must(word in found[caught_by]["because"], f"the sentence of {caught_by} does not say {word!r}: {seen}")
    if defect in NAMED:
        must(found[caught_by]["examples"], f"{caught_by} names no order: {seen}")
    for objective, verdict in found.items():
        fine = verdict["outcome"] == "PASS" or objective in {caught_by, *ALSO.get(defect, ())}
        must(fine or _open_by_outage(verdict), f"{objective} is neither PASS nor open for the outage: {seen}")
    such = "".join(f" Such as {example}." for example in found[caught_by]["examples"][:1])
    return f"FAIL {caught_by}: {found[caught_by]['because']}{such} {engine_word(flight.folder)}".strip()


def hang(file: Path, flight: Flight, stage: Stage, options: Sequence[str]) -> None:
    """Hang the runs of a row's first flight that were judged in the gallery, whatever they have shown.

    Others of the row have the same seeds. A shortened scenario, or a run with options, is not what the gallery would fly.
    """
    first = flight is stage.flights[0] and file.parent == SCENARIOS and not options
    for part, folder in enumerate(flight.folders if first else (), 1):
        if (folder / VERDICTS).exists():
            book.hang(folder, part, find(ROOT))


def unseen(defect: str, name: str, stage: Stage) -> str:
    """Fly a scenario that cannot show a defect: it passes, which is why another scenario must be there."""
    flight = stage.fly(scenario(name), "--defect", defect)
    code = stage.landed(flight, LONGEST_S)
    must(code == 0 and outcome(flight.folder) == "PASS", f"exit {code}; {told(flight.folder)}")
    return f"PASS ({engine_word(flight.folder)})"


def _open_by_outage(verdict: dict[str, str]) -> bool:
    return verdict["outcome"] == "INCONCLUSIVE" and any(word in verdict["because"] for word in ("outage", "still out"))


def generator_stopped(stage: Stage) -> str:
    """Stop the load child for 3 s: no timing check may FAIL for it, and the orders are counted as ever."""
    flight = stage.fly(scenario("calm_retries"))
    flight.see(MOMENTS["baseline"], LONGEST_S)
    time.sleep(20)
    pid = flight.load_pid()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    os.kill(pid, signal.SIGCONT)
    code = stage.landed(flight, LONGEST_S)
    found, seen = verdicts(flight.folder), told(flight.folder)
    failed = [name for name, one in found.items() if one["outcome"] == "FAIL"]
    late = [name for name, one in found.items() if "(FAIL voided)" in one["because"]]
    must(code == 12 and not failed and late, f"exit {code}; {seen}")
    must(any("the generator was late" in doubt for doubt in doubts(flight.folder)), f"nobody saw that it was late; {seen}")
    must(found["orders_lost"]["outcome"] == "PASS", f"orders_lost is affected; {seen}")
    return f"INCONCLUSIVE {', '.join(late)}, FAIL voided; orders_lost PASS"


CATCHES = {
    "no_failover": ("rto", "Not by itself"),
    "ack_before_commit": ("orders_lost", "not in the shop's database"),
    "no_idempotency": ("duplicated", "stored more than once"),
    "oversell": ("oversold", ""),
    "async_replication": ("orders_lost", "not in the shop's database"),
    "stock_from_cache": ("shown", "showed a wrong price or stock"),
    "price_from_cache": ("wrongly_charged", "not cost what the products cost"),
    "naive_route": ("rto", "Not by itself"),
    "forgets_addresses": ("rto", "Not by itself"),
    "no_single_flight": ("spared", "times is the limit"),
    "steering_asks_edge": ("unnoticed", "failed"),
    "steering_by_dns": ("unnoticed", "failed"),
    "accepts_truncated": ("few_bytes", "not what was asked for"),
    "replays_post": ("duplicated", "stored more than once"),
    "caches_cookies": ("nobody_elses", "named another shopper"),
    "n_plus_one": ("cpu_per_order", "ms of CPU each"),
    "sync_sleep": ("throughput", "were acknowledged"),
    "no_shedding": ("back_after_heal", "to take orders"),
    "missing_index": ("looking_back", "on average"),
}
SLOW = ("before.goodput", "before.order_latency", "browsed", "browsing", "ordering")
# What else is felt of it: an edge that is never left, or by nobody who knows its address, goes on failing, and nobody
# is told; another's page is no cart of one's own; a node that is back takes connections and no orders; and who believes
# the cache never gets over what was written into it. A shop that is slow at the peak is slow in every respect.
ALSO = {
    "stock_from_cache": {"healed"},
    "naive_route": {"after.goodput", "after.order_latency", "browsing", "ordering"},  # it never comes back to be asked
    "steering_asks_edge": {"moved_away", "noticed", "rto", "after.goodput", "after.first_page"},
    "steering_by_dns": {"moved_away", "rto"},
    "accepts_truncated": {"few_noticed", "moved_away", "noticed"},
    "caches_cookies": {"unnoticed", "same_cart"},
    "n_plus_one": {*SLOW, "throughput", "looking_back"},
    "sync_sleep": {*SLOW, "cpu_per_order", "looking_back"},
    "missing_index": {*SLOW, "throughput", "cpu_per_order"},
    "no_shedding": {"served", "told", "after.goodput", "after.order_latency"},
}
NAMED = (
    *("ack_before_commit", "no_idempotency", "oversell", "async_replication", "price_from_cache"),
    *("steering_asks_edge", "steering_by_dns", "accepts_truncated", "replays_post", "caches_cookies"),
)
FLOWN = {
    "no_failover": "db_primary_lost",
    "ack_before_commit": "db_process_crash",
    "no_idempotency": "calm_retries",
    "oversell": "calm",
    "async_replication": "db_replication_cut_2s_then_primary_lost",
    "stock_from_cache": "cache_poisoned",
    "price_from_cache": "cache_poisoned",
    "naive_route": "db_primary_lost",
    "forgets_addresses": "dns_gone",
    "no_single_flight": "cache_flushed_at_peak",
    "steering_asks_edge": "cdn_answers_503",
    "steering_by_dns": "cdn_black_hole",
    "accepts_truncated": "cdn_truncates",
    "replays_post": "cdn_cut_under_orders",
    "caches_cookies": "cdn_answers_503",
    "n_plus_one": "thousand_orders",
    "sync_sleep": "thousand_orders",
    "missing_index": "thousand_orders",
}
# A plain loss, or none at all, shows these whenever it is flown; whatever else is bad must be caught every time of several.
ONCE = ("no_failover", "ack_before_commit", "no_idempotency", "oversell")


def caught_times(defect: str) -> int:
    """Give how many times in a row a bad shop is flown, and must be caught."""
    return 1 if defect in ONCE else TIMES


def _caught(defect: str) -> str:
    """Say what a bad shop must be caught by, and how often."""
    often = f", {TIMES} times in a row" if caught_times(defect) > 1 else ""
    others = "unrelated" if defect in ALSO else "other"
    return f"FAIL {CATCHES[defect][0]}, exit 1{often}; no {others} objective FAIL"


ROWS = [
    Row(
        id="generator.stopped",
        must_say="FAILs of timing checks become INCONCLUSIVE, exit 12; orders_lost PASS",
        minutes=2,
        play=generator_stopped,
    ),
    *(
        Row(
            id=f"good.{name}",
            must_say=f"PASS, exit 0, {OFTEN.get(name, TIMES)} times in a row; every run of a series",
            minutes=OFTEN.get(name, TIMES) * minutes,
            play=partial(good, scenario(name), times=OFTEN.get(name, TIMES)),
        )
        for name, minutes in GOOD.items()
    ),
    *(
        Row(
            id=f"bad.{defect}.{name}",
            must_say=_caught(defect),
            minutes=caught_times(defect) * GOOD[name],
            play=partial(bad, defect, scenario(name), times=caught_times(defect)),
        )
        for defect, name in FLOWN.items()
    ),
    Row(
        id="bad.oversell.flash_sale",
        must_say=f"FAIL oversold, exit 1, {TIMES} times in a row; no other objective FAIL",
        minutes=TIMES * GOOD["flash_sale"],
        play=partial(bad, "oversell", scenario("flash_sale"), times=TIMES),
    ),
    Row(
        id="unseen.async_replication.db_primary_lost",
        must_say="PASS, exit 0: a plain loss does not show it; the cut before the loss does",
        minutes=GOOD["db_primary_lost"],
        play=partial(unseen, "async_replication", "db_primary_lost"),
    ),
]
