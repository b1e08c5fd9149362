"""The requests of sessions on disk, beside the ledger: what the load child writes, and what the judge believes of it.

A ``sealed`` file. All rows of a session are written when it ends, each with how many there are. A row that is not beyond
doubt is left out, and a doubt voids PASS; so does a session of which one is missing, see ``doubts``. An answer whose edge
cannot be told from its header stays what it is, but for that name.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.history import SESSION, Ledger
from harness.load import sealed
from harness.load.sealed import Format, Numbers
from harness.model import Doubt, Outcome
from harness.visits import WHATS, WRONGS, Visits

COLUMNS = ("session", "nth", "of", "what", "sent_ns", "done_ns", "status", "attempts")
TEXTS = ("edge", "digest", "wrong")
REQUESTS = Format(name="the record of requests", numbers=COLUMNS, texts=TEXTS)
EDGE, DIGEST = re.compile(r"[\w.#-]{0,40}", re.ASCII), re.compile(r"([0-9a-f]{16})?")
QUOTED = 60
Row = tuple[int, int, int, int, int, int, int, int, str, str, str]


class Writer(sealed.Writer):
    """Writes a new record of requests: a ``Row`` for each."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, REQUESTS)


def read(path: Path, ledger: Ledger, until_ns: int) -> tuple[Visits, tuple[Doubt, ...]]:
    """Read what the sessions of a ledger asked for. Never raises. Of rows for the same request the first credible counts."""
    doubts: list[str] = []
    table = sealed.read(path, REQUESTS, until_ns, doubts)
    kept = _credible(table.numbers, table.texts, ledger, doubts)
    session, nth, of, what, sent, done, status, attempts = table.numbers[:, kept]
    edge, digest, wrong = ([texts[place] for place in kept.tolist()] for texts in table.texts)
    visits = Visits(
        session=session,
        nth=nth,
        of=of,
        what=what.astype(np.int8),
        sent_ns=sent,
        done_ns=done,
        status=status.astype(np.int16),
        attempts=attempts.astype(np.int16),
        edge=np.array(_named(edge, doubts), dtype=np.str_),
        digest=np.array(digest, dtype=np.str_),
        wrong=np.array(wrong, dtype=np.str_),
    )
    return visits, tuple(Doubt(because=text, voids=frozenset({Outcome.PASS})) for text in doubts)


def _named(edges: list[str], doubts: list[str]) -> list[str]:
    """Give the names of edges, "" for what is none: a proxy outside the shop may write a whole chain into the header."""
    names = {text for text in set(edges) if EDGE.fullmatch(text)}
    foreign = [text for text in edges if text not in names]
    if foreign:
        doubts.append(
            f"{len(foreign)} answers name no edge in X-Served-By, but {foreign[0][:QUOTED]!r}: nobody knows who served "
            "them; let each edge of the shop put its own name there, and nothing else"
        )
    return [text if text in names else "" for text in edges]


def _credible(table: Numbers, texts: tuple[list[str], ...], ledger: Ledger, doubts: list[str]) -> Numbers:
    """Give the places of the rows to believe, in the order of session and nth, each request once."""
    known = np.flatnonzero((table[0] >= 0) & (table[0] < len(ledger)))
    known = known[ledger.kind[table[0, known]] == SESSION]
    if strange := table.shape[1] - len(known):
        doubts.append(f"{strange} rows of {REQUESTS.name} belong to no planned session")
    session, nth, of, what, sent, done, status, attempts = table[:, known]
    possible = (nth >= 0) & (nth < of) & (what >= 0) & (what < len(WHATS))
    possible &= (sent >= ledger.intended_ns[session]) & (done >= sent)
    possible &= (status >= 0) & (status < 1000) & (attempts >= 0) & (attempts < 1000) & ((status == 0) | (attempts > 0))
    possible &= _readable(texts)[known]
    if odd := int(np.count_nonzero(~possible)):
        doubts.append(f"{odd} rows of {REQUESTS.name} say what cannot be: an answer before its request, an unknown kind")
    believed = known[possible]
    once, first = np.unique(table[:2, believed], axis=1, return_index=True)
    if twice := len(believed) - once.shape[1]:
        doubts.append(f"{twice} rows of {REQUESTS.name} repeat a request")
    kept: Numbers = believed[first]
    return kept


def _readable(texts: tuple[list[str], ...]) -> NDArray[np.bool_]:
    """Say which rows hold nothing but digests and reasons as they are written."""
    _, digest, wrong = texts
    known_wrongs = {"", *WRONGS}
    fine = [why in known_wrongs and bool(DIGEST.fullmatch(hash_)) for hash_, why in zip(digest, wrong, strict=True)]
    return np.array(fine, dtype=np.bool_)
