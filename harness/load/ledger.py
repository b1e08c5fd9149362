"""The shoppers' ledger on disk: what the load child writes, and what the judge believes of it.

A ``sealed`` file. A row that is not beyond doubt is left out, its arrival counts as unknown, and a doubt voids PASS.
"""

from pathlib import Path

import numpy as np

from harness.history import ACKNOWLEDGED, FATES, SHED, UNKNOWN, Ledger
from harness.load import sealed
from harness.load.schedule import Planned
from harness.load.sealed import Format, Numbers
from harness.model import Doubt, Outcome

OFF_NS = 1_000
COLUMNS = ("seq", "kind", "intended_ns", "sent_ns", "done_ns", "fate", "status", "attempts")
TEXTS = ("order_id", "digest")
LEDGER = Format(name="the ledger", numbers=COLUMNS, texts=TEXTS)
Row = tuple[int, int, int, int, int, int, int, int, str, str]


class Writer(sealed.Writer):
    """Writes a new ledger: a ``Row`` for each arrival."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, LEDGER)


def read(path: Path, planned: Planned, begin_ns: int, until_ns: int) -> tuple[Ledger, tuple[Doubt, ...]]:
    """Join the ledger with the arrivals that were planned from ``begin_ns`` until ``until_ns``. Never raises.

    Times are ns since the run's zero. The result has one row for each planned arrival; those without a credible record
    are UNKNOWN and ``recorded`` False. Of rows for the same arrival the first credible one counts.
    """
    doubts: list[str] = []
    table = sealed.read(path, LEDGER, until_ns, doubts)
    kept = _credible(table.numbers, planned, begin_ns, doubts)
    if len(kept) != len(planned):
        doubts.append(f"{len(planned) - len(kept)} of {len(planned)} planned arrivals have no credible row in the ledger")
    ledger = _join(table.numbers, table.texts, kept, planned, begin_ns)
    return ledger, tuple(Doubt(because=text, voids=frozenset({Outcome.PASS})) for text in doubts)


def _credible(table: Numbers, planned: Planned, begin_ns: int, doubts: list[str]) -> Numbers:
    """Give the places of the rows to believe, in the order of ``seq``, each arrival once."""
    known = np.flatnonzero((table[0] >= 0) & (table[0] < len(planned)))
    if strange := table.shape[1] - len(known):
        doubts.append(f"{strange} rows of the ledger belong to no planned arrival")
    seq, kind, intended, sent, done, fate, status, attempts = table[:, known]
    due = planned.intended_ns[seq] + begin_ns
    timely = (intended >= due - OFF_NS) & (intended <= due + OFF_NS) & (kind == planned.kind[seq])
    if off := int(np.count_nonzero(~timely)):
        doubts.append(f"{off} rows of the ledger are not as planned: another intended time, or another kind")
    settled = (sent >= intended) & (done >= sent)
    possible = np.where(
        fate == ACKNOWLEDGED, settled & (attempts > 0), settled | ((sent == -1) & (done == -1) & (fate == SHED))
    )
    possible &= (fate >= 0) & (fate < len(FATES)) & (status >= 0) & (status < 1000) & (attempts >= 0) & (attempts < 1000)
    if odd := int(np.count_nonzero(~possible)):
        doubts.append(f"{odd} rows of the ledger say what cannot be: an answer before its request, an unknown fate")
    believed = known[timely & possible]
    once, first = np.unique(table[0, believed], return_index=True)
    if twice := len(believed) - len(once):
        doubts.append(f"{twice} rows of the ledger repeat an arrival")
    kept: Numbers = believed[first]
    return kept


def _join(table: Numbers, texts: tuple[list[str], ...], kept: Numbers, planned: Planned, begin_ns: int) -> Ledger:
    """Lay the rows to believe beside the planned arrivals."""
    seq = table[0, kept]
    columns = {name: np.zeros(len(planned), dtype=np.int64) for name in COLUMNS}
    columns["sent_ns"] -= 1
    columns["done_ns"] -= 1
    columns["fate"] += UNKNOWN
    for number, name in enumerate(COLUMNS):
        columns[name][seq] = table[number, kept]
    recorded = np.zeros(len(planned), dtype=np.bool_)
    recorded[seq] = True
    order_id, digest = ([""] * len(planned) for _ in TEXTS)
    acknowledged = table[COLUMNS.index("fate"), kept] == ACKNOWLEDGED
    for row, place in zip(seq[acknowledged].tolist(), kept[acknowledged].tolist(), strict=True):
        order_id[row], digest[row] = texts[0][place], texts[1][place]
    return Ledger(
        seq=planned.seq,
        kind=planned.kind,
        intended_ns=planned.intended_ns + begin_ns,
        sent_ns=columns["sent_ns"],
        done_ns=columns["done_ns"],
        fate=columns["fate"].astype(np.int8),
        status=columns["status"].astype(np.int16),
        attempts=columns["attempts"].astype(np.int16),
        recorded=recorded,
        order_id=tuple(order_id),
        digest=tuple(digest),
    )
