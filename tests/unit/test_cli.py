"""The command line: what it says where nothing is, where it cannot see, and where a text wants to be more than text."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness import campaign, care, cli, gate, mend
from harness.campaign import Flown, Manner, Sortie
from harness.errors import SetupError, UsageError
from harness.model import Outcome
from harness.progress import Progress
from harness.project import find
from harness.run import Ended
from harness.scenario import parse
from harness.undo import Lock
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO
from tests.golden import ROOT
from tests.golden import project as made_project
from tests.sample_reports import sample_report

GOOD = SCENARIO + OBJECTIVES + KILL
HOSTILE = "\x1b]0;title\x07\x1b[2J\u202e"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the empty folder of runs of a project of the fake shop, in which we are."""
    found = made_project(tmp_path).runs
    found.mkdir(parents=True)
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    monkeypatch.chdir(tmp_path)
    return found


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Type a command; give its exit code."""
    monkeypatch.setattr("sys.argv", ["windtunnel", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def dead_run(runs: Path, name: str) -> care.Found:
    """Make the folder of a dead run, and find it."""
    (runs / name).mkdir()
    return care.Found(run=name, folder=runs / name, alive=False, opened=(), things=("db",), driver="process")


def test_healing_what_is_not_there_does_not_look_like_success(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run's name with a typo is a mistake; a run that left nothing is not."""
    (runs / "2026-over").mkdir()
    assert typed(monkeypatch, "heal", "2026-tpyo") == 2
    assert "2026-tpyo: there is no such run" in capsys.readouterr().err
    assert typed(monkeypatch, "heal", "2026-over") == 0
    assert "2026-over: nothing is left of it" in capsys.readouterr().out


def test_stop_wants_a_name(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest folder is that of whatever was started last, which need not be what the person means to end."""
    (runs / "2026-newest").mkdir()
    assert typed(monkeypatch, "stop", "last") == 2
    assert "stop needs the name of one run" in capsys.readouterr().err


def test_a_run_that_cannot_be_mended_does_not_keep_others_from_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as one whose guardian is at it already: it holds the lock."""
    monkeypatch.setattr(mend, "CONTROL_S", 0.0)
    both = tuple(dead_run(runs, name) for name in ("a", "b"))
    monkeypatch.setattr(care, "found", lambda _: both)
    with Lock(runs / "a" / "undo.lock"):
        assert typed(monkeypatch, "heal") == 13
    told = capsys.readouterr()
    assert "held by a living process" in told.err
    assert "b: mended and removed" in told.out


@pytest.mark.parametrize(("command", "code"), [("heal", 10), ("status", 0)])
def test_whoever_cannot_look_does_not_say_that_nothing_is_left(
    command: str, code: int, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No engine answers: its containers may be paused for all we know."""
    assert runs.is_dir()
    monkeypatch.setattr(care, "unseen", lambda _: "no engine answers")
    assert typed(monkeypatch, command) == code
    told = capsys.readouterr()
    assert "no engine answers" in told.err
    assert "nothing is left" not in told.out


@pytest.mark.parametrize("name", ["My scenario!", "ä" * 300, "UPPER", "..", "a b/c"])
def test_a_run_is_named_so_that_a_container_can_be(name: str) -> None:
    """Whatever its scenario's file is called."""
    run = campaign.run_id(parse(GOOD, f"{name}.toml").name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_.-]{,62}", run)


def test_a_page_that_cannot_be_written_at_the_end_changes_no_verdict(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it keeps none of the others from being written."""
    flying(monkeypatch, Outcome.DIRTY)
    real, place = cli._write, Path("j.xml")

    def full(path: Path | None, text: str) -> None:
        if path == place and text:
            raise SetupError("j.xml: cannot be written: No space left on device")
        real(path, text)

    monkeypatch.setattr(cli, "_write", full)
    words = ["--junit", "j.xml", "--json", "j.json", "--summary", "s.md"]
    assert typed(monkeypatch, "run", str(ROOT / "scenarios" / "calm.toml"), *words) == Outcome.DIRTY.exit_code
    assert "No space left" in capsys.readouterr().err
    assert "DIRTY" in Path("j.json").read_text()
    assert "DIRTY" in Path("s.md").read_text()


def test_yesterdays_page_does_not_outlive_a_command_that_was_refused(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("j.xml").write_text("<testsuites/>")
    assert typed(monkeypatch, "run", "no_such.toml", "--junit", "j.xml") == 2
    assert Path("j.xml").read_text() == ""


def test_texts_of_a_scenario_cannot_act_on_a_terminal(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in a plan, nor in the message that refuses one."""
    escaped = HOSTILE.encode("unicode_escape").decode().replace(r"\x", r"\u00")
    file = runs.parent / "hostile.toml"
    for text in (GOOD.replace('hypothesis = "', f'hypothesis = "{escaped}'), f'"{escaped}" = 1\n{GOOD}'):
        file.write_text(text, encoding="utf-8")
        monkeypatch.setattr("sys.argv", ["windtunnel", "plan", str(file)])
        with pytest.raises(SystemExit):
            cli.main()
        told = "".join(capsys.readouterr())
        assert "title" in told
        assert not set(HOSTILE) & set(told) - set("]0;title[2J")


def flying(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> list[str]:
    """Let the command line fly in no time, with outcomes as told; give the names of the scenarios flown so far."""
    left, flown = list(outcomes), list[str]()

    def fly(_project: object, sortie: Sortie, *_: object) -> Flown:
        flown.append(sortie.plan.scenario.name)
        return Flown(report=replace(sample_report(left.pop(0)), plan=sortie.plan), interrupted=None)

    monkeypatch.setattr(cli, "fly", fly)
    return flown


@pytest.mark.parametrize(("first", "flown"), [(Outcome.DIRTY, 1), (Outcome.FAIL, 2)])
def test_nothing_is_run_beside_a_dirty_shop(
    first: Outcome, flown: int, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is still broken there would be measured along; what was not run is said. After a FAIL the others follow."""
    ended = flying(monkeypatch, first, Outcome.PASS)
    Path("calm.toml").write_text((ROOT / "scenarios" / "calm.toml").read_text())
    assert typed(monkeypatch, "run", "calm.toml", "calm.toml") == first.exit_code
    assert len(ended) == flown
    assert ("not run: calm: the campaign ended before" in capsys.readouterr().out) == (flown == 1)


def test_the_gate_is_typed_as_ci_types_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What carries the tag is flown, the undecided once more; each page says so. What takes too long is refused whole."""
    folder = runs.parents[1] / "scenarios"
    folder.mkdir()
    for name in ("calm", "crash", "late", "lost"):
        (folder / f"{name}.toml").write_text(GOOD.replace("seed = 7", 'seed = 7\ntags = ["ci"]'))
    (folder / "other.toml").write_text(GOOD)
    flown = flying(monkeypatch, Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.FAIL, Outcome.PASS, Outcome.PASS)
    monkeypatch.setenv(gate.ACTIONS, "true")
    monkeypatch.delenv(gate.STEP_SUMMARY, raising=False)
    words = [
        "run",
        "--tag",
        "ci",
        "--max-minutes",
        "30",
        "--retry-inconclusive",
        "1",
        "--summary",
        "s.md",
        "--junit",
        "j.xml",
    ]
    assert typed(monkeypatch, *words) == 1
    assert flown == ["calm", "calm", "crash", "late", "lost"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("4 runs: about ")
    (marked,) = [line for line in printed if line.startswith("::")]
    assert marked.startswith("::error file=scenarios/crash.toml,line=")
    summary, junit = Path("s.md").read_text(), Path("j.xml").read_text()
    assert summary.startswith("## ❌ windtunnel: FAIL, 3 of 4 runs passed\n")
    assert summary.count("| ❔ INCONCLUSIVE | calm, flown again | ") == 3
    assert summary.count("| ✅ PASS | calm | all 3 ") == 1
    assert re.findall(r' name="(\w+)" package=.* failures="(\d)" errors="(\d)"', junit) == [
        ("calm", "0", "0"),
        ("crash", "1", "0"),
        ("late", "0", "0"),
        ("lost", "0", "0"),
    ]
    assert typed(monkeypatch, *("1" if word == "30" else word for word in words)) == 2
    assert "that is more than --max-minutes 1: choose fewer, or allow " in capsys.readouterr().err
    assert len(flown) == 5


def full(*_: object) -> None:
    """Stand in for what writes reports, on a full disk."""
    raise SetupError("report.html cannot be written: No space left on device")


def test_a_shop_left_broken_is_said_also_where_no_report_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full; the exit code must not say that the machine was not ready."""
    outcome, said = Outcome.DIRTY, list[str]()
    monkeypatch.setattr(campaign, "Flight", lambda *_: SimpleNamespace(fly=lambda: Ended(folder=tmp_path, interrupted=None)))
    monkeypatch.setattr(campaign, "conclude", lambda *_: sample_report(outcome))
    monkeypatch.setattr(campaign, "write", full)
    sortie = Sortie(plan=sample_report(outcome).plan, part=1, of=1)
    manner = Manner(out=tmp_path, command="windtunnel run")
    progress = cast("Progress", SimpleNamespace(show=said.append, say=said.append))
    assert campaign.fly(find(ROOT), sortie, manner, progress).report.judgement.outcome is Outcome.DIRTY
    assert said == ["windtunnel: report.html cannot be written: No space left on device"]
    outcome = Outcome.PASS
    with pytest.raises(SetupError):
        campaign.fly(find(ROOT), sortie, manner, progress)


def test_a_shop_left_broken_of_which_the_journal_could_not_tell_is_dirty_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full when it was not seen healed: nothing more may be flown beside it."""
    said = list[str]()
    ended = Ended(folder=tmp_path, interrupted=10, dirty=True)
    monkeypatch.setattr(campaign, "Flight", lambda *_: SimpleNamespace(fly=lambda: ended))
    monkeypatch.setattr(campaign, "conclude", lambda *_: sample_report(Outcome.INCONCLUSIVE))
    monkeypatch.setattr(campaign, "write", full)
    sortie = Sortie(plan=sample_report(Outcome.PASS).plan, part=1, of=1)
    progress = cast("Progress", SimpleNamespace(show=said.append, say=said.append))
    flown = campaign.fly(find(ROOT), sortie, Manner(out=tmp_path, command="windtunnel run"), progress)
    assert flown.report.judgement.outcome is Outcome.DIRTY
    assert "windtunnel heal" in said[0]


def test_an_earlier_report_is_not_the_word_on_these_runs(tmp_path: Path) -> None:
    """CI that finds the file of yesterday's PASS after a run that could not start would be green."""
    old, new = tmp_path / "old.xml", tmp_path / "new" / "new.xml"
    old.write_text("<testsuites/>")
    cli._try_writing(old, new, None)
    assert old.read_text() == ""
    assert not new.exists()


@pytest.mark.parametrize("content", [b"\xff", b"tool = 5", b"[tool]\nwindtunnel = 5", b"= ="])
def test_a_project_file_that_cannot_be_understood_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"pyproject\.toml: cannot be read"):
        find(tmp_path)


@pytest.mark.parametrize("shop", [":Shop", "tests.fakes", ".x:Y", "tests.fakes:FakeShopper"])
def test_a_shop_that_cannot_be_made_is_named(shop: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.windtunnel]\nshop = "{shop}"\n')
    with pytest.raises(UsageError, match=re.escape(shop)):
        find(tmp_path).shop()


def test_a_run_of_a_name_that_is_too_long_is_a_usage_error(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs.is_dir()
    assert typed(monkeypatch, "judge", "x" * 300) == 2
