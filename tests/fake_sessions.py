"""Made-up sessions for made-up histories: two edges, one of which is hit, and shoppers who hardly notice."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.history import ACKNOWLEDGED, REFUSED, History, Ledger
from harness.model import noun
from harness.visits import ACCOUNT, ASSET, CART, CART_PUT, CHECKOUT, LOGIN, PAGE, PAY, WHATS, Visits

S = 1_000_000_000
MS = 1_000_000
EDGES = ("cdn_a", "cdn_b")
PAGES, THINK_S = 3, 3
BROWSING = f"sessions = {{ per_s = 10, pages = {PAGES}, checkout_ratio = 0.5, think_s = {THINK_S} }}"
LOOKING, BUYING = (PAGE, ASSET, ASSET), (LOGIN, CART_PUT, ACCOUNT, CART, CHECKOUT, PAY)
TOOK_NS, NOTICED_NS = 20 * MS, 300 * MS
Row = tuple[int, int, int, int, int, int, int, int, str, str, str]


@noun
class Hit:
    """When ``cdn_a`` is gone, in ns since the run's zero."""

    from_ns: int
    until_ns: int


def with_sessions(ledger: Ledger, hit: Hit, end_ns: int) -> tuple[Ledger, Visits]:
    """Let the ledger's sessions look around, and every second one buy; nobody begins anything new after ``end_ns``.

    Even ones are served by ``cdn_a``, until it is hit: the first request that is then on its way takes 300 ms longer.
    """
    done, fate, attempts = ledger.done_ns.copy(), ledger.fate.copy(), ledger.attempts.copy()
    status, ids, digests = ledger.status.copy(), list(ledger.order_id), list(ledger.digest)
    rows: list[Row] = []
    for row in np.flatnonzero(ledger.sessions).tolist():
        session = int(ledger.seq[row])
        own = _session(session, int(ledger.sent_ns[row]), hit, end_ns)
        rows += own
        done[row], paid = own[-1][5], own[-1][3] == PAY
        fate[row], attempts[row], status[row] = (ACKNOWLEDGED, 1, 201) if paid else (REFUSED, 0, 0)
        ids[row], digests[row] = (f"o{session}", f"d{session}") if paid else ("", "")
    settled = replace(ledger, done_ns=done, fate=fate, attempts=attempts, status=status)
    return replace(settled, order_id=tuple(ids), digest=tuple(digests)), visits_of(rows)


def _session(session: int, at_ns: int, hit: Hit, end_ns: int) -> list[Row]:
    """Be one session."""
    asked: list[tuple[int, int, int, str]] = []
    turns = [LOOKING] * PAGES + [BUYING] * (session % 2)
    for number, turn in enumerate(turns):
        at_ns += number and THINK_S * S
        if at_ns >= end_ns:
            break
        for what in turn:
            edge, took_ns = EDGES[session // 2 % 2], TOOK_NS
            if edge == "cdn_a" and hit.from_ns <= at_ns < hit.until_ns:
                edge = "cdn_b"
                took_ns += NOTICED_NS * (at_ns - hit.from_ns < S)
            asked.append((what, at_ns, at_ns + took_ns, edge))
            at_ns += took_ns
    of, hash_ = len(asked), "0" * 16
    return [(session, n, of, what, sent, done, 200, 1, edge, hash_, "") for n, (what, sent, done, edge) in enumerate(asked)]


def visits_of(rows: list[Row]) -> Visits:
    """Lay rows out in columns."""
    session, nth, of, what, sent, done, status, attempts, edge, digest, wrong = zip(*rows, strict=True)
    return Visits(
        session=np.array(session),
        nth=np.array(nth),
        of=np.array(of),
        what=np.array(what, dtype=np.int8),
        sent_ns=np.array(sent),
        done_ns=np.array(done),
        status=np.array(status, dtype=np.int16),
        attempts=np.array(attempts, dtype=np.int16),
        edge=np.array(edge, dtype=np.str_),
        digest=np.array(digest, dtype=np.str_),
        wrong=np.array(wrong, dtype="U16"),
    )


def spoilt(
    history: History, what: int, *, wrong: str = "", status: int = 200, took_ns: int = TOOK_NS, one: int = 0
) -> History:
    """Give the history with another answer to the request number ``one`` of a kind, of those in the run."""
    visits, row = history.visits, int(np.flatnonzero(history.visits.what == what)[one])
    wrongs, statuses, done_ns = visits.wrong.copy(), visits.status.copy(), visits.done_ns.copy()
    wrongs[row], statuses[row], done_ns[row] = wrong, status, visits.sent_ns[row] + took_ns
    return replace(history, visits=replace(visits, wrong=wrongs, status=statuses, done_ns=done_ns))


def picked(history: History, rows: NDArray[np.intp]) -> History:
    """Give the history with some requests only, in the given order; they may repeat."""
    visits = history.visits
    columns: dict[str, Any] = {name: getattr(visits, name)[rows] for name in Visits.__dataclass_fields__}
    return replace(history, visits=replace(visits, **columns))


assert len(WHATS) == 1 + max(*LOOKING, *BUYING)
