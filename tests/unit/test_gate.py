"""The gate: what is chosen, what is refused, what is flown again, and what CI is told."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness import gate
from harness.campaign import Change, Flown, Sortie, planned
from harness.errors import SetupError, UsageError
from harness.gate import Passage, annotations, chosen, line_of, pass_through, summarize, told
from harness.model import Outcome, Verdict
from harness.project import Project, find
from harness.reporters import json, junit
from tests.golden import ROOT
from tests.sample_reports import sample_report

MINUTE_NS = 60_000_000_000
CALM = ROOT / "scenarios" / "calm.toml"


@pytest.fixture
def project() -> Project:
    return find(ROOT)


def sorties(count: int) -> tuple[Sortie, ...]:
    """Plan the calm evening several times."""
    return planned(find(ROOT), [CALM] * count, Change())


class Flights:
    """Flies in no time, with outcomes as told; the clock says that each took a minute."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, outcomes: Sequence[Outcome], interrupted: int | None = None) -> None:
        self.outcomes, self.flown, self.interrupted = list(outcomes), list[Sortie](), interrupted
        monkeypatch.setattr(gate, "monotonic_ns", lambda: len(self.flown) * MINUTE_NS)

    def fly(self, sortie: Sortie) -> Flown:
        """Fly one."""
        self.flown.append(sortie)
        return Flown(report=sample_report(self.outcomes.pop(0)), interrupted=self.interrupted)


def test_a_tag_chooses_among_all_scenarios_or_those_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ci = {path.stem for path in chosen(project, [], "ci")}
    assert {"db_primary_lost", "calm"} <= ci
    assert "db_frozen" not in ci
    assert chosen(project, [CALM], "ci") == (CALM,)
    assert all(not path.is_absolute() for path in chosen(project, [], "ci"))


@pytest.mark.parametrize(
    ("files", "tag", "said"),
    [([], None, "name scenario files"), ([CALM], "storefront", "no scenario carries it; known here: calm, ci")],
)
def test_a_gate_that_would_fly_nothing_is_refused(files: list[Path], tag: str | None, said: str, project: Project) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(project, files, tag)


def test_the_gate_that_the_documents_show_is_not_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that carries ``ci``, within the minutes that they name."""
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"--tag ci --max-minutes (\d+)", text))
    assert len(shown) == 1
    assert "runs: about " in told(planned(project, chosen(project, [], "ci"), Change()), float(shown.pop()))


def test_what_takes_too_long_is_refused_with_the_time_to_allow() -> None:
    two = sorties(2)
    assert told(two, None).startswith("2 runs: about ")
    with pytest.raises(UsageError, match=r"more than --max-minutes 2: choose fewer, or allow (\d+)") as refused:
        told(two, 2)
    told(two, float(str(refused.value).rpartition(" ")[2]))


def test_all_are_flown_and_the_worst_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(monkeypatch, [Outcome.PASS, Outcome.FAIL, Outcome.PASS])
    passage = pass_through(sorties(3), flights.fly)
    assert (len(passage.final), passage.not_flown, passage.exit_code) == (3, [], 1)


def test_what_was_not_decided_is_flown_again_a_failure_never(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(monkeypatch, [Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.FAIL])
    passage = pass_through(sorties(2), flights.fly, again=1)
    assert [report.judgement.outcome for report in passage.final] == [Outcome.PASS, Outcome.FAIL]
    assert len(passage.reports) == 3
    assert passage.exit_code == 1


def test_it_is_flown_again_so_often_and_no_oftener(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(monkeypatch, [Outcome.INCONCLUSIVE] * 3)
    passage = pass_through(sorties(1), flights.fly, again=2)
    assert (len(passage.reports), len(passage.final), passage.exit_code) == (3, 1, 12)


def test_what_would_not_end_in_time_is_not_begun_and_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes the clock a minute, and is expected to take about two."""
    flights = Flights(monkeypatch, [Outcome.PASS] * 2)
    passage = pass_through(sorties(3), flights.fly, minutes=3.5)
    assert len(passage.final) == 2
    assert passage.not_flown == ["calm: the 3.5 minutes are used up"]
    assert passage.exit_code == 12


def test_for_another_attempt_too_there_must_be_time(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(monkeypatch, [Outcome.INCONCLUSIVE])
    passage = pass_through(sorties(1), flights.fly, minutes=2.5, again=3)
    assert (len(passage.reports), passage.not_flown, passage.exit_code) == (1, [], 12)


@pytest.mark.parametrize(
    ("outcome", "interrupted", "code"),
    [(Outcome.DIRTY, None, 13), (Outcome.INCONCLUSIVE, 130, 130), (Outcome.DIRTY, 143, 13), (Outcome.PASS, 11, 11)],
)
def test_nothing_more_is_flown_beside_a_broken_shop_or_after_an_interruption(
    outcome: Outcome, interrupted: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = Flights(monkeypatch, [outcome], interrupted)
    passage = pass_through(sorties(2), flights.fly, again=3)
    assert passage.not_flown == ["calm: the campaign ended before"]
    assert passage.exit_code == code


def test_the_summary_goes_where_it_is_told_and_to_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file is shared by the steps of a job: what stands there stays."""
    passage = Passage(reports=[sample_report(Outcome.PASS)], final=[sample_report(Outcome.PASS)])
    collected, own = tmp_path / "collected.md", tmp_path / "new" / "own.md"
    monkeypatch.delenv(gate.STEP_SUMMARY, raising=False)
    summarize(passage, None)
    monkeypatch.setenv(gate.STEP_SUMMARY, str(collected))
    collected.write_text("before\n")
    summarize(passage, own)
    assert own.read_text().startswith("## ✅ windtunnel: PASS")
    assert collected.read_text() == "before\n" + own.read_text()
    summarize(passage, None)
    with pytest.raises(SetupError, match="cannot be written"):
        summarize(passage, tmp_path)
    assert collected.read_text() == "before\n" + own.read_text() * 3


def test_annotations_mark_the_line_that_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gate.ACTIONS, "true")
    report = sample_report(Outcome.FAIL)
    (line,) = annotations(Passage(final=[report]))
    number = report.plan.scenario.text.splitlines().index("rto = { budget_s = 45, contract_s = 900 }") + 1
    assert line.startswith(f"::error file=scenarios/db_primary_lost.toml,line={number},title=FAIL rto::Not by itself")


@pytest.mark.parametrize(
    ("objective", "line"),
    [
        ("rto", "rto = { budget_s = 45, contract_s = 900 }"),
        ("blast_radius", 'blast_radius = ["orders_db", "storefront"]'),
        ("healed", "[[steps]]"),
        ("before.goodput", ""),
    ],
)
def test_what_every_run_is_asked_has_a_line_too(objective: str, line: str) -> None:
    text = sample_report(Outcome.FAIL).plan.scenario.text
    assert text.splitlines()[line_of(text, objective) - 1] == line


def test_annotations_cannot_be_broken_out_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gate.ACTIONS, "true")
    text = "a,b::c%\r\n::error::d"
    report = sample_report(Outcome.FAIL)
    verdict = Verdict(objective=text, outcome=Outcome.FAIL, because=text, measured={}, limit={}, evidence=1, needed=1)
    report = replace(report, judgement=replace(report.judgement, verdicts=(verdict,)))
    (line,) = annotations(Passage(final=[report]))
    assert "\n" not in line
    assert "\r" not in line
    assert line.count("::error") == 2  # the command, and the text that only looks like one
    assert "title=FAIL a%2Cb%3A%3Ac%25" in line


def test_elsewhere_nothing_is_annotated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gate.ACTIONS, raising=False)
    assert not list(annotations(Passage(final=[sample_report(Outcome.FAIL)])))


def test_a_machine_that_fails_half_way_takes_no_verdict_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a bug of ours. What was flown is told; the exit code is that of a broken promise, where one is proved."""
    for trouble, codes in ((SetupError("what it was"), (1, 10, 10)), (RuntimeError("what it was"), (1, 12, 12))):
        for first, code in zip((Outcome.FAIL, Outcome.PASS, Outcome.INCONCLUSIVE), codes, strict=True):
            flights = Flights(monkeypatch, [first])

            def fly(sortie: Sortie, flights: Flights = flights, trouble: Exception = trouble) -> Flown:
                if flights.flown:
                    raise trouble
                return flights.fly(sortie)

            passage = pass_through(sorties(3), fly)
            assert (len(passage.final), passage.exit_code, passage.trouble) == (1, code, trouble)
            assert passage.not_flown == ["calm: what it was"] * 2


def test_what_ci_reads_is_no_greener_than_the_command() -> None:
    report = sample_report(Outcome.PASS)
    cases = junit.render_all([report], ["calm: the 3 minutes are used up"])
    assert 'errors="1"' in cases
    assert "calm: the 3 minutes are used up" in cases
    assert '"outcome": "INCONCLUSIVE"' in json.render_all([report], ["calm"]).split('"runs"')[0]


def test_scenarios_in_folders_of_their_own_are_chosen_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scenarios" / "db").mkdir(parents=True)
    (tmp_path / "scenarios" / "db" / "calm.toml").write_text(CALM.read_text())
    monkeypatch.chdir(tmp_path)
    assert [path.stem for path in chosen(Project(root=tmp_path, shop_name=""), [], "ci")] == ["calm"]
