"""Rows of evidence in a file, in columns: one writer, and a reader who believes nothing that is not beyond doubt.

Each line is ``{"crc":…,"body":…}`` with the CRC-32 of the body's bytes: a chunk of rows in columns, flushed about once a
second, and last a seal with the number of rows. Reading never raises on any bytes.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.model import noun

Numbers = NDArray[np.int64]


@noun
class Format:
    """What the rows of a file hold: columns of whole numbers, then columns of texts. ``name`` is what people call it."""

    name: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...]


@noun
class Table:
    """What can be read of a file: a row of ``numbers`` and one of ``texts`` for each column, all equally long."""

    numbers: Numbers
    texts: tuple[list[str], ...]


class Seal(msgspec.Struct, tag_field="is", tag="seal", forbid_unknown_fields=True):
    """The last line: how many rows stand before it, and up to where arrivals were intended."""

    number: int
    rows: int
    until_ns: int


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    crc: int
    body: msgspec.Raw


@cache
def _rows(form: Format) -> Any:
    """Make the class of a chunk of rows, in the order in which they were settled; ``number`` counts the lines from 0."""
    columns = [*((name, list[int]) for name in form.numbers), *((name, list[str]) for name in form.texts)]
    fields: list[tuple[str, type]] = [("number", int), *columns]
    return msgspec.defstruct("Rows", fields, tag_field="is", tag="rows", forbid_unknown_fields=True)


class Writer:
    """Writes a new file; the only writer of it. Raises ``OSError`` (``FileExistsError`` for an old one)."""

    def __init__(self, path: Path, form: Format) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._chunk = _rows(form)
        self._waiting: list[Sequence[int | str]] = []
        self._lines = 0
        self.rows = 0

    def add(self, row: Sequence[int | str]) -> None:
        """Take one row, in the order of the format's columns; it is on disk after the next flush."""
        self._waiting.append(row)

    def flush(self) -> None:
        """Write the rows taken so far as one line."""
        if self._waiting:
            rows, self._waiting = self._waiting, []
            columns = [list(column) for column in zip(*rows, strict=True)]
            self._write(self._chunk(self._lines, *columns))
            self.rows += len(rows)

    def seal(self, until_ns: int) -> int:
        """Flush, write the seal, force all to disk, close; give the number of rows."""
        self.flush()
        self._write(Seal(self._lines, self.rows, until_ns))
        os.fsync(self._file)
        os.close(self._file)
        return self.rows

    def _write(self, body: msgspec.Struct) -> None:
        raw = msgspec.json.encode(body)
        line = memoryview(msgspec.json.encode(_Line(crc=crc32(raw), body=msgspec.Raw(raw))) + b"\n")
        while line:
            line = line[os.write(self._file, line) :]
        self._lines += 1


def read(path: Path, form: Format, until_ns: int, doubts: list[str]) -> Table:
    """Read what is whole. Whatever is not, or does not fit the seal, is added to ``doubts``. Never raises."""
    try:
        data = path.read_bytes()
    except OSError as error:
        doubts.append(f"{form.name} cannot be read: {error.strerror or error}")
        data = b""
    chunks, seal = _sort_out(data, form, doubts)
    numbers = np.concatenate([np.empty((len(form.numbers), 0), dtype=np.int64), *(part for part, _ in chunks)], axis=1)
    texts = tuple([text for _, chunk in chunks for text in getattr(chunk, name)] for name in form.texts)
    if seal is None:
        doubts.append(f"{form.name} has no seal: who wrote it did not end as it should")
    else:
        if seal.rows != numbers.shape[1]:
            doubts.append(f"{form.name}'s seal counts {seal.rows} rows, {numbers.shape[1]} can be read")
        if seal.until_ns != until_ns:
            doubts.append(f"{form.name}'s seal ends the load at {seal.until_ns} ns, the journal at {until_ns} ns")
    return Table(numbers=numbers, texts=texts)


def _sort_out(data: bytes, form: Format, doubts: list[str]) -> tuple[list[tuple[Numbers, Any]], Seal | None]:
    """Give the chunks of the lines that are whole, with their numbers as an array, and the seal."""
    chunks: list[tuple[Numbers, Any]] = []
    seal: Seal | None = None
    corrupt = misplaced = 0
    for place, body in enumerate(_bodies(data, form)):
        numbers = _numbers(body, form) if body is not None and not isinstance(body, Seal) else None
        misplaced += body is not None and (body.number != place or seal is not None)
        if isinstance(body, Seal):
            seal = seal or body
        elif numbers is None:
            corrupt += 1
        else:
            chunks.append((numbers, body))
    if corrupt:
        doubts.append(f"{corrupt} lines of {form.name} are torn or corrupt")
    if misplaced:
        doubts.append(f"{misplaced} lines of {form.name} are not in their place")
    return chunks, seal


def _numbers(chunk: Any, form: Format) -> Numbers | None:
    """Give the columns of numbers as an array; None unless all columns are equally long and the numbers fit."""
    if len({len(getattr(chunk, name)) for name in form.numbers + form.texts}) != 1:
        return None
    try:
        return np.array([getattr(chunk, name) for name in form.numbers], dtype=np.int64)
    except OverflowError:
        return None


def _bodies(data: bytes, form: Format) -> Iterator[Any]:
    """Decode each line: a chunk or a seal; None for one that is torn (no end of line) or whose check sum is wrong."""
    outer, inner = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_rows(form) | Seal)
    *lines, rest = data.split(b"\n")
    for line in lines:
        try:
            decoded = outer.decode(line)
            yield inner.decode(decoded.body) if decoded.crc == crc32(decoded.body) else None
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            yield None
    if rest:
        yield None
