"""What became of the sessions of a run, counted one by one; pure. Sessions are named by their ``seq`` in the ledger."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.evidence import EXAMPLES, FEWEST_ARRIVALS
from harness.forecast import edges_hit
from harness.history import SHED, History, Window
from harness.model import noun
from harness.visits import ASSET, PAGE, WHATS, WRONGS

S = 1_000_000_000
BEFORE_S = 10
NEVER_NS = np.iinfo(np.int64).max
Seqs = NDArray[np.int64]


@noun
class Exposure:
    """An act on an edge, as its shoppers lived through it. ``at_ns`` is its t0, None where the journal does not say.

    ``exposed`` sessions were under way at t0, and the last answer that they had had was the edge's. Of them those ``moved``
    that were answered by another edge afterwards: before its heal, and before another step acted, whose work it may be else.
    ``share`` is the edge's part of the requests in the 10 s before.
    """

    step: str
    edge: str
    at_ns: int | None
    exposed: Seqs
    moved: Seqs
    share: float


def begun(history: History, window: Window | None = None) -> Seqs:
    """Give the sessions that were due (in a window) and are known not to have been held back by the generator itself."""
    ledger = history.ledger
    rows = ledger.sessions & ledger.recorded & (ledger.fate != SHED)
    if window is not None:
        rows &= (ledger.intended_ns >= window.start_ns) & (ledger.intended_ns < window.end_ns)
    found: Seqs = ledger.seq[rows]
    return found


def known(history: History) -> NDArray[np.bool_]:
    """Which requests say something of the shop: all but those that the generator itself held back.

    Of a session that was held back half-way, those that had been sent by then count as any other's.
    """
    visits = history.visits
    return (visits.attempts > 0) | (visits.status > 0) | np.isin(visits.session, begun(history))


def failed(history: History) -> Seqs:
    """Give the sessions of which a request failed: see ``Visits.bad``, and ``known``."""
    visits = history.visits
    found: Seqs = np.unique(visits.session[visits.bad & known(history)])
    return found


def ended(history: History) -> Seqs:
    """Give the sessions that are evidence: they saw all their pages, or failed. Others went home when the load ended."""
    visits, sessions = history.visits, history.scenario.load.sessions
    seen, pages = np.unique(visits.session[visits.what == PAGE], return_counts=True)
    through = seen[pages >= (sessions.pages if sessions else 1)]
    return np.union1d(np.intersect1d(through, begun(history)), failed(history))


def exposures(history: History) -> tuple[Exposure, ...]:
    """Give what each step of the scenario that aims at an edge, or at the way to one, did to its sessions."""
    acts = {one.step: one.at_ns for one in reversed(history.disturbances) if not one.heal}
    hit = edges_hit(history.scenario, history.declaration)
    return tuple(_exposure(history, step, edge, acts.get(step)) for step, edge in hit)


def _exposure(history: History, step: str, edge: str, at_ns: int | None) -> Exposure:
    visits, ledger = history.visits, history.ledger
    nobody: Seqs = np.zeros(0, dtype=np.int64)
    if at_ns is None:
        return Exposure(step=step, edge=edge, at_ns=None, exposed=nobody, moved=nobody, share=0.0)
    alive = ledger.seq[ledger.sessions & ledger.recorded & (ledger.sent_ns <= at_ns) & (ledger.done_ns > at_ns)]
    answered = visits.edge != ""
    before = np.flatnonzero(answered & (visits.done_ns <= at_ns))
    before = before[np.argsort(visits.done_ns[before], kind="stable")]
    sessions, last = np.unique(visits.session[before][::-1], return_index=True)
    on_it = sessions[visits.edge[before][::-1][last] == edge]
    exposed = np.intersect1d(np.intersect1d(on_it, alive), np.union1d(begun(history), failed(history)))
    over = [one.at_ns for one in history.disturbances if one.at_ns > at_ns and one.heal == (one.step == step)]
    in_it = (visits.done_ns > at_ns) & (visits.done_ns <= min(over, default=NEVER_NS))
    elsewhere = visits.session[answered & in_it & (visits.edge != edge)]
    share = edge_share(history, edge, Window(start_ns=at_ns - BEFORE_S * S, end_ns=at_ns))[0]
    return Exposure(
        step=step, edge=edge, at_ns=at_ns, exposed=exposed, moved=np.intersect1d(exposed, elsewhere), share=share
    )


def edge_share(history: History, edge: str, window: Window) -> tuple[float, int]:
    """Give an edge's part of the requests sent in a window that any edge answered, and how many those are; 0 of none."""
    visits = history.visits
    served = (visits.edge != "") & (visits.sent_ns >= window.start_ns) & (visits.sent_ns < window.end_ns)
    count = int(np.count_nonzero(served))
    return float(np.count_nonzero(served & (visits.edge == edge)) / count) if count else 0.0, count


def unserved(history: History, window: Window) -> int:
    """Count the requests sent in a window of which no edge says that it served them: nobody knows to whom they went."""
    visits = history.visits
    sent = (visits.attempts > 0) & (visits.sent_ns >= window.start_ns) & (visits.sent_ns < window.end_ns)
    return int(np.count_nonzero(sent & (visits.edge == "")))


def first_pages_ms(history: History, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give for each of some rows of the ledger the time from when it was due to the last asset of its first page.

    Infinite where any of that failed or is not known.
    """
    visits, ledger = history.visits, history.ledger
    order = np.lexsort((visits.nth, visits.session))
    found, first, count = np.unique(visits.session[order], return_index=True, return_counts=True)
    opened = np.cumsum(visits.what[order] != ASSET)  # whatever is no asset begins something new
    parts = order[opened == np.repeat(opened[first], count)]
    shown_ns = np.zeros(len(found))
    done_ns = np.where(visits.bad[parts], np.inf, visits.done_ns[parts])
    np.maximum.at(shown_ns, np.searchsorted(found, visits.session[parts]), done_ns)
    took = np.full(len(rows), np.inf)
    known = np.isin(ledger.seq[rows], found)
    begun_rows = rows[known]
    took[known] = (shown_ns[np.searchsorted(found, ledger.seq[begun_rows])] - ledger.intended_ns[begun_rows]) / 1e6
    return took


def answers(history: History, *whats: int) -> int:
    """Count the whole answers to some kinds of requests, what a shopper could look at: those asked for since the last act.

    In all of the run where nothing is to be broken; none where that was to be and nobody knows when.
    """
    visits, acts = history.visits, [one.at_ns for one in history.disturbances if not one.heal]
    rows = visits.whole & np.isin(visits.what, whats)
    if history.scenario.steps:
        rows &= bool(acts) & (visits.sent_ns >= max(acts, default=0))
    return int(np.count_nonzero(rows))


def answers_needed(history: History, enough: int, per_session: float) -> int:
    """Give how many are needed: ``enough``, or 9/10 of what 10 s of sessions bring; scaled by ``--rate``, 20 at least."""
    sessions = history.scenario.load.sessions
    brought = 0.9 * BEFORE_S * (sessions.per_s if sessions else 0.0) * per_session
    return max(FEWEST_ARRIVALS, round(min(enough, brought) * history.scale))


def too_few_answers(history: History, found: int, needed: int, what: str) -> str:
    """Say that too few answers were looked at to tell; empty where there were enough."""
    where = "since the last act" if history.scenario.steps else "in the whole run"
    return f"Only {found:,} {what} were looked at {where}; {needed:,} are needed." if found < needed else ""


def wrong(history: History, *reasons: str) -> NDArray[np.int64]:
    """Give the rows of the requests that are wrong for some of ``WRONGS``, in the order of time."""
    visits = history.visits
    rows = np.flatnonzero(np.isin(visits.wrong, reasons) & known(history))
    return rows[np.argsort(visits.done_ns[rows], kind="stable")]


def told(history: History, rows: NDArray[np.int64]) -> Iterator[str]:
    """Tell people of some requests: whose, what, when, and what came."""
    visits, run = history.visits, history.run
    for row in rows[:EXAMPLES].tolist():
        why = str(visits.wrong[row])
        status = int(visits.status[row])
        came = f"wrong {why}" if why in WRONGS else f"status {status}" if status else "no whole answer"
        by = f" by {visits.edge[row]}" if visits.edge[row] else ""
        whose = f"{run.id if run else ''}:{visits.session[row]}"
        took_ms = (visits.done_ns[row] - visits.sent_ns[row]) / 1e6
        at_s = visits.done_ns[row] / 1e9
        yield f"{whose}: {WHATS[visits.what[row]]}, {came}{by} after {took_ms:,.0f} ms, at {at_s:.1f} s"
