"""The page of the gallery: every run counts once, in its own column, and the false alarms carry a bound that holds."""

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from harness.bounds import at_most
from harness.gallery.entry import Entry, Word
from harness.gallery.page import page, summary, valid
from tests.fake_declaration import DECLARATION
from tests.unit.gallery.test_book import FIRST, GOOD

LOST = replace(FIRST, defect="no_failover", meant="rto", scenario="lost")
SPOILS = {"oversell": "Two replicas sell | the same *piece*."}


def runs(one: Entry, *words: Word) -> list[Entry]:
    """Give runs of a pair, each with what it has shown."""
    return [replace(one, part=part, word=word, run=f"{one.run}-{part}") for part, word in enumerate(words, 1)]


def cells(text: str, begins: str) -> list[str]:
    """Give the cells of the one row of a page that begins so, as a reader sees them, or in the page's own text."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {begins}")]
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def test_each_run_is_counted_in_its_own_column() -> None:
    words = (Word.CAUGHT, Word.CAUGHT, Word.ANOTHER, Word.MISSED, Word.OPEN, Word.OPEN)
    text = page(runs(FIRST, *words), {FIRST.pair: range(1, 9)}, DECLARATION, {})
    assert cells(text, "oversell")[1:8] == ["oversold", "calm", "2", "1", "1", "2", "2"]


def test_the_good_shop_s_runs_too() -> None:
    words = (Word.QUIET, Word.QUIET, Word.QUIET, Word.ALARM, Word.OPEN)
    text = page(runs(GOOD, *words), {GOOD.pair: range(1, 6)}, DECLARATION, {})
    assert cells(text, "calm")[1:5] == ["3", "1", "1", "0"]


def test_false_alarms_are_a_number_with_a_bound_that_holds() -> None:
    """Runs that stayed open count neither way: they would make the bound better than it is."""
    good = runs(GOOD, *[Word.QUIET] * 13, Word.ALARM, *[Word.OPEN] * 5)
    said = summary(good, {}, DECLARATION)[-1]
    assert said.startswith("Good shop: 1 false alarm in 14 decided runs; with 95 % confidence at most 29.7 % of such runs")
    assert said.endswith("5 more stayed open and count neither way.")
    assert 0.296 < at_most(1, 14) <= 0.297


@pytest.mark.parametrize("count", [1, 7, 14, 59, 300])
def test_the_bound_is_rounded_up(count: int) -> None:
    said = summary(runs(GOOD, *[Word.QUIET] * count), {}, DECLARATION)[-1]
    shown = float(said.split("at most ")[1].split(" %")[0]) / 100
    assert at_most(0, count) - 1e-9 < shown < at_most(0, count) + 0.001


def test_without_a_decided_run_nothing_is_known() -> None:
    assert "nothing is known of false alarms" in summary([], {}, DECLARATION)[-1]
    assert "nothing is known of false alarms" in summary(runs(GOOD, Word.OPEN), {}, DECLARATION)[-1]


def test_a_pair_is_caught_only_if_it_was_each_time_and_all_were_flown() -> None:
    asked = {FIRST.pair: (1, 2), LOST.pair: (1,)}
    whole = [*runs(FIRST, Word.CAUGHT, Word.CAUGHT), *runs(LOST, Word.CAUGHT)]
    assert summary(whole, asked, DECLARATION)[0].startswith("Bad shops: 2 of 2 pairs")
    assert summary(whole[1:], asked, DECLARATION)[0].startswith("Bad shops: 1 of 2 pairs")
    assert summary(whole[1:], asked, DECLARATION)[1].endswith("0 open; 1 not flown.")
    for word in (Word.ANOTHER, Word.MISSED, Word.OPEN):
        half = [*runs(FIRST, Word.CAUGHT, word), *runs(LOST, Word.CAUGHT)]
        assert summary(half, asked, DECLARATION)[0].startswith("Bad shops: 1 of 2 pairs")
        assert f"1 {word}" in summary(half, asked, DECLARATION)[1]


def test_a_bad_shop_that_was_flown_nowhere_is_not_passed_over() -> None:
    said = " ".join(summary(runs(FIRST, Word.CAUGHT), {}, DECLARATION))
    assert "nothing is known of, for they were flown nowhere: no_failover." in said
    assert "flown nowhere" not in " ".join(summary([FIRST, LOST], {}, DECLARATION))


def test_what_is_seen_is_what_needs_looking_at_most() -> None:
    caught, missed = runs(FIRST, Word.CAUGHT, Word.MISSED)
    text = page([caught, replace(missed, seen="nothing at all")], {}, DECLARATION, {})
    assert cells(text, "oversell")[-3] == "nothing at all"
    assert cells(text, "oversell")[-1] == "r1-1<br>r1-2"


def test_what_was_seen_cannot_become_markup() -> None:
    wild = replace(FIRST, seen="<img src=x> | [a](http://b) `c`", run="a|b")
    text = page([wild, *runs(GOOD, Word.QUIET)], {}, DECLARATION, SPOILS)
    shown = MarkdownIt("commonmark").enable("table").render(text)
    assert "<img" not in shown
    assert shown.count("<table>") == 2
    assert shown.count("<a href") == 1  # the source of the formula
    assert "Two replicas sell | the same *piece*." in shown


def test_an_empty_wall_says_so() -> None:
    text = page([], {FIRST.pair: (1,), GOOD.pair: (1,)}, DECLARATION, {})
    assert "Nothing has been flown." in text
    assert cells(text, "oversell")[3:8] == ["0", "0", "0", "0", "1"]


def test_what_is_not_declared_any_more_does_not_count() -> None:
    gone, other = replace(FIRST, defect="sold_twice"), replace(FIRST, meant="duplicated", part=2)
    entries = {one.key: one for one in (FIRST, GOOD, gone, other)}
    assert set(valid(entries, DECLARATION).values()) == {FIRST, GOOD}
