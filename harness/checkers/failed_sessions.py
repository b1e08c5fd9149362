"""``failed_sessions``: shoppers with a browser go through the shop as if nothing had happened."""

from math import ceil, inf
from typing import ClassVar

import numpy as np

from harness.evidence import decide, ms, plural
from harness.forecast import SESSIONS, Forecast, Foreseen, edges_hit
from harness.history import Checker, History
from harness.model import Count, Verdict, noun
from harness.sessions import Exposure, Seqs, ended, exposures, failed, known, told

CARRIED = 0.3
FEWEST_EXPOSED, FEWEST_MOVED = 100, 10
NO_ONE_FAILED = 3.0  # with 95 % confidence, n trials without a failure bound its probability by 3/n


@noun
class FailedSessions(Checker):
    """Sessions that failed: at most ``max``, in all of the run.

    Failed: one of its requests got a wrong body, an answer that is not 2xx or 3xx, a reset, a truncation or no answer, or
    took more than 10 s; a GET may have been repeated once. Evidence: at least ``sessions`` that saw all their pages, or
    failed. For each step that hits an edge, also: the edge carried 30 % of the requests in the 10 s before, at least
    ``exposed`` sessions were under way on it at t0, and at least ``moved`` of those were served by another edge afterwards.
    All three scale with ``--rate``; 100 exposed and 10 moved are always needed, unless fewer are asked for. Both 95 %
    bounds are measured where none failed: 3/sessions, 3/exposed. ``added_delay_p99_ms``: of the exposed, the worst of each
    one's requests after t0 beyond the median of its kind before, nearest rank.
    """

    browses: ClassVar[bool] = True

    max: Count = 0
    sessions: Count = 10_000
    exposed: Count = 1_000
    moved: Count = 100

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the sessions under way on all edges when a step hits one of them, as many as thinking keeps there."""
        scenario, sessions = forecast.scenario, forecast.scenario.load.sessions
        lasts_s = sessions.think_s * (sessions.pages - 1 + sessions.checkout_ratio) if sessions else 0.0
        edges = sum(part.edge for part in forecast.declaration.components)
        needed = max(self._moving(forecast.scale))
        acts_s = {step.id: scenario.load.warm_up_s + scenario.load.baseline_s + step.at_s for step in scenario.steps}
        return tuple(
            Foreseen(
                what="sessions",
                where=f"under way when {step} hits {edge}",
                rate=SESSIONS,
                due=forecast.per_s(SESSIONS) * min(lasts_s, acts_s[step]),
                pieces=min(lasts_s, acts_s[step]),
                needed=needed,
                scales=needed > max(self._moving(0.0)),
                one_in=edges,
            )
            for step, edge in edges_hit(scenario, forecast.declaration)
            if lasts_s > 0
        )

    def check(self, history: History) -> Verdict:
        """Judge the whole run, whatever the window."""
        found, all_, bad = exposures(history), ended(history), failed(history)
        exposed = _union([one.exposed for one in found])
        moved = _union([one.moved for one in found])
        needed = max(1, ceil(self.sessions * history.scale))
        measured: dict[str, float] = {"failed": len(bad), "sessions": len(all_)}
        if found:
            hurt = len(np.intersect1d(bad, exposed))
            measured |= {"exposed": len(exposed), "moved": len(moved), "exposed_failed": hurt}
            measured |= {"share_before_ratio": min(one.share for one in found), "added_delay_p99_ms": _delay(history, found)}
        bounds = {} if len(bad) else _bounds(measured)
        rows = np.flatnonzero(history.visits.bad & known(history))
        rows = rows[np.argsort(history.visits.done_ns[rows], kind="stable")]
        return decide(
            failed=f"{plural(len(bad), 'session')} of {len(all_):,} failed; at most {self.max:,} may."
            if len(bad) > self.max
            else "",
            lacking=self._lacking(history, found, len(all_), needed),
            passed=f"{len(bad):,} of {len(all_):,} sessions failed; at most {self.max:,} may.{_said(measured, bounds)}",
            measured=measured | bounds,
            limit={"max": self.max, "sessions": needed}
            | (dict(zip(("exposed", "moved"), self._moving(history.scale), strict=True)) if found else {}),
            evidence=len(all_),
            needed=needed,
            examples=list(told(history, rows)),
        )

    def _moving(self, scale: float) -> tuple[int, int]:
        """Give how many exposed sessions, and how many moved ones, each step that hits an edge needs at a run's load."""
        asked = ((self.exposed, FEWEST_EXPOSED), (self.moved, FEWEST_MOVED))
        exposed, moved = (max(ceil(full * scale), min(full, fewest)) for full, fewest in asked)
        return exposed, moved

    def _lacking(self, history: History, found: tuple[Exposure, ...], all_: int, needed: int) -> str:
        """Say what evidence is missing; empty where there is enough."""
        exposed, moved = self._moving(history.scale)
        reasons = [f"Only {all_:,} sessions came to their end; {needed:,} are needed."] if all_ < needed else []
        if unseen := [one.step for one in found if one.at_ns is None]:
            reasons.append(f"The journal does not say when {', '.join(unseen)} hit.")
        for one in found:
            where = f"on {one.edge} when {one.step} hit it"
            if one.at_ns is not None and one.share < CARRIED:
                reasons.append(f"{one.edge} carried only {one.share:.0%} before {one.step}; 30 % are needed.")
            if len(one.exposed) < exposed:
                reasons.append(f"Only {len(one.exposed):,} sessions were {where}; {exposed:,} are needed.")
            if len(one.moved) < moved:
                reasons.append(f"Only {len(one.moved):,} of those {where} were moved; {moved:,} are needed.")
        return " ".join(reasons)


def _union(parts: list[Seqs]) -> Seqs:
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *parts]))


def _bounds(measured: dict[str, float]) -> dict[str, float]:
    """Give what the share of failing sessions is at most, with 95 % confidence, where none was seen to fail."""
    return {f"{name}_bound_ratio": NO_ONE_FAILED / measured[name] for name in ("sessions", "exposed") if measured.get(name)}


def _said(measured: dict[str, float], bounds: dict[str, float]) -> str:
    """Tell the bounds, and what the shoppers of an edge that was hit went through."""
    words = f" With 95 % confidence fewer than {bounds['sessions_bound_ratio']:.3%} do." if bounds else ""
    if "exposed" in measured:
        bound = f", so fewer than {bounds['exposed_bound_ratio']:.2%} do" if "exposed_bound_ratio" in bounds else ""
        words += (
            f" {measured['exposed']:,.0f} were on an edge when it was hit, {measured['moved']:,.0f} of them were moved, "
            f"{measured['exposed_failed']:,.0f} failed{bound}; 99 % were held up by {ms(measured['added_delay_p99_ms'])}."
        )
    return words


def _delay(history: History, found: tuple[Exposure, ...]) -> float:
    """Give the 99th percentile over the exposed of what the act added to the worst request of each; infinite of none."""
    visits, worst = history.visits, list[float]()
    took = (visits.done_ns - visits.sent_ns) / 1e6
    for one in found:
        at_ns = one.at_ns or 0
        before = visits.whole & (visits.done_ns <= at_ns)
        usual = np.zeros(int(visits.what.max(initial=0)) + 1)
        for what in np.unique(visits.what[before]):
            usual[what] = np.median(took[before & (visits.what == what)])
        rows = np.flatnonzero((visits.done_ns > at_ns) & np.isin(visits.session, one.exposed))
        added = np.zeros(len(one.exposed))
        places = np.searchsorted(one.exposed, visits.session[rows])
        np.maximum.at(added, places, took[rows] - usual[visits.what[rows]])
        worst += added.tolist()
    return sorted(worst)[-(-99 * len(worst) // 100) - 1] if worst else inf
