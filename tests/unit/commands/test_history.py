"""``runs`` as it is typed: what it lists, what it removes, and what keeps it from doing so."""

from pathlib import Path

import pytest

from harness import care
from harness.archive import UNSEEN
from harness.events import Run
from harness.store import JOURNAL, LOCK, SCENARIO, JournalWriter
from harness.undo import Lock
from tests.golden import project as made_project
from tests.typing_in import typed

DAY_NS, NOON_NS = 86_400_000_000_000, 1_767_268_800_000_000_000  # 2026-01-01T12:00:00Z
HOSTILE = "calm\x1b[2J"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the empty folder of runs of a project of the fake shop, in which we are."""
    found = made_project(tmp_path).runs
    found.mkdir(parents=True)
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    monkeypatch.setattr(care, "unseen", lambda _: "")
    monkeypatch.chdir(tmp_path)
    return found


def a_run(runs: Path, day: int, *, mib: int = 1, verdicts: str = '{"outcome": "PASS"}') -> Path:
    folder = runs / f"run{day}"
    folder.mkdir()
    (folder / SCENARIO).write_text("format = 1\n")
    (folder / "verdicts.json").write_text(verdicts)
    with (folder / "orders.jsonl").open("wb") as stream:
        stream.truncate(mib * 2**20)
    journal = JournalWriter(folder / JOURNAL)
    journal.append(
        Run(
            at_ns=0,
            id=folder.name,
            command="",
            commit="",
            machine="",
            versions={},
            shop="",
            defects=(),
            seed=1,
            scale=1.0,
            wall_ns=NOON_NS + (day - 1) * DAY_NS,
            scenario=f"scenarios/{HOSTILE}.toml",
        )
    )
    journal.close()
    return folder


def names(runs: Path) -> list[str]:
    return sorted(path.name for path in runs.iterdir())


def test_runs_are_listed_newest_first(runs: Path) -> None:
    """With what is known of them, and nothing that acts on a terminal."""
    for day, verdicts in ((1, '{"outcome": "PASS"}'), (2, "{"), (3, '{"outcome": "DIRTY"}')):
        a_run(runs, day, verdicts=verdicts)
    (runs / "run2" / JOURNAL).write_text("torn")
    (runs / "notes").mkdir()
    with Lock(runs / "run3" / LOCK):
        done = typed("runs")
    rows = {line.split()[0]: line for line in done.out.splitlines()}
    assert done.code == 0
    assert rows["run3"].split()[1:] == ["2026-01-03T12:00:00Z", r"calm\x1b[2J", "DIRTY", "1.0", "MiB", "lives"]
    assert rows["run1"].split()[1:] == ["2026-01-01T12:00:00Z", r"calm\x1b[2J", "PASS", "1.0", "MiB"]
    assert "unknown start" in rows["run2"]
    assert "not judged" in rows["run2"]
    assert done.out.splitlines()[-1] == "3 run(s), 3.0 MiB"
    assert names(runs) == ["notes", "run1", "run2", "run3"]


def test_without_being_asked_nothing_is_removed(runs: Path) -> None:
    for day in range(1, 56):
        a_run(runs, day)
    assert typed("runs").code == 0
    assert len(names(runs)) == 55
    done = typed("runs", "--prune")
    assert (done.code, done.out.splitlines()) == (
        0,
        [*(f"run{day}: removed" for day in range(1, 6)), "removed 5; 50 run(s), 50.0 MiB"],
    )


def test_the_size_is_bounded_too(runs: Path) -> None:
    for day in (1, 2, 3):
        a_run(runs, day, mib=2048)  # files with a hole: they take no room here
    done = typed("runs", "--prune")
    assert done.out.splitlines() == ["run1: removed", "removed 1; 2 run(s), 4,096.0 MiB"]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--keep", "1"), ["run4"]),
        (("--max-gib", "4.5"), ["run3", "run4"]),
        (("--keep", "3", "--max-gib", "100"), ["run2", "run3", "run4"]),
        (("--keep", "3", "--max-gib", "2.1"), ["run4"]),
        (("--keep", "4"), ["run1", "run2", "run3", "run4"]),
        (("--keep", "0"), []),
    ],
)
def test_a_bound_that_is_named_is_the_only_one(words: tuple[str, ...], left: list[str], runs: Path) -> None:
    """Whoever wants to keep four runs does not want to lose one because they are large."""
    for day in (1, 2, 3, 4):
        a_run(runs, day, mib=2048)
    assert typed("runs", "--prune", *words).code == 0
    assert names(runs) == left


@pytest.mark.parametrize(
    "words", [("--keep", "1"), ("--max-gib", "1"), ("--prune", "--keep", "-1"), ("--prune", "--keep", "x")]
)
def test_a_bound_that_means_nothing_removes_nothing(words: tuple[str, ...], runs: Path) -> None:
    a_run(runs, 1)
    a_run(runs, 2)
    assert typed("runs", *words).code == 2
    assert names(runs) == ["run1", "run2"]


def test_where_the_bound_cannot_hold_it_is_said_why(runs: Path) -> None:
    a_run(runs, 1)
    a_run(runs, 2)
    with Lock(runs / "run1" / LOCK):
        done = typed("runs", "--prune", "--keep", "0")
    assert (done.code, names(runs)) == (10, ["run1"])
    assert done.out.splitlines() == ["run2: removed", "removed 1; 1 run(s), 1.0 MiB"]
    assert done.err.splitlines() == ["windtunnel: the bound does not hold: these stay:", "    run1: lives"]


def test_where_nobody_can_look_nothing_is_removed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "unseen", lambda _: "no engine answers")
    a_run(runs, 1)
    assert UNSEEN in typed("runs").out
    done = typed("runs", "--prune", "--keep", "0")
    assert (done.code, names(runs)) == (10, ["run1"])
    assert f"run1: {UNSEEN}" in done.err


def test_no_runs_are_no_trouble(runs: Path) -> None:
    runs.rmdir()
    assert typed("runs").out == "0 run(s), 0.0 MiB\n"
    assert typed("runs", "--prune").out == "removed 0; 0 run(s), 0.0 MiB\n"
