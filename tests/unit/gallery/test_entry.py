"""What a run of a gallery has shown: caught, by whom, missed, open; and what that makes of the exit code."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.duplicated import Duplicated
from harness.conclude import conclude
from harness.gallery.entry import LONGEST, Entry, Word, entry, exit_code, word
from harness.history import History
from harness.model import Judgement, Outcome, Verdict
from harness.plan import plan
from harness.planned import Plan
from harness.report import Report
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO
from tests.golden import project, unpack

PASS, FAIL, OPEN, DIRTY = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.DIRTY
SCENE = SCENARIO + OBJECTIVES.replace("oversold = {}", 'sold = { kind = "oversold" }\nagain = { kind = "oversold" }') + KILL


def a_plan(*defects: str) -> Plan:
    return plan(parse(SCENE, "scenarios/lost.toml"), DECLARATION, defects=defects)


def judgement(**outcomes: Outcome) -> Judgement:
    """Judge as told; whatever is not named is PASS."""
    said = {one.id: PASS for one in a_plan().objectives} | {"healed": PASS} | outcomes
    verdicts = tuple(
        Verdict(objective=name, outcome=one, because=f"Why {name}.", measured={}, limit={}, evidence=1, needed=1)
        for name, one in said.items()
    )
    return Judgement(outcome=max(said.values()), verdicts=verdicts, doubts=())


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({"sold": FAIL}, Word.CAUGHT),
        ({"again": FAIL}, Word.CAUGHT),  # whatever the objective is called, its kind is meant
        ({"sold": FAIL, "rto": FAIL, "redundancy": OPEN}, Word.CAUGHT),
        ({"rto": FAIL}, Word.ANOTHER),
        ({"rto": FAIL, "sold": OPEN}, Word.ANOTHER),
        ({}, Word.MISSED),
        ({"sold": OPEN}, Word.OPEN),
        ({"rto": OPEN}, Word.OPEN),
        ({"sold": FAIL, "healed": DIRTY}, Word.OPEN),
        ({"healed": DIRTY}, Word.OPEN),
    ],
)
def test_a_bad_shop_is_caught_only_where_the_kind_that_is_meant_failed(outcomes: dict[str, Outcome], told: Word) -> None:
    assert word(a_plan("oversell"), judgement(**outcomes)) is told


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({}, Word.QUIET),
        ({"sold": FAIL}, Word.ALARM),
        ({"rto": FAIL, "sold": OPEN}, Word.ALARM),
        ({"sold": OPEN}, Word.OPEN),
        ({"healed": DIRTY}, Word.OPEN),
    ],
)
def test_the_good_shop_is_quiet_or_blamed(outcomes: dict[str, Outcome], told: Word) -> None:
    assert word(a_plan(), judgement(**outcomes)) is told


def golden(name: str, into: Path) -> Report:
    """Judge a stored run of the fake shop, as a run is judged when it has been flown."""
    there = project(into)
    return conclude(unpack(name, there), there)


def test_real_runs_of_bad_shops_are_caught_and_of_the_good_one_are_not_blamed(tmp_path: Path) -> None:
    lost = entry(golden("no_failover", tmp_path / "a"), 1, commit="c1")
    twice = entry(golden("no_idempotency", tmp_path / "b"), 2, commit="c1")
    good = entry(golden("primary_lost", tmp_path / "c"), 1, commit="c1")
    assert [one.word for one in (lost, twice, good)] == [Word.CAUGHT, Word.CAUGHT, Word.QUIET]
    assert (lost.meant, lost.meant_outcome, lost.failed) == ("rto", "FAIL", ("rto",))
    assert lost.seen.startswith("rto FAIL: Not by itself")
    assert twice.key == ("no_idempotency", "sent_twice", 2)
    assert (good.meant, good.meant_outcome, good.seen) == ("", "", "every objective PASS")
    assert exit_code([one.key for one in (lost, twice, good)], {one.key: one for one in (lost, twice, good)}) == 0
    assert all(one.duration_s > 10 and one.began and one.run and one.commit == "c1" for one in (lost, twice, good))


def test_a_judge_who_is_blind_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run in which orders were placed twice, with the one check put out that sees it."""

    def blind(_: Duplicated, __: History) -> Verdict:
        return Verdict(objective="", outcome=PASS, because="Fine.", measured={}, limit={}, evidence=1, needed=1)

    monkeypatch.setattr(Duplicated, "check", blind)
    missed = entry(golden("no_idempotency", tmp_path), 1, commit="c1")
    assert (missed.word, missed.meant_outcome) == (Word.MISSED, "PASS")
    assert missed.seen == "duplicated PASS: Fine."
    assert exit_code([missed.key], {missed.key: missed}) == 1


def an_entry(told: Word, defect: str = "oversell", meant_outcome: str = "PASS") -> Entry:
    return Entry(
        defect=defect,
        scenario="lost",
        part=1,
        word=told,
        meant="oversold" if defect else "",
        meant_outcome=meant_outcome if defect else "",
        outcome="FAIL",
        failed=(),
        undecided=(),
        seen="",
        orders_per_s=1,
        commit="c1",
        machine="m",
        began="",
        duration_s=1,
        run="r",
    )


CAUGHT, QUIET = an_entry(Word.CAUGHT), an_entry(Word.QUIET, "")
OTHER = replace(CAUGHT, defect="no_failover")


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (OTHER, 0),
        (replace(OTHER, word=Word.MISSED), 1),
        (replace(OTHER, word=Word.ANOTHER), 1),
        (replace(OTHER, word=Word.ANOTHER, meant_outcome="INCONCLUSIVE"), 12),
        (replace(OTHER, word=Word.OPEN), 12),
        (replace(QUIET, word=Word.ALARM, part=2), 1),
        (replace(QUIET, word=Word.OPEN, part=2), 12),
    ],
)
def test_the_exit_code_is_that_of_the_worst(one: Entry, code: int) -> None:
    entries = {entered.key: entered for entered in (CAUGHT, QUIET, one)}
    assert exit_code([*entries], entries) == code
    assert one.decided is (code != 12)


def test_what_was_not_flown_stays_open_but_does_not_hide_what_was_proved() -> None:
    missed = replace(OTHER, word=Word.MISSED)
    asked = [CAUGHT.key, QUIET.key, OTHER.key]
    assert exit_code(asked, {CAUGHT.key: CAUGHT, QUIET.key: QUIET}) == 12
    assert exit_code(asked, {CAUGHT.key: CAUGHT, missed.key: missed}) == 1


def test_nothing_caught_is_nothing_shown() -> None:
    assert exit_code([], {}) == 12
    assert exit_code([QUIET.key], {QUIET.key: QUIET}) == 12


def test_what_was_seen_is_one_line_that_acts_on_no_terminal() -> None:
    """It names first what was meant, then what failed beside it."""
    made, said = a_plan("oversell"), judgement(rto=FAIL, redundancy=OPEN)
    bad = replace(said, verdicts=tuple(replace(one, because="\x1b[2J\nx" * 200) for one in said.verdicts))
    for judged in (said, bad):
        report = Report(plan=made, history=_history(), judgement=judged, logs={}, folder=Path("reports/runs/r1"))
        seen = entry(report, 1, commit="").seen
        assert seen.isprintable()
        assert seen.startswith("sold PASS: ")
        assert len(seen) < 5 * LONGEST  # what is spelled out grows
    assert (
        "rto FAIL: Why rto.; redundancy INCONCLUSIVE"
        in entry(Report(plan=made, history=_history(), judgement=said, logs={}, folder=Path("r1")), 1, commit="").seen
    )


def _history() -> History:
    return History(
        declaration=DECLARATION,
        scenario=a_plan().scenario,
        events=(),
        ledger=None,  # type: ignore[arg-type]  # nobody looks at it
        audit=None,
        lost=None,  # type: ignore[arg-type]  # the same
        integrity=(),
        window=None,  # type: ignore[arg-type]  # the same
    )
