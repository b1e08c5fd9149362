"""The heap of stored runs: told as they are, and pruned without touching what is still needed or is no run."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import archive, care
from harness.archive import UNSEEN, Bound, Kept, prune, stored
from harness.conclude import VERDICTS
from harness.drivers import Leftover, process
from harness.events import Run
from harness.mark import STANDING
from harness.model import Break, Outcome, Undo
from harness.shop import Residence, Thing
from harness.store import JOURNAL, LOCK, SCENARIO, UNDO, JournalWriter, write_site
from harness.undo import Lock, UndoLog

NOON_NS, DAY_NS = 1_767_268_800_000_000_000, 86_400_000_000_000  # 2026-01-01T12:00:00Z
THAW = Undo(verb="unpause", on="db", args={"instance": "db"})


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no engine: all runs here are of plain processes."""
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})


def a_run(runs: Path, day: int, *, name: str = "", size: int = 1000, outcome: str = "PASS") -> Path:
    """Store a run that started on that day of January, of about so many bytes."""
    folder = runs / (name or f"run{day}")
    (folder / "logs").mkdir(parents=True)
    (folder / SCENARIO).write_text("format = 1\n")
    (folder / "logs" / "db.log").write_bytes(b"x" * size)
    (folder / "verdicts.json").write_text(f'{{"outcome": "{outcome}"}}')
    write_site(folder, Residence(run=folder.name, driver="process", things=()))
    journal = JournalWriter(folder / JOURNAL)
    journal.append(first(folder.name, NOON_NS + (day - 1) * DAY_NS))
    journal.close()
    return folder


def first(run: str, wall_ns: int) -> Run:
    """Give the first record of a run."""
    return Run(
        at_ns=0,
        id=run,
        command="windtunnel run",
        commit="",
        machine="",
        versions={},
        shop="tests.fake_shop:FakeShop",
        defects=(),
        seed=1,
        scale=1.0,
        wall_ns=wall_ns,
        scenario="scenarios/calm.toml",
    )


def leave_open(folder: Path) -> None:
    UndoLog(folder / UNDO).perform("s", Break(undo=(THAW,), act=lambda: None), 0, lambda: None, lambda: 0)


def names(runs: Sequence[Kept]) -> list[str]:
    return [run.folder.name for run in runs]


def pruned(runs: Path, bound: Bound) -> tuple[list[str], list[str]]:
    """Prune; give what stayed, and what was said."""
    said: list[str] = []
    return names(prune(stored(runs), bound, said.append)), said


def test_runs_are_told_newest_first_as_they_are(tmp_path: Path) -> None:
    a_run(tmp_path, 1, name="z")
    a_run(tmp_path, 3, name="a", outcome="DIRTY")
    a_run(tmp_path, 2, name="m", outcome="FAIL")
    found = stored(tmp_path)
    assert names(found) == ["a", "m", "z"]
    assert [run.outcome for run in found] == [Outcome.DIRTY, Outcome.FAIL, Outcome.PASS]
    assert found[2].started_ns == NOON_NS
    assert {run.scenario for run in found} == {"calm"}
    assert all(1000 < run.size_bytes < 3000 for run in found)
    assert {run.needed for run in found} == {""}
    assert stored(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("verdicts", ['{"outcome": "GREAT"}', "{", "[]", '{"outcome": 1}', "\udcff"])
def test_a_word_that_is_no_outcome_is_none(verdicts: str, tmp_path: Path) -> None:
    (a_run(tmp_path, 1) / "verdicts.json").write_text(verdicts, errors="surrogateescape")
    assert stored(tmp_path)[0].outcome is None


@pytest.mark.parametrize("journal", [b"", b"{}\n", b"\xff\xfe\n", b'{"n":0,"kind":"run"'])
def test_a_run_that_does_not_tell_its_start_is_ordered_by_its_folder(journal: bytes, tmp_path: Path) -> None:
    """An old one must not be taken for the newest, nor for the oldest."""
    for day in (1, 3):
        a_run(tmp_path, day)
    odd = a_run(tmp_path, 2)
    (odd / JOURNAL).write_bytes(journal)
    os.utime(odd, ns=(0, NOON_NS + DAY_NS))
    found = stored(tmp_path)
    assert names(found) == ["run3", "run2", "run1"]
    assert (found[1].started_ns, found[1].scenario) == (None, "")


def test_the_oldest_go_until_the_number_holds(tmp_path: Path) -> None:
    for day in range(1, 6):
        a_run(tmp_path, day)
    assert pruned(tmp_path, Bound(runs=3, size_bytes=None)) == (["run5", "run4", "run3"], ["run1: removed", "run2: removed"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run3", "run4", "run5"]
    assert pruned(tmp_path, Bound(runs=3, size_bytes=None)) == (["run5", "run4", "run3"], [])


def test_the_oldest_go_until_the_size_holds(tmp_path: Path) -> None:
    for day, size in ((1, 10), (2, 50_000), (3, 10), (4, 10)):
        a_run(tmp_path, day, size=size)
    assert pruned(tmp_path, Bound(runs=None, size_bytes=40_000))[0] == ["run4", "run3"]
    assert pruned(tmp_path, Bound(runs=0, size_bytes=None))[0] == []


def test_what_still_needs_its_folder_stays_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However old: a run that lives, one with an open undo, one of which something is on this machine."""
    for day, name in enumerate(("living", "open", "kept", "over", "new"), 1):
        a_run(tmp_path, day, name=name)
    leave_open(tmp_path / "open")
    kept = Leftover(run="kept", lock=tmp_path / "kept" / LOCK, things=("db",))
    monkeypatch.setattr(process, "leftovers", lambda: (kept,))
    with Lock(tmp_path / "living" / LOCK):
        found = {run.folder.name: run.needed for run in stored(tmp_path)}
        left, said = pruned(tmp_path, Bound(runs=1, size_bytes=None))
    assert found == {
        "living": "lives",
        "open": "dirty: 1 open undo(s)",
        "kept": "1 thing(s) left on this machine",
        "over": "",
        "new": "",
    }
    assert (left, said) == (["kept", "open", "living"], ["over: removed", "new: removed"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "living", "open"]


def test_a_run_that_begins_to_live_meanwhile_stays(tmp_path: Path) -> None:
    """Somebody heals it, say: its lock is looked at once more when it is removed."""
    a_run(tmp_path, 1)
    runs, said = stored(tmp_path), list[str]()
    with Lock(tmp_path / "run1" / LOCK):
        assert names(prune(runs, Bound(runs=0, size_bytes=None), said.append)) == ["run1"]
    assert "run1: cannot be removed: " in said[0]
    assert (tmp_path / "run1" / "verdicts.json").exists()


def test_where_nobody_can_tell_what_is_left_nothing_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "unseen", lambda _: "no engine answers")
    a_run(tmp_path, 1)
    assert stored(tmp_path)[0].needed == UNSEEN
    assert pruned(tmp_path, Bound(runs=0, size_bytes=None)) == (["run1"], [])


def test_what_is_no_run_folder_is_neither_told_nor_touched(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    elsewhere = a_run(tmp_path / "elsewhere", 1)
    a_run(runs, 2)
    (runs / "notes").mkdir()
    (runs / "notes" / "mine.txt").write_text("mine")
    (runs / "lonely").mkdir()
    (runs / "lonely" / SCENARIO).write_text("format = 1\n")
    (runs / "journal").mkdir()
    (runs / "journal" / JOURNAL).write_text("")
    (runs / "README.md").write_text("mine")
    (runs / "dark").mkdir()
    (runs / "dark" / LOCK).symlink_to(LOCK)  # neither there nor not: nobody can look at it
    (runs / "linked").symlink_to(elsewhere)
    assert names(stored(runs)) == ["run2"]
    assert pruned(runs, Bound(runs=0, size_bytes=None))[0] == []
    assert sorted(path.name for path in runs.iterdir()) == ["README.md", "dark", "journal", "linked", "lonely", "notes"]
    assert (elsewhere / JOURNAL).exists()


@pytest.mark.parametrize("name", [STANDING, LOCK])
def test_a_shop_put_up_by_hand_is_told_and_goes_when_it_is_down(name: str, tmp_path: Path) -> None:
    """It has no scenario. While it stands it is needed where a part of it runs."""
    folder = tmp_path / "up1"
    (folder / "loads").mkdir(parents=True)
    (folder / name).write_text("{}")
    pid_file = folder / "db.pid"
    pid_file.touch()
    thing = Thing(name="db", ref=str(pid_file), state={})
    write_site(folder, Residence(run="up1", driver="process", things=(thing,)))
    (run,) = stored(tmp_path)
    assert (run.folder, run.scenario, run.outcome) == (folder, "", None)
    assert run.needed == ("stands" if name == STANDING else "1 thing(s) left on this machine")
    assert pruned(tmp_path, Bound(runs=0, size_bytes=None)) == (["up1"], [])
    pid_file.unlink()
    assert pruned(tmp_path, Bound(runs=0, size_bytes=None)) == ([], ["up1: removed"])
    assert not folder.exists()


def test_a_link_inside_a_run_is_removed_and_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    (a_run(tmp_path / "runs", 1) / "logs" / "linked").symlink_to(mine)
    (tmp_path / "runs" / "run1" / "linked").symlink_to(mine)
    assert pruned(tmp_path / "runs", Bound(runs=0, size_bytes=None))[0] == []
    assert (mine / "file").read_text() == "mine"


def test_what_was_removed_half_is_still_a_run_and_goes_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_run(tmp_path, 1)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied", "logs")

    with monkeypatch.context() as changed:
        changed.setattr(shutil, "rmtree", refuse)
        left, said = pruned(tmp_path, Bound(runs=0, size_bytes=None))
    assert (left, "cannot be removed: [Errno 13] Permission denied" in said[0]) == (["run1"], True)
    assert archive.is_run(folder)
    assert pruned(tmp_path, Bound(runs=0, size_bytes=None)) == ([], ["run1: removed"])
    assert not folder.exists()


@pytest.mark.parametrize("text", [b"", b'{"outcome":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_damaged_verdicts_have_no_outcome(text: bytes, tmp_path: Path) -> None:
    (tmp_path / VERDICTS).write_bytes(text)
    assert archive.outcome(tmp_path) is None
