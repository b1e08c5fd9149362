"""The book of the gallery: a line of JSON for each run, beside the page that is made from it. Both are always whole."""

from collections.abc import Iterable
from pathlib import Path

from harness import kept
from harness.errors import UsageError
from harness.gallery.entry import Entry, Key

LINES = ".jsonl"
OTHERWISE = "name another page with --write"


class Book:
    """The book beside a page. A pair's runs in it are always of one commit and one load: newer ones drive out the others."""

    def __init__(self, page: Path) -> None:
        if page.suffix == LINES:
            raise UsageError(f"--write {page}: the book beside the page ends so; name the page, such as {page.stem}.md")
        self.page, self.lines = page, page.with_suffix(LINES)

    def read(self) -> dict[Key, Entry]:
        """Read all entries. Raises ``UsageError``, also for a line that is none."""
        return {one.key: one for one in kept.read(self.lines, Entry, OTHERWISE)}

    def enter(self, entry: Entry) -> dict[Key, Entry]:
        """Write an entry; give all. Raises ``SetupError`` where it cannot be written; the book is as it was then."""
        old = self.read()
        same = {key: one for key, one in old.items() if one.pair != entry.pair or _alike(one, entry)}
        entries = same | {entry.key: entry}
        kept.write(self.lines, entries.values(), OTHERWISE)
        return entries

    def write_page(self, text: str) -> None:
        """Write the page. Raises ``SetupError`` where it cannot be written."""
        kept.write_text(self.page, text, OTHERWISE)


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
