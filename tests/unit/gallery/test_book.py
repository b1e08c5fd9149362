"""The book of the gallery: nothing in it is lost, nothing is mixed that does not belong together, nothing is guessed."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import SetupError, UsageError
from harness.gallery.book import Book, done
from harness.gallery.entry import Entry, Word

FIRST = Entry(
    defect="oversell",
    scenario="calm",
    part=1,
    word=Word.CAUGHT,
    meant="oversold",
    meant_outcome="FAIL",
    outcome="FAIL",
    failed=("oversold",),
    undecided=(),
    seen="oversold FAIL: 3 pieces too many.",
    orders_per_s=300,
    commit="c1",
    machine="2 cores",
    began="2026-11-28T10:00:00",
    duration_s=80.5,
    run="r1",
)
SECOND = replace(FIRST, part=2, run="r2")
GOOD = replace(FIRST, defect="", meant="", meant_outcome="", word=Word.QUIET, run="r3")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "docs" / "gallery.md")


def test_what_was_entered_is_read_again(book: Book) -> None:
    assert book.read() == {}
    for one in (FIRST, SECOND, GOOD):
        entries = book.enter(one)
    assert book.read() == entries == {one.key: one for one in (FIRST, SECOND, GOOD)}
    assert len(book.lines.read_text().splitlines()) == 3
    assert [path.name for path in book.lines.parent.iterdir()] == ["gallery.jsonl"]


def test_a_newer_run_takes_the_place_of_an_older_one(book: Book) -> None:
    book.enter(FIRST)
    newer = replace(FIRST, word=Word.MISSED)
    assert book.enter(newer) == {newer.key: newer}


@pytest.mark.parametrize("newer", [replace(FIRST, commit="c2"), replace(FIRST, orders_per_s=20)])
def test_runs_of_a_pair_are_of_one_commit_and_one_load(newer: Entry, book: Book) -> None:
    """Else an old run, better or worse, would count beside the new ones. Other pairs stay as they are."""
    for one in (FIRST, SECOND, GOOD, newer):
        book.enter(one)
    assert set(book.read().values()) == {newer, GOOD}


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"defect": "oversell"}', b"\xff\xfe"])
def test_a_line_that_is_no_entry_is_refused_with_its_place(line: bytes, book: Book) -> None:
    book.enter(FIRST)
    book.lines.write_bytes(book.lines.read_bytes() + line + b"\n")
    with pytest.raises(UsageError, match=r"gallery\.jsonl: line 2: .*; take the line out"):
        book.read()


def test_a_word_that_does_not_exist_is_none(book: Book) -> None:
    book.enter(FIRST)
    book.lines.write_text(book.lines.read_text().replace('"caught"', '"surely caught"'))
    with pytest.raises(UsageError, match="line 1"):
        book.read()


def test_a_book_that_cannot_be_written_stays_as_it_was(book: Book) -> None:
    book.enter(FIRST)
    (book.lines.parent / "gallery.jsonl.new").mkdir()
    with pytest.raises(SetupError, match=r"cannot be written: .*; name another page with --write"):
        book.enter(GOOD)
    assert book.read() == {FIRST.key: FIRST}


def test_a_page_in_the_place_of_its_own_book_is_refused() -> None:
    with pytest.raises(UsageError, match=r"name the page, such as gallery\.md"):
        Book(Path("docs/gallery.jsonl"))


def test_a_book_that_cannot_be_read_is_refused(book: Book) -> None:
    book.lines.mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        book.read()


def test_done_is_what_was_decided_at_this_very_commit() -> None:
    entries = [
        FIRST,
        replace(SECOND, word=Word.MISSED),
        replace(FIRST, part=3, word=Word.OPEN),
        replace(FIRST, part=4, commit="c2"),
        replace(FIRST, part=5, word=Word.ANOTHER, meant_outcome="INCONCLUSIVE"),
        replace(GOOD, word=Word.ALARM),
    ]
    assert set(done(entries, "c1")) == {FIRST.key, SECOND.key, GOOD.key}
    assert done(entries, "c1")[FIRST.key] == 300


@pytest.mark.parametrize("commit", ["", "c1+"])
def test_nothing_is_done_of_a_tree_that_nobody_can_name(commit: str) -> None:
    assert done([replace(FIRST, commit=commit)], commit) == {}
