"""``rto``: after each disturbance the shop takes orders again, by its own means and within its budget."""

import math
from typing import ClassVar

import numpy as np

from harness.aftermath import Aftermath, aftermaths
from harness.events import Bitten
from harness.evidence import arrivals_needed, decide
from harness.history import ACKNOWLEDGED, GOOD_WITHIN_NS, Checker, History, Window
from harness.model import Positive, Verdict, noun
from harness.outages import orders_to_see

STEADY_AT_LEAST_S = 5.0


@noun
class Rto(Checker):
    """``recovery_s`` of each act, and likewise of each heal, must be <= ``budget_s`` (and ``contract_s``, if given).

    Recovery: from just before the act to the end of the last outage (``outages``) before the next disturbance; 0 where
    no outage was seen; an act that comes while it is still out from another belongs to that one. Afterwards no outage
    for ``recovery.stable_s``, or until the next disturbance if that comes earlier, but for 5 s at least, with as many orders
    due as evidence. Still out when the next disturbance comes, or when the load ends after the budget: FAIL, "not by
    itself". A heal or an end that came before the budget was over cannot tell: INCONCLUSIVE. The contract is undecided
    where the load ended before it was
    over. Evidence: orders due from the first act on; twice as many must be due within the budget as make an outage (10
    where fewer than 100 come in a second), else it could be over budget unseen, and a PASS stays open. Measured beside:
    each outage, ``orders_missed`` (not acknowledged), ``order_seconds_late`` (sum of what acknowledged orders took above
    1.0 s), and the phases of each recovery, in seconds since the act.
    """

    timing: ClassVar[bool] = True
    probes: ClassVar[tuple[str, ...]] = ("role",)

    budget_s: Positive
    contract_s: Positive | None = None

    def check(self, history: History) -> Verdict:
        """Judge the whole load, whatever the window."""
        found, load = aftermaths(history), history.load
        limit = {"budget_s": self.budget_s} | ({} if self.contract_s is None else {"contract_s": self.contract_s})
        if load is None or not found or found[0].disturbance.heal:
            lacking = "No act is in the journal, so there was nothing to recover from."
            if load is None:
                lacking = "The journal does not say when the load began and ended."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        since = Window(start_ns=found[0].disturbance.at_ns, end_ns=load.end_ns)
        failures = [word for one in found if (word := self._failed(one))]
        doubts = [word for one in found if (word := self._lacking(one, history))]
        due, seen = history.rate * self.budget_s, orders_to_see(history.rate)
        if due < seen:
            doubts.append(
                f"Only {due:.1f} orders are due within the budget; {seen:g} are needed to see such an outage at all."
            )
        return decide(
            failed=" ".join([*failures, *self._contract(found, open_end=bool(doubts))]) if failures else "",
            lacking=" ".join(doubts),
            passed=f"{_passed(found)} The budget is {self.budget_s:g} s.",
            measured=_measured(history, found, since),
            limit=limit,
            evidence=int(np.count_nonzero(history.cohort(since))),
            needed=arrivals_needed(history, since),
        )

    def _failed(self, one: Aftermath) -> str:
        """Say what one aftermath proves against the shop; empty where it proves nothing."""
        over = one.recovery_s > min(self.budget_s, math.inf if self.contract_s is None else self.contract_s)
        budget = f"the budget is {self.budget_s:g} s."
        if one.inherited:
            return ""
        if one.still_out and over:
            return (
                f"Not by itself: after {_cause(one)} it was still out when {_end(one)}, {one.lasted_s:.1f} s later; {budget}"
            )
        return f"After {_cause(one)} it took {one.recovery_s:.1f} s to take orders again; {budget}" if over else ""

    def _lacking(self, one: Aftermath, history: History) -> str:
        """Say what one aftermath leaves open; empty where it does not."""
        stable_s, enough = history.scenario.recovery.stable_s, orders_to_see(history.rate)
        wanted = min(stable_s, STEADY_AT_LEAST_S) if one.following else stable_s
        if one.inherited:
            return f"The shop was already out before {one.disturbance.step}, so its recovery cannot be told."
        if one.still_out:
            return f"After {_cause(one)} it was out, but {_end(one)} {one.lasted_s:.1f} s later, before the budget was over."
        if one.steady_s < wanted:
            was = f"it was steady for only {one.steady_s:.1f} s when {_end(one)}"
            return f"After {_cause(one)} {was}; {wanted:g} s are needed."
        if (due := history.rate * one.steady_s) < enough:
            return f"After {_cause(one)} only {due:.1f} orders were due while it was steady; {enough:g} are needed."
        return ""

    def _contract(self, found: tuple[Aftermath, ...], *, open_end: bool) -> list[str]:
        """Say, beside a failed budget, what is known of the contract."""
        if self.contract_s is None:
            return []
        worst = max(one.recovery_s for one in found)
        if worst > self.contract_s:
            return [f"The contract's {self.contract_s:g} s are broken too."]
        if open_end or any(one.still_out for one in found):
            return [f"Whether the contract's {self.contract_s:g} s would hold is undecided."]
        return [f"The contract's {self.contract_s:g} s were kept."]


def _cause(one: Aftermath) -> str:
    """Name the disturbance: ``step1`` or ``our heal of step1``."""
    return f"{'our heal of ' if one.disturbance.heal else ''}{one.disturbance.step}"


def _end(one: Aftermath) -> str:
    """Name what ended an aftermath."""
    if one.following is None:
        return "the load ended"
    return f"we healed {one.following.step}" if one.following.heal else f"{one.following.step} began"


def _passed(found: tuple[Aftermath, ...]) -> str:
    """Say how each aftermath went, a sentence a disturbance."""
    return " ".join(
        f"After {_cause(one)} orders were taken again within {one.recovery_s:.1f} s, by the shop itself."
        if one.outages
        else f"After {_cause(one)} no outage was seen."
        for one in found
    )


def _measured(history: History, found: tuple[Aftermath, ...], since: Window) -> dict[str, float]:
    """Give all figures; those of one step carry its name in front where there are several."""
    acts = [one for one in found if not one.disturbance.heal]
    heals = [one for one in found if one.disturbance.heal]
    rows = history.cohort(since)
    latency = history.ledger.latency_ms[rows & (history.ledger.fate == ACKNOWLEDGED)]
    outages = sorted({outage.start_ns: outage for one in found for outage in one.outages}.values(), key=lambda o: o.start_ns)
    measured = {
        "recovery_s": max(one.recovery_s for one in acts),
        "after_heal_s": max((one.recovery_s for one in heals), default=0.0),
        "outages": float(len(outages)),
        "orders_missed": float(np.count_nonzero(rows & (history.ledger.fate != ACKNOWLEDGED))),
        "order_seconds_late": round(float(np.sum(np.maximum(0.0, latency / 1e3 - GOOD_WITHIN_NS / 1e9))), 3),
    }
    for number, outage in enumerate(outages[:10], 1):
        measured[f"outage_{number}_from_s"] = (outage.start_ns - since.start_ns) / 1e9
        measured[f"outage_{number}_s"] = outage.seconds
    for one in acts:
        front = f"{one.disturbance.step}." if len(acts) > 1 else ""
        measured |= {f"{front}{name}": value for name, value in _phases(history, one).items()}
    return measured


def _phases(history: History, one: Aftermath) -> dict[str, float]:
    """Give when, in seconds since the act: bitten, no primary, new primary, first order, steady. None is made up.

    First order: the first acknowledgement of an order due after the first outage's onset. Steady: the end of the last one.
    """
    t0 = one.disturbance.at_ns
    at: dict[str, int | None] = {"recovery_s": one.quiet_ns}
    at["bitten_s"] = next((event.at_ns for event in history.all(Bitten) if event.step == one.disturbance.step), None)
    at["no_primary_s"], at["new_primary_s"] = _roles(history, t0, one.until_ns)
    if one.outages:
        ledger = history.ledger
        later = ledger.intended_ns > one.outages[0].onset_ns
        done = ledger.done_ns[ledger.orders & (ledger.fate == ACKNOWLEDGED) & later]
        at["first_order_s"] = int(np.min(done)) if len(done) else None
        at["steady_s"] = one.quiet_ns
    return {name: (when - t0) / 1e9 for name, when in at.items() if when is not None}


def _roles(history: History, t0_ns: int, until_ns: int) -> tuple[int | None, int | None]:
    """Give when the probe ``role`` first saw no primary, and first a new one (or one after none), of any component."""
    seen = sorted(
        (sample for sample in history.samples("role") if sample.value is not None), key=lambda sample: sample.at_ns
    )
    now = {sample.on: sample.value for sample in seen if sample.at_ns < t0_ns}
    gone: int | None = None
    for sample in seen:
        if t0_ns <= sample.at_ns < until_ns:
            if sample.value == "none":
                gone = sample.at_ns if gone is None else gone
            elif now.get(sample.on) not in (None, sample.value):
                return gone, sample.at_ns
            now[sample.on] = sample.value
    return gone, None
