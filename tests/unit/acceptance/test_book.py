"""The book of the acceptance: a row has one entry, the newest; nothing of the others is lost, whatever happens."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.errors import SetupError, UsageError
from harness.gallery.book import Book
from harness.gallery.entry import Word
from harness.store import open_run
from tests.acceptance import book, promised
from tests.acceptance.book import Entry
from tests.acceptance.flight import ROOT, Flight
from tests.acceptance.rows import Row
from tests.acceptance.stage import SHORT, Stage, scenario
from tests.golden import project, unpack

FIRST = Entry(
    row="good.calm",
    must_say="PASS",
    ok=True,
    seen="PASS; every objective PASS",
    commit="c1",
    machine="2 cores",
    began="2026-11-28 10:00",
    duration_s=80.5,
    exit_codes=(0,),
    runs=("r1",),
)
SECOND = replace(FIRST, row="good.lost", runs=("r2",))


@pytest.fixture(autouse=True)
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the file of a book of its own."""
    monkeypatch.setattr(book, "BOOK", tmp_path / "docs" / "acceptance.jsonl")
    return book.BOOK


def test_a_newer_entry_takes_the_place_of_its_row_and_of_no_other() -> None:
    assert book.read() == {}
    for one in (FIRST, SECOND, newer := replace(FIRST, ok=False)):
        book.enter(one)
    assert [*book.read().values()] == [newer, SECOND]


def test_a_line_that_is_no_entry_is_refused_with_its_place(lines: Path) -> None:
    """Else its row would be played again, or never."""
    book.enter(FIRST)
    lines.write_bytes(lines.read_bytes() + b'{"row": "good.lost"}\n')
    with pytest.raises(UsageError, match=r"acceptance\.jsonl: line 2: "):
        book.enter(SECOND)


def test_a_book_that_cannot_be_written_stays_as_it_was(lines: Path) -> None:
    book.enter(FIRST)
    (lines.parent / "acceptance.jsonl.new").mkdir()
    with pytest.raises(SetupError, match="cannot be written"):
        book.enter(SECOND)
    assert book.read() == {FIRST.row: FIRST}


def test_a_row_of_which_more_is_required_by_now_is_not_as_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(id=FIRST.row, must_say=FIRST.must_say, minutes=1, play=lambda _: "")
    more = replace(row, must_say="PASS, 3 times in a row")
    assert book.holds(row, FIRST)
    assert not any(book.holds(*one) for one in ((row, None), (row, replace(FIRST, ok=False)), (more, FIRST)))
    monkeypatch.setattr(book, "PAGE", tmp_path / "acceptance.md")
    book.write_page([more], {more.id: FIRST})
    assert "0 of 1 rows as required, 1 not" in book.PAGE.read_text()
    assert "**no**, PASS was required" in book.PAGE.read_text()


def test_the_book_that_is_kept_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "BOOK", ROOT / "docs" / "acceptance.jsonl")
    assert all(row == entry.row for row, entry in book.read().items())


def test_what_a_row_has_flown_hangs_in_the_gallery_at_the_commit_that_flew(tmp_path: Path) -> None:
    there, gallery = project(tmp_path), tmp_path / "docs" / "gallery.md"
    flown = {name: unpack(name, there) for name in ("no_failover", "primary_lost")}
    for part, folder in enumerate(flown.values(), 1):
        book.hang(folder, part, there, gallery)
    entries = Book(gallery).read()
    assert {key[::2]: one.word for key, one in entries.items()} == {("no_failover", 1): Word.CAUGHT, ("", 2): Word.QUIET}
    runs = [open_run(folder).run for folder in flown.values()]
    assert [one.commit for one in entries.values()] == [run.commit for run in runs if run]


@pytest.fixture
def hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the parts that are hung, of two runs that were judged: ``a`` and ``b`` in ``tmp_path``."""
    parts = list[int]()
    monkeypatch.setattr(book, "hang", lambda _folder, part, _project: parts.append(part))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdicts.json").touch()
    return parts


def hang(file: Path, flights: int, options: tuple[str, ...], there: Path) -> None:
    flown = [SimpleNamespace(folders=(there / "a", there / "b", there / "c")) for _ in range(flights)]
    promised.hang(file, cast("Flight", flown[-1]), cast("Stage", SimpleNamespace(flights=flown)), options)


@pytest.mark.parametrize(("flights", "options", "parts"), [(1, (), [1, 2]), (2, (), []), (1, ("--rate", "9"), [])])
def test_only_what_the_gallery_itself_would_fly_hangs_there(
    flights: int, options: tuple[str, ...], parts: list[int], hung: list[int], tmp_path: Path
) -> None:
    """Two runs of a series; the row's second flight has their seeds again. What was not judged has nothing to show."""
    hang(scenario("calm"), flights, options, tmp_path)
    assert hung == parts


def test_a_shortened_scenario_does_not_hang_in_the_gallery(hung: list[int], tmp_path: Path) -> None:
    hang(SHORT / "calm_short.toml", 1, (), tmp_path)
    assert hung == []
