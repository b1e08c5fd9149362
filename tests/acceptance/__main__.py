"""Plays the rows of the acceptance, one after the other, and writes down what they said.

python -m tests.acceptance [ROW…] [--resume] [--list]

A ROW is an id, or its beginning (``good``, ``died.acted``). A row that was played is in the book at once, so an
acceptance that was interrupted goes on with ``--resume``: rows that were as required at this commit are left out. Ends
with 1 if any row that was asked for is not as required.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from tests.acceptance import book, broken, gated, hidden, interrupted, judged, noticed, peak, promised, refused, spoilt
from tests.acceptance.book import Entry
from tests.acceptance.flight import NotAsRequired
from tests.acceptance.rows import Row
from tests.acceptance.stage import Stage

GROUPS = (
    promised,
    gated,
    noticed,
    spoilt,
    broken,
    interrupted,
    refused,
    hidden,
    peak,
    judged,
)  # those last that judge again what was flown


def play(row: Row) -> Entry:
    """Play one row; whatever happens in it is an entry."""
    began, since = datetime.now(UTC), time.monotonic()
    commit = book.commit()
    with Stage() as stage:
        try:
            with _limit(row.limit_s):
                ok, seen = True, row.play(stage)
        except NotAsRequired as unlike:
            ok, seen = False, str(unlike)
        except Exception as error:  # noqa: BLE001 -- a row that crashes has not been as required, and the others go on
            ok, seen = False, f"the row itself broke: {type(error).__name__}: {error}"
    return Entry(
        row=row.id,
        must_say=row.must_say,
        ok=ok,
        seen=book.clean(seen.replace(str(stage.folder), "<folder>")),
        commit=commit,
        machine=book.machine(),
        began=f"{began:%Y-%m-%d %H:%M}",
        duration_s=round(time.monotonic() - since, 1),
        exit_codes=tuple(stage.exit_codes),
        runs=tuple(stage.runs),
    )


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Let nothing in here take longer."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise NotAsRequired(f"no end within {seconds / 60:.0f} min")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main(words: Sequence[str] | None = None) -> int:
    """Play what is asked for; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance", description="Every run that must give a known answer."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="an id, or its beginning; none: all")
    parser.add_argument("--resume", action="store_true", help="leave out what was as required at this commit")
    parser.add_argument("--list", action="store_true", help="name the rows and play none")
    asked = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what still flies is ended, mended and removed
    every = [row for group in GROUPS for row in group.ROWS]
    chosen = [row for row in every if not asked.rows or any(row.id.startswith(word) for word in asked.rows)]
    if not chosen:
        parser.error(f"no row begins with {' or '.join(asked.rows)}; --list names them")
    if asked.list:
        for row in chosen:
            print(f"{row.id:38s} {row.minutes:5.1f} min   {row.must_say}")
    entries, commit = book.read(), book.commit()
    known = [row for row in chosen if book.holds(row, entries.get(row.id)) and entries[row.id].commit == commit]
    todo = [row for row in chosen if not (asked.resume and row in known)]
    print(
        f"{len(todo)} rows, about {sum(row.minutes for row in todo):.0f} minutes; commit {commit}, {book.machine()}",
        flush=True,
    )
    if asked.list:
        return 0
    for number, row in enumerate(todo, 1):
        print(f"[{number}/{len(todo)}] {row.id} …", end=" ", flush=True)
        entry = play(row)
        book.enter(entry)
        entries[row.id] = entry
        print(f"{'as required' if entry.ok else 'NOT AS REQUIRED'}, {entry.duration_s:.0f} s: {entry.seen}", flush=True)
    book.write_page(every, entries)  # at the end: a page that changes would make each run's commit another
    return 0 if all(book.holds(row, entries[row.id]) for row in chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
