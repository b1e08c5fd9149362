"""``gallery`` as it is typed: what it flies, what it keeps when it is cut short, what it ends with."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.campaign import Flown, Manner, Sortie
from harness.commands import gallery
from harness.errors import SetupError
from harness.gallery.book import Book
from harness.gallery.entry import Word
from harness.gallery.pairs import Pair, pair
from harness.model import Judgement, Outcome, Verdict
from harness.progress import Progress
from harness.project import Project
from tests.fake_gallery import EVENING
from tests.sample_reports import sample_report
from tests.typing_in import Typed, typed

PAGE = Path("docs/gallery.md")
GOOD, OVERSELL, TWICE = ("", "evening"), ("oversell", "evening"), ("no_idempotency", "evening")
RIGHT = {GOOD: Outcome.PASS, OVERSELL: Outcome.FAIL, TWICE: Outcome.FAIL}


class Flights:
    """Flies in no time: by pair, what the objective says that is meant, or what goes wrong."""

    def __init__(self, said: Mapping[Pair, Outcome | SetupError | int]) -> None:
        self.said, self.flown, self.waits = dict(said), list[tuple[Pair, int]](), list[bool]()

    def fly(self, project: Project, sortie: Sortie, manner: Manner, _: Progress) -> Flown:
        """Fly one."""
        self.waits.append(manner.wait)
        self.flown.append((pair(sortie.plan), sortie.part))
        said = self.said[pair(sortie.plan)]
        if isinstance(said, SetupError):
            raise said
        outcome = Outcome.INCONCLUSIVE if isinstance(said, int) and not isinstance(said, Outcome) else said
        kind = project.shop().declaration.defects.get(pair(sortie.plan)[0], "orders_lost")
        meant = next(one.id for one in sortie.plan.objectives if one.kind == kind)
        verdict = Verdict(objective=meant, outcome=outcome, because="So.", measured={}, limit={}, evidence=1, needed=1)
        judged = Judgement(outcome=outcome, verdicts=(verdict,), doubts=())
        report = replace(sample_report(Outcome.PASS), plan=sortie.plan, judgement=judged)
        return Flown(report=report, interrupted=said if outcome is not said else None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project of the fake gallery, committed, in which we are."""
    (tmp_path / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "tests.fake_gallery:GalleryShop"\n')
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "evening.toml").write_text(EVENING)
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, timeout=30)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flown(
    monkeypatch: pytest.MonkeyPatch, said: Mapping[Pair, Outcome | SetupError | int], *words: str
) -> tuple[Flights, Typed]:
    """Type ``gallery``; give what was flown, and what came of it."""
    flights = Flights(said)
    monkeypatch.setattr(gallery, "fly", flights.fly)
    return flights, typed("gallery", *words)


def words() -> dict[Pair, Word]:
    """Give what the book says of each pair."""
    return {one.pair: one.word for one in Book(PAGE).read().values()}


def test_all_is_flown_the_good_shop_first_and_a_perfect_judge_is_green(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights, done = flown(monkeypatch, RIGHT)
    assert done.code == 0, done.out + done.err
    assert flights.flown == [(GOOD, 1), (OVERSELL, 1), (TWICE, 1)]
    assert all(flights.waits)
    assert "3 runs: about " in done.out
    assert "[2/3] oversell in evening" in done.out
    assert words() == {GOOD: Word.QUIET, OVERSELL: Word.CAUGHT, TWICE: Word.CAUGHT}
    assert "Bad shops: 2 of 2 pairs" in done.out
    assert "0 false alarms in 1 decided run; with 95 % confidence at most 95.0 %" in PAGE.read_text()


@pytest.mark.parametrize(
    ("wrong", "code", "told"),
    [
        ({TWICE: Outcome.PASS}, 1, Word.MISSED),
        ({TWICE: Outcome.INCONCLUSIVE}, 12, Word.OPEN),
        ({GOOD: Outcome.FAIL}, 1, Word.ALARM),
        ({GOOD: Outcome.INCONCLUSIVE}, 12, Word.OPEN),
    ],
)
def test_a_judge_who_errs_is_told(
    wrong: dict[Pair, Outcome], code: int, told: Word, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights, done = flown(monkeypatch, RIGHT | wrong)
    assert (done.code, len(flights.flown)) == (code, 3)
    assert words()[next(iter(wrong))] is told


def test_an_interruption_loses_nothing_and_resume_flies_the_rest(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was cut short has shown nothing, though it may have been judged."""
    flights, done = flown(monkeypatch, RIGHT | {OVERSELL: 130})
    assert (done.code, flights.flown) == (130, [(GOOD, 1), (OVERSELL, 1)])
    assert words() == {GOOD: Word.QUIET}
    subprocess.run(["git", "add", "docs"], check=True, timeout=30)  # page and book are no other commit
    flights, done = flown(monkeypatch, RIGHT, "--resume")
    assert (done.code, flights.flown) == (0, [(OVERSELL, 1), (TWICE, 1)])
    flights, done = flown(monkeypatch, RIGHT, "--resume")
    assert (done.code, flights.flown) == (0, [])
    assert "nothing is left to fly" in done.out


def test_what_was_missed_stays_missed_when_nothing_is_left_to_fly(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flown(monkeypatch, RIGHT | {TWICE: Outcome.PASS})
    flights, done = flown(monkeypatch, RIGHT, "--resume")
    assert (done.code, flights.flown) == (1, [])


def test_open_runs_and_those_with_another_load_are_flown_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flown(monkeypatch, RIGHT | {TWICE: Outcome.INCONCLUSIVE})
    flights, done = flown(monkeypatch, RIGHT, "--resume")
    assert (done.code, flights.flown) == (0, [(TWICE, 1)])
    flights, done = flown(monkeypatch, RIGHT, "--resume", "--rate", "30")
    assert (done.code, len(flights.flown)) == (0, 3)
    flights, done = flown(monkeypatch, RIGHT, "--resume", "--rate", "30", "--runs", "2")
    assert (done.code, flights.flown) == (0, [(GOOD, 2), (OVERSELL, 2), (TWICE, 2)])


def test_of_a_tree_that_is_no_commit_nothing_is_left_out(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flown(monkeypatch, RIGHT)
    (here / "scenarios" / "evening.toml").write_text(EVENING + "\n# changed\n")
    for _ in range(2):
        flights, done = flown(monkeypatch, RIGHT, "--resume")
        assert len(flights.flown) == 3
        assert "nothing is left out" in done.out


def test_old_words_do_not_count_for_a_gallery_that_flew_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flown(monkeypatch, RIGHT)
    flights, done = flown(monkeypatch, RIGHT | {GOOD: SetupError("no engine answers")})
    assert (done.code, len(flights.flown)) == (10, 1)
    assert "no engine answers" in done.err
    assert len(words()) == 3


def test_what_was_proved_is_said_also_where_the_machine_gives_up(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, done = flown(monkeypatch, {GOOD: Outcome.FAIL, OVERSELL: SetupError("no room")})
    assert done.code == 1


def test_beside_a_broken_shop_nothing_more_is_flown(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights, done = flown(monkeypatch, RIGHT | {OVERSELL: Outcome.DIRTY})
    assert (done.code, len(flights.flown)) == (13, 2)
    assert words()[OVERSELL] is Word.OPEN


def test_a_book_that_cannot_be_written_hides_no_broken_shop(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SetupError("the disk is full")

    monkeypatch.setattr(Book, "enter", full)
    assert flown(monkeypatch, RIGHT)[1].code == 10
    _, done = flown(monkeypatch, RIGHT | {GOOD: Outcome.DIRTY})
    assert done.code == 13
    assert "the disk is full" in done.err


def test_a_page_that_cannot_be_written_is_known_before_the_first_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "docs").write_text("no folder")
    flights, done = flown(monkeypatch, RIGHT)
    assert (done.code, flights.flown) == (10, [])
    flights, done = flown(monkeypatch, RIGHT, "--write", "elsewhere.md")
    assert (done.code, len(flights.flown)) == (0, 3)
    assert (here / "elsewhere.jsonl").exists()


def test_a_plan_that_is_refused_starts_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "scenarios" / "other.toml").write_text(EVENING.replace("baseline_s = 10", "baseline_s = 9"))
    flights, done = flown(monkeypatch, RIGHT)
    assert (done.code, flights.flown) == (2, [])
    assert "other.toml: objectives.orders_lost: needs 10 s" in done.err
    assert not PAGE.exists()


def test_a_bad_shop_without_a_scenario_leaves_something_open(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fake_gallery import GalleryShop  # noqa: PLC0415 -- by the name under which the project imports it

    made = replace(GalleryShop().declaration, shown_in={"oversell": ("evening",)})
    monkeypatch.setattr(GalleryShop, "declaration", made)
    flights, done = flown(monkeypatch, RIGHT)
    assert (done.code, len(flights.flown)) == (12, 2)
    assert "no scenario is declared to show no_idempotency" in done.out
    assert "flown nowhere" in PAGE.read_text()
