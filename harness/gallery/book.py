"""The book of the gallery: a line of JSON for each run, beside the page that is made from it. Both are always whole."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import SetupError, UsageError
from harness.gallery.entry import Entry, Key

LINES = ".jsonl"


class Book:
    """The book beside a page. A pair's runs in it are always of one commit and one load: newer ones drive out the others."""

    def __init__(self, page: Path) -> None:
        if page.suffix == LINES:
            raise UsageError(f"--write {page}: the book beside the page ends so; name the page, such as {page.stem}.md")
        self.page, self.lines = page, page.with_suffix(LINES)

    def read(self) -> dict[Key, Entry]:
        """Read all entries. Raises ``UsageError`` for a line that is none: what is not understood must not count."""
        try:
            lines = self.lines.read_bytes().splitlines() if self.lines.exists() else []
        except OSError as error:
            raise UsageError(f"{self.lines}: cannot be read: {error}; name another page with --write") from error
        found: dict[Key, Entry] = {}
        for number, line in enumerate(lines, 1):
            try:
                one = msgspec.json.decode(line, type=Entry)
            except msgspec.DecodeError as error:
                raise UsageError(f"{self.lines}: line {number}: {error}; take the line out, or move the file") from error
            found[one.key] = one
        return found

    def enter(self, entry: Entry) -> dict[Key, Entry]:
        """Write an entry; give all. Raises ``SetupError`` where it cannot be written; the book is as it was then."""
        old = self.read()
        same = {key: one for key, one in old.items() if one.pair != entry.pair or _alike(one, entry)}
        entries = same | {entry.key: entry}
        self._write(self.lines, "".join(msgspec.json.encode(one).decode() + "\n" for one in entries.values()))
        return entries

    def write_page(self, text: str) -> None:
        """Write the page. Raises ``SetupError`` where it cannot be written."""
        self._write(self.page, text)

    def _write(self, path: Path, text: str) -> None:
        fresh = path.with_name(f"{path.name}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8")
            fresh.rename(path)
        except OSError as error:
            raise SetupError(f"{path}: cannot be written: {error}; name another page with --write") from error


def done(entries: Iterable[Entry], commit: str) -> dict[Key, float]:
    """Give the runs that need not be flown again, each with the load that it had: decided, and at this very commit.

    None where the tree differs from its commit, or has none: nobody knows then what was flown.
    """
    if not known(commit):
        return {}
    return {one.key: one.orders_per_s for one in entries if one.commit == commit and one.decided}


def known(commit: str) -> bool:
    """Say whether a commit tells all of what is flown."""
    return bool(commit) and not commit.endswith("+")


def _alike(one: Entry, other: Entry) -> bool:
    return (one.commit, one.orders_per_s) == (other.commit, other.orders_per_s)
