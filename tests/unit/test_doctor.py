"""The doctor: every look is bounded and none hides another; what makes a run impossible is told from what is a warning."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from harness import care, doctor, drivers, mark
from harness.doctor import Look, examine, looked
from harness.drivers import Leftover, process
from harness.errors import ControlError, SetupError, UsageError
from harness.finding import Finding, Level
from harness.mark import Standing
from harness.model import Break, Outcome, Undo
from harness.project import Project
from harness.store import LOCK, SCENARIO, UNDO
from harness.undo import Lock, UndoLog
from tests.fake_engine import nobody, serving
from tests.golden import project as made_project

THAW = Undo(verb="unpause", on="db", args={"instance": "db"})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project of the fake shop, on a machine of its own: no engine is asked, no lock of this machine is taken."""
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return made_project(tmp_path / "project")


def finding(project: Project, what: str) -> Finding:
    """Take the one look that gives this finding; give it."""
    name = {"quarantine": "leftovers", "processes": "engine"}.get(what, what)
    look = next(look for look in doctor.looks(project) if look.what == name)
    return next(one for one in looked(look) if one.what == what)


def a_dead_run(project: Project, name: str, outcome: Outcome | None = None) -> Path:
    folder = project.runs / name
    folder.mkdir(parents=True)
    (folder / SCENARIO).write_text("format = 1\n")
    if outcome is not None:
        (folder / "verdicts.json").write_text(f'{{"outcome": "{outcome.name}"}}')
    return folder


def test_each_thing_is_looked_at_once_and_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.vitals.pause", lambda _: None)
    seen = [one.what for one in examine(project)]
    shop = ["system", "shop", "processes", "images", "browser"]
    machine = ["cores", "memory", "run folders", "foreign CPU", "clock source", "wall clock", "proxies", "CA bundle"]
    assert seen == [*shop, *machine, "leftovers", "quarantine", "locks"]


@pytest.mark.parametrize(("vital", "level"), [(True, Level.IMPOSSIBLE), (False, Level.WARNING)])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ZeroDivisionError("by zero"), "the look crashed: ZeroDivisionError: by zero"),
        (SetupError("no engine answers"), "no engine answers"),
        (FileNotFoundError(2, "No such file", "/proc/stat"), "the look crashed: FileNotFoundError: [Errno 2]"),
    ],
)
def test_a_look_that_fails_is_a_finding_that_says_so(
    error: Exception,
    told: str,
    vital: bool,
    level: Level,
) -> None:
    """Where nobody can tell whether a run could start, it is not said that one can."""

    def fails() -> tuple[Finding, ...]:
        raise error

    (seen,) = looked(Look(what="it", look=fails, vital=vital))
    assert (seen.what, seen.level) == ("it", level)
    assert seen.found.startswith(f"could not be looked at: {told}")


def test_a_look_that_does_not_end_is_a_finding_that_says_so() -> None:
    never = Event()

    def waits() -> tuple[Finding, ...]:
        never.wait(60)
        return ()

    (seen,) = looked(Look(what="it", look=waits, vital=True), within_s=0.05)
    never.set()
    assert (seen.level, seen.found) == (Level.IMPOSSIBLE, "could not be looked at: no answer within 0.05 s")


@pytest.mark.parametrize("what", ["shop", "engine", "images"])
def test_a_shop_that_cannot_be_made_makes_a_run_impossible(what: str, tmp_path: Path) -> None:
    """Such as one whose libraries are not installed."""
    seen = finding(Project(root=tmp_path, shop_name="tests.fakes:NoSuchShop"), what)
    assert (seen.level, "NoSuchShop" in seen.found) == (Level.IMPOSSIBLE, True)


def test_a_shop_without_images_says_so(project: Project) -> None:
    assert finding(project, "images").found == "the shop needs none"
    assert finding(project, "shop").found == "fake shop, on process"


def test_missing_images_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(root=tmp_path, shop_name="tests.fake_engine:ImagedShop")
    with serving(tmp_path, monkeypatch) as engine:
        engine.images = {"shop/db:1": 1}
        seen = finding(project, "images")
        assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, "windtunnel images build")
        assert seen.found == "missing: shop/web:2; present: shop/db:1"
        engine.images["shop/web:2"] = 1
        seen = finding(project, "images")
        assert (seen.level, seen.found) == (Level.OK, "present: shop/db:1, shop/web:2")


def test_without_an_engine_nobody_knows_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(root=tmp_path, shop_name="tests.fake_engine:ImagedShop")
    with nobody(tmp_path, monkeypatch):
        seen = finding(project, "images")
    assert seen.level is Level.IMPOSSIBLE
    assert seen.found.startswith("could not be looked at: no Docker engine answers")


def test_images_on_a_driver_without_any_are_a_mistake_of_the_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "DRIVERS", {"docker": "harness.drivers.process"})
    seen = finding(Project(root=tmp_path, shop_name="tests.fake_engine:ImagedShop"), "images")
    assert (seen.level, "its driver 'docker' knows none" in seen.found) == (Level.IMPOSSIBLE, True)


def test_a_folder_of_runs_that_cannot_be_made_is_told(project: Project) -> None:
    """A file stands where it would be."""
    assert finding(project, "run folders").level is Level.OK
    (project.root / "reports").write_text("no folder")
    seen = finding(project, "run folders")
    assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, "windtunnel run --out FOLDER")


def test_a_folder_that_may_not_be_written_to_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert finding(project, "run folders").level is Level.IMPOSSIBLE


@pytest.mark.parametrize(("least_gib", "level"), [(0.0, Level.WARNING), (1e9, Level.IMPOSSIBLE)])
def test_a_full_disk_is_told(least_gib: float, level: Level, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TIGHT_GIB", 1e9)
    monkeypatch.setattr(doctor, "LEAST_GIB", least_gib)
    assert finding(project, "run folders").level is level


def test_nothing_is_left_where_nothing_was(project: Project) -> None:
    assert [finding(project, what).found for what in ("leftovers", "quarantine")] == ["none", "none"]


def test_what_dead_runs_left_is_told_from_what_is_kept_for_people(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an open undo or DIRTY it is in quarantine; else it only takes room. A run that lives is neither."""
    UndoLog(a_dead_run(project, "open") / UNDO).perform(
        "s", Break(undo=(THAW,), act=lambda: None), 0, lambda: None, lambda: 0
    )
    left = [
        Leftover(run=name, lock=a_dead_run(project, name, outcome) / LOCK, things=(f"{name}-db",))
        for name, outcome in (("dirty", Outcome.DIRTY), ("killed", None), ("living", None))
    ]
    monkeypatch.setattr(process, "leftovers", lambda: tuple(left))
    with Lock(project.runs / "living" / LOCK):
        leftovers, quarantine = (finding(project, what) for what in ("leftovers", "quarantine"))
    assert (leftovers.level, leftovers.found) == (Level.WARNING, "killed: 0 open undo(s), 1 thing(s) on this machine")
    assert quarantine.level is Level.WARNING
    assert quarantine.found == "open, dirty: 1 open undo(s), 1 thing(s) on this machine"
    assert leftovers.mend == quarantine.mend == "windtunnel heal"


def test_many_are_counted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [Leftover(run=f"r{n}", lock=Path(), things=("db",)) for n in range(5)]
    monkeypatch.setattr(process, "leftovers", lambda: tuple(left))
    assert finding(project, "leftovers").found.startswith("r0, r1, r2 and 2 more: ")


def test_where_nobody_can_look_it_is_not_said_that_nothing_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "unseen", lambda _: "no engine answers")
    for what in ("leftovers", "quarantine"):
        seen = finding(project, what)
        assert (seen.level, seen.found) == (
            Level.WARNING,
            "none in sight; could not be looked at as a whole: no engine answers",
        )


def test_an_engine_that_fails_half_way_is_no_good_news(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: Iterator[tuple[Leftover, ...] | Exception] = iter([(), ControlError("list containers: timed out")])

    def leftovers() -> tuple[Leftover, ...]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(process, "leftovers", leftovers)
    (seen,) = looked(next(look for look in doctor.looks(project) if look.what == "leftovers"))
    assert (seen.level, "timed out" in seen.found) == (Level.WARNING, True)


def test_a_free_machine_is_free_and_no_lock_is_made(project: Project) -> None:
    assert finding(project, "locks").found == "the machine's is free"
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_another_run_that_measures_makes_this_one_impossible(project: Project) -> None:
    folder = a_dead_run(project, "other")
    with Lock(Path(tempfile.gettempdir()) / "windtunnel.lock"), Lock(folder / LOCK):
        seen = finding(project, "locks")
    assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, "windtunnel run --wait, or windtunnel status")
    assert "another run is measuring on this machine; it lives: other" in seen.found
    assert finding(project, "locks").level is Level.OK


def test_a_run_beside_which_one_can_measure_is_named(project: Project) -> None:
    with Lock(a_dead_run(project, "kept") / LOCK):
        seen = finding(project, "locks")
    assert (seen.level, seen.found) == (Level.OK, "the machine's is free; it lives: kept")


def test_a_lock_that_may_not_be_taken_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's file, or a folder: no run can take it, and waiting does not help."""
    (Path(tempfile.gettempdir()) / "windtunnel.lock").mkdir()
    seen = finding(project, "locks")
    assert (seen.level, seen.mend) == (
        Level.IMPOSSIBLE,
        f"ls -ld {tempfile.gettempdir()} {tempfile.gettempdir()}/windtunnel.lock",
    )


def test_a_lock_that_cannot_be_made_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    seen = finding(project, "locks")
    assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, f"ls -ld {tempfile.gettempdir()}")


def test_a_shop_that_stands_on_purpose_is_no_leftover(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = care.Found(run="up", folder=None, alive=False, opened=(), things=("db",), driver="process", stands=True)
    monkeypatch.setattr(care, "found", lambda _: (standing,))
    assert finding(project, "leftovers").found == "none"


def test_a_shop_that_stands_broken_is_told(project: Project) -> None:
    """It is there on purpose; what is open in its undo log is not."""
    folder = a_dead_run(project, "up1")
    mark.write(folder, Standing(shop="a:Shop", defects=(), parts=(), url=""), ())
    UndoLog(folder / UNDO).perform("s", Break(undo=(THAW,), act=lambda: None), 0, lambda: None, lambda: 0)
    seen = finding(project, "quarantine")
    assert (seen.level, seen.mend) == (Level.WARNING, "windtunnel heal")
    assert seen.found == "up1: 1 open undo(s), 0 thing(s) on this machine"
    assert finding(project, "leftovers").found == "none"


def test_a_driver_that_nobody_knows_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "DRIVERS", {})
    (seen,) = looked(next(look for look in doctor.looks(project) if look.what == "engine"))
    assert (seen.level, "driver 'process' is not known" in seen.found) == (Level.IMPOSSIBLE, True)
    with pytest.raises(UsageError):
        Project(root=project.root, shop_name="tests.fakes:NoSuchShop").shop()
