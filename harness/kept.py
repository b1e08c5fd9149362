"""Entries that are kept on disk, a line of JSON each: the file is always whole, and what is not understood never counts."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import SetupError, UsageError

E = TypeVar("E")


def read(file: Path, kind: type[E], otherwise: str) -> list[E]:
    """Read all entries, none where there is no file. ``otherwise`` is what a person may do where it cannot be read.

    Raises ``UsageError``, with its place, for a line that is none.
    """
    try:
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error}; {otherwise}") from error
    return [_decoded(file, number, line, kind) for number, line in enumerate(lines, 1)]


def _decoded(file: Path, number: int, line: bytes, kind: type[E]) -> E:
    try:
        return msgspec.json.decode(line, type=kind)
    except (ValueError, RecursionError) as error:  # a DecodeError is a ValueError, and so is what is not UTF-8
        raise UsageError(f"{file}: line {number}: {error}; take the line out, or move the file") from error


def write(file: Path, entries: Iterable[object], otherwise: str) -> None:
    """Write these entries, and no other. Raises ``SetupError`` where that cannot be; the file is as it was then."""
    write_text(file, "".join(msgspec.json.encode(one).decode() + "\n" for one in entries), otherwise)


def write_text(file: Path, text: str, otherwise: str) -> None:
    """Write a whole file, or nothing of it. Raises ``SetupError``."""
    fresh = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(file)
    except OSError as error:
        raise SetupError(f"{file}: cannot be written: {error}; {otherwise}") from error
