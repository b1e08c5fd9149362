"""The shoppers' ledger on disk: what the load child writes, and what the judge believes of it.

Each line is ``{"crc":…,"body":…}`` with the CRC-32 of the body's bytes: a chunk of rows in columns, flushed about once a
second, and last a seal with the number of rows. Reading never raises on any bytes: a line, or a row, that is not
beyond doubt is left out, its arrival counts as unknown, and a doubt voids PASS.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.history import ACKNOWLEDGED, FATES, SHED, UNKNOWN, Ledger
from harness.load.schedule import Planned
from harness.model import Doubt, Outcome

Numbers = NDArray[np.int64]
OFF_NS = 1_000
COLUMNS = ("seq", "kind", "intended_ns", "sent_ns", "done_ns", "fate", "status", "attempts")
TEXTS = ("order_id", "digest")
Row = tuple[int, int, int, int, int, int, int, int, str, str]


class Rows(msgspec.Struct, tag_field="is", tag="rows", forbid_unknown_fields=True):
    """A chunk of rows in columns, in the order in which they were settled. ``number`` counts the lines from 0."""

    number: int
    seq: list[int]
    kind: list[int]
    intended_ns: list[int]
    sent_ns: list[int]
    done_ns: list[int]
    fate: list[int]
    status: list[int]
    attempts: list[int]
    order_id: list[str]
    digest: list[str]


class Seal(msgspec.Struct, tag_field="is", tag="seal", forbid_unknown_fields=True):
    """The last line: how many rows stand before it, and up to where arrivals were intended."""

    number: int
    rows: int
    until_ns: int


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    crc: int
    body: msgspec.Raw


class Writer:
    """Writes a new ledger; the only writer of its file. Raises ``OSError`` (``FileExistsError`` for an old ledger)."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._waiting: list[Row] = []
        self._lines = 0
        self.rows = 0

    def add(self, row: Row) -> None:
        """Take one row, in the order of ``COLUMNS`` and ``TEXTS``; it is on disk after the next flush."""
        self._waiting.append(row)

    def flush(self) -> None:
        """Write the rows taken so far as one line."""
        if self._waiting:
            rows, self._waiting = self._waiting, []
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._write(Rows(self._lines, *columns))
            self.rows += len(rows)

    def seal(self, until_ns: int) -> int:
        """Flush, write the seal, force all to disk, close; give the number of rows."""
        self.flush()
        self._write(Seal(self._lines, self.rows, until_ns))
        os.fsync(self._file)
        os.close(self._file)
        return self.rows

    def _write(self, body: Rows | Seal) -> None:
        raw = msgspec.json.encode(body)
        line = memoryview(msgspec.json.encode(_Line(crc=crc32(raw), body=msgspec.Raw(raw))) + b"\n")
        while line:
            line = line[os.write(self._file, line) :]
        self._lines += 1


def read(path: Path, planned: Planned, begin_ns: int, until_ns: int) -> tuple[Ledger, tuple[Doubt, ...]]:
    """Join the ledger with the arrivals that were planned from ``begin_ns`` until ``until_ns``. Never raises.

    Times are ns since the run's zero. The result has one row for each planned arrival; those without a credible record
    are UNKNOWN and ``recorded`` False. Of rows for the same arrival the first credible one counts.
    """
    doubts: list[str] = []
    try:
        data = path.read_bytes()
    except OSError as error:
        doubts.append(f"the ledger cannot be read: {error.strerror or error}")
        data = b""
    chunks, seal = _sort_out(data, doubts)
    table = np.concatenate([np.empty((len(COLUMNS), 0), dtype=np.int64), *(numbers for numbers, _ in chunks)], axis=1)
    texts = [[text for _, chunk in chunks for text in getattr(chunk, name)] for name in TEXTS]
    kept = _credible(table, planned, begin_ns, doubts)
    if seal is None:
        doubts.append("the ledger has no seal: the load child did not end as it should")
    else:
        if seal.rows != table.shape[1]:
            doubts.append(f"the ledger's seal counts {seal.rows} rows, {table.shape[1]} can be read")
        if seal.until_ns != until_ns:
            doubts.append(f"the ledger's seal ends the load at {seal.until_ns} ns, the journal at {until_ns} ns")
    if len(kept) != len(planned):
        doubts.append(f"{len(planned) - len(kept)} of {len(planned)} planned arrivals have no credible row in the ledger")
    void = frozenset({Outcome.PASS})
    return _join(table, texts, kept, planned, begin_ns), tuple(Doubt(because=text, voids=void) for text in doubts)


def _sort_out(data: bytes, doubts: list[str]) -> tuple[list[tuple[Numbers, Rows]], Seal | None]:
    """Give the chunks of the lines that are whole, with their numbers as an array, and the seal."""
    chunks: list[tuple[Numbers, Rows]] = []
    seal: Seal | None = None
    corrupt = misplaced = 0
    for place, body in enumerate(_bodies(data)):
        numbers = _numbers(body) if isinstance(body, Rows) else None
        misplaced += body is not None and (body.number != place or seal is not None)
        if isinstance(body, Seal):
            seal = seal or body
        elif body is None or numbers is None:
            corrupt += 1
        else:
            chunks.append((numbers, body))
    if corrupt:
        doubts.append(f"{corrupt} lines of the ledger are torn or corrupt")
    if misplaced:
        doubts.append(f"{misplaced} lines of the ledger are not in their place")
    return chunks, seal


def _numbers(chunk: Rows) -> Numbers | None:
    """Give the columns of numbers as an array; None unless all columns are equally long and the numbers fit."""
    if len({len(getattr(chunk, name)) for name in COLUMNS + TEXTS}) != 1:
        return None
    try:
        return np.array([getattr(chunk, name) for name in COLUMNS], dtype=np.int64)
    except OverflowError:
        return None


def _bodies(data: bytes) -> Iterator[Rows | Seal | None]:
    """Decode each line; None for one that is torn (no end of line) or whose check sum is wrong."""
    outer, inner = msgspec.json.Decoder(_Line), msgspec.json.Decoder(Rows | Seal)
    *lines, rest = data.split(b"\n")
    for line in lines:
        try:
            decoded = outer.decode(line)
            yield inner.decode(decoded.body) if decoded.crc == crc32(decoded.body) else None
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            yield None
    if rest:
        yield None


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


def _join(table: Numbers, texts: list[list[str]], kept: Numbers, planned: Planned, begin_ns: int) -> Ledger:
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
