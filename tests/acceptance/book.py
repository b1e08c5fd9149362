"""The book of the acceptance: a line of JSON for each row that was played, and the page of documentation made from it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import host, kept, provenance
from harness.conclude import conclude
from harness.gallery.book import Book
from harness.gallery.entry import entry
from harness.model import noun
from harness.project import Project, find
from tests.acceptance.flight import ROOT
from tests.acceptance.rows import Row
from tests.acceptance.stage import RUNS

DOCUMENTS = ROOT / "docs"
BOOK = DOCUMENTS / "acceptance.jsonl"
PAGE = DOCUMENTS / "acceptance.md"
GALLERY = DOCUMENTS / "gallery.md"
OTHERWISE = "see to docs/ first"
LONGEST_SEEN = 1000
HEAD = """# Acceptance

Every run that must give a known answer, on Docker, and the answer it gave. `make acceptance` flies all rows and writes
this page; `.venv/bin/python -m tests.acceptance --list` names them. Each run is a folder below `reports/runs` on the machine
where it was flown. A commit with `+` stands for a tree that differed from it.

"""


@noun
class Entry:
    """One row as it was played. ``ok``: it got the answer it required; ``seen`` says what was seen, or what was wrong."""

    row: str
    must_say: str
    ok: bool
    seen: str
    commit: str
    machine: str
    began: str
    duration_s: float
    exit_codes: tuple[int, ...]
    runs: tuple[str, ...]


def commit() -> str:
    """Give the commit that is played, with ``+`` where the tree differs in more than what is written about it."""
    return provenance.commit(ROOT, besides=find(ROOT).written)


def machine() -> str:
    """Give the machine in one line."""
    return host.describe()


def enter(entry: Entry) -> None:
    """Write an entry to the book, in the place of an older one of its row. Raises ``UsageError`` and ``SetupError``."""
    kept.write(BOOK, (read() | {entry.row: entry}).values(), OTHERWISE)


def read() -> dict[str, Entry]:
    """Read the entry of each row. Raises ``UsageError``, also for a line that is none."""
    return {entry.row: entry for entry in kept.read(BOOK, Entry, OTHERWISE)}


def hang(folder: Path, part: int, project: Project, gallery: Path = GALLERY) -> None:
    """Enter a finished run into the book of the gallery too: `windtunnel gallery --resume` need not fly it again.

    Raises ``StoredRunError``, ``UsageError`` and ``SetupError``.
    """
    report = conclude(folder, project)
    flown = report.history.run
    Book(gallery).enter(entry(report, part, commit=flown.commit if flown else ""))


def clean(text: str) -> str:
    """Make a text fit for a page: no paths of this machine, no bars, not too long."""
    for path, name in ((RUNS, "reports/runs"), (ROOT, ".")):
        text = text.replace(str(path), name)
    return " ".join(text.replace("|", "/").split())[:LONGEST_SEEN]


def holds(row: Row, entry: Entry | None) -> bool:
    """Tell whether a row was as required, and nothing else is required of it by now."""
    return entry is not None and entry.ok and entry.must_say == row.must_say


def write_page(rows: Sequence[Row], entries: dict[str, Entry]) -> None:
    """Write the page of documentation: all rows, each with its newest entry."""
    kept.write_text(PAGE, HEAD + "\n".join(_page(rows, entries)) + "\n", OTHERWISE)


def _page(rows: Sequence[Row], entries: dict[str, Entry]) -> Iterable[str]:
    played = [entries[row.id] for row in rows if row.id in entries]
    good = sum(holds(row, entries.get(row.id)) for row in rows)
    hours = sum(entry.duration_s for entry in played) / 3600
    yield f"{good} of {len(rows)} rows as required, {len(played) - good} not, {len(rows) - len(played)} not played."
    yield f"Played in {hours:.1f} h in all, from {min((e.began for e in played), default='-')} to"
    yield f"{max((e.began for e in played), default='-')} (UTC), on {'; '.join(sorted({e.machine for e in played})) or '-'}."
    for group in dict.fromkeys(row.id.partition(".")[0] for row in rows):
        mine = [row for row in rows if row.id.partition(".")[0] == group]
        yield f"\n## {group}"
        for must_say in dict.fromkeys(row.must_say for row in mine):
            yield f"\nMust say: {must_say}.\n"
            yield "| row | as required | seen | exit | duration | commit | runs |\n|---|---|---|---|---|---|---|"
            yield from (_line(row, entries.get(row.id)) for row in mine if row.must_say == must_say)


def _line(row: Row, entry: Entry | None) -> str:
    if entry is None:
        return f"| {row.id} | not played | | | | | |"
    codes, runs = ", ".join(map(str, entry.exit_codes)), "<br>".join(f"`{run}`" for run in entry.runs)
    word = "yes" if holds(row, entry) else f"**no**, {entry.must_say} was required" if entry.ok else "**no**"
    return f"| {row.id} | {word} | {clean(entry.seen)} | {codes} | {entry.duration_s:.0f} s | {entry.commit} | {runs} |"
