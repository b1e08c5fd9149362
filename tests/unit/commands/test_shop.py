"""The commands of a shop without a scenario: what they refuse, which shop they mean, what heal and down do to it.

Its one part is a process that sleeps. Whole shops are put up in ``tests/integration/test_standing_shop.py``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from harness import care, cli, mark, mend
from harness.commands import shop
from harness.commands.shop import Seconds
from harness.drive import Driven
from harness.drivers import process
from harness.errors import SetupError
from harness.interrupts import InterruptedRun
from harness.mark import Standing
from harness.project import Project
from harness.shop import Residence, Thing
from harness.store import LOCK, SITE, UNDO, write_site
from harness.undo import Lock, UndoLog, still_open
from tests.golden import SHOP
from tests.golden import project as made_project

NAME = "orders_db-1"
DURATIONS = {"60s": 60, "5m": 300, "90": 90, "1.5m": 90, "1": 1, "240m": 14400}
NONE = ["", "s", "0", "0.5s", "-1", "5 m", "1h", "nan", "inf", "1e3", "241m", "9999999", "\uff160s", "5m\n"]
COMMANDS: dict[str, tuple[str, ...]] = {
    "down": (),
    "break": ("pause", "orders_db:primary", "--for", "60s"),
    "load": ("--orders-per-s", "1", "--for", "1"),
}
SILENT = ["tests.fakes:FakeShopper", "tests.fakes:Nobody", "nowhere:Shopper", "tests.fakes:FakeClock"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Give a project of the fake shop, in which we are; no engine is asked, and no late acts are waited for."""
    made = made_project(tmp_path)
    made.runs.mkdir(parents=True)
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    monkeypatch.setattr(mend, "CONTROL_S", 0.1)
    monkeypatch.chdir(tmp_path)
    yield made
    for folder in made.runs.glob("*/"):
        assert process.sweep(folder.name, folder) == ()


def stands(project: Project, run: str, *, url: str = "http://127.0.0.1:1", shop: str = SHOP) -> Path:
    """Let a shop stand whose one part sleeps."""
    folder = project.runs / run
    (folder / "pids").mkdir(parents=True)
    pid_file = folder / "pids" / f"{NAME}.pid"
    process.spawn(["sleep", "60"], pid_file)
    thing = Thing(name=NAME, ref=str(pid_file), state={})
    write_site(folder, Residence(run=run, driver="process", things=(thing,)))
    mark.write(folder, Standing(shop=shop, defects=(), parts=("orders_db",), url=url), ("s3cret",))
    return folder


def freeze(folder: Path, *, log: bool = True) -> None:
    """Break it, with its undo on record or not, and heal nothing."""
    breaking = process.ProcessPowers(NAME, folder / "pids" / f"{NAME}.pid").pause()
    if log:
        UndoLog(folder / UNDO).perform("pause", breaking, 0, lambda: None, lambda: 0)
    else:
        breaking.act()


def state(folder: Path) -> str:
    return process.state(process.read(folder / "pids" / f"{NAME}.pid"))


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Type a command; give its exit code."""
    monkeypatch.setattr("sys.argv", ["windtunnel", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("text", "seconds"), DURATIONS.items())
def test_a_duration_is_written_as_people_do(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected a duration such as 60s, 5m or 90"):
        Seconds().convert(text, None, None)


@pytest.mark.parametrize("command", COMMANDS)
def test_where_no_shop_stands_that_is_said(
    command: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, command, *COMMANDS[command]) == 2
    assert "no shop stands; `windtunnel up` puts one up" in capsys.readouterr().err
    monkeypatch.setattr(care, "unseen", lambda _: "no engine answers")
    assert typed(monkeypatch, command, *COMMANDS[command]) == 10
    assert "nobody can tell whether a shop stands: no engine answers" in capsys.readouterr().err


def test_where_several_stand_each_must_be_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = stands(project, "a"), stands(project, "b")
    assert typed(monkeypatch, "down") == 2
    assert "say which: windtunnel down a; windtunnel down b" in capsys.readouterr().err
    assert typed(monkeypatch, "load", "--orders-per-s", "1", "--for", "1") == 2
    assert "say which: --on a; --on b" in capsys.readouterr().err
    assert typed(monkeypatch, "down", "c") == 2
    assert "c: no shop of that name stands; standing: a, b" in capsys.readouterr().err
    assert typed(monkeypatch, "down", "b") == 0
    assert (state(one), other.joinpath("pids", f"{NAME}.pid").exists()) == ("running", False)


def test_a_run_that_was_kept_is_no_shop_that_stands(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mark.remove(stands(project, "kept"))
    assert typed(monkeypatch, "down", "kept") == 2
    assert "kept: no shop of that name stands" in capsys.readouterr().err


def test_status_says_that_it_stands_and_what_to_type(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    assert typed(monkeypatch, "status") == 0
    assert capsys.readouterr().out.splitlines() == [
        "up1  stands; 0 open undo(s); 1 thing(s) on this machine",
        "    next: windtunnel down up1",
    ]
    with Lock(folder / LOCK):
        assert typed(monkeypatch, "status") == 0
    assert "is being broken" in (told := capsys.readouterr().out)
    assert "next: windtunnel stop up1" in told
    freeze(folder)
    assert typed(monkeypatch, "status") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "    next: windtunnel heal", "by its name it would be removed"


@pytest.mark.parametrize("log", [True, False])
def test_heal_mends_a_shop_that_stands_and_lets_it(
    log: bool,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also without its undo log."""
    folder = stands(project, "up1")
    freeze(folder, log=log)
    assert typed(monkeypatch, "heal", "--dry-run") == 0
    assert "would remove: nothing" in capsys.readouterr().out
    assert state(folder) == "paused"
    assert typed(monkeypatch, "heal") == 0
    assert "up1: mended, and stands" in capsys.readouterr().out
    assert (state(folder), still_open(folder / UNDO), mark.is_set(folder)) == ("running", (), True)
    assert typed(monkeypatch, "heal") == 0
    assert "up1: stands, not touched; `windtunnel down up1` removes it" in capsys.readouterr().out
    assert state(folder) == "running"


def test_heal_by_its_name_removes_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    assert typed(monkeypatch, "heal", "up1") == 0
    assert "up1: removed" in capsys.readouterr().out
    assert (process.labelled(folder), mark.is_set(folder), (folder / mark.SECRETS).exists()) == ((), False, False)


def test_down_heals_first_and_leaves_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    freeze(folder)
    assert typed(monkeypatch, "down") == 0
    assert capsys.readouterr().out.splitlines() == [f"up1: pause: signal {NAME}: ok", "up1: mended and removed"]
    assert (process.labelled(folder), still_open(folder / UNDO), mark.is_set(folder)) == ((), (), False)
    assert care.found(project.runs) == ()


def test_what_cannot_be_removed_still_stands(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    monkeypatch.setattr(mend, "ROUNDS", 1)
    with monkeypatch.context() as spoilt:
        spoilt.setattr(process, "sweep", lambda *_: ("process 1",))
        assert typed(monkeypatch, "down") == 13
    assert "up1: process 1" in capsys.readouterr().out
    assert mark.is_set(folder)


def test_a_load_that_nothing_can_take_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands(project, "up1", url="")
    assert typed(monkeypatch, "load", "--orders-per-s", "1", "--for", "1") == 2
    assert "up1: lb, where shoppers enter, does not run" in capsys.readouterr().err
    assert typed(monkeypatch, "load", "--orders-per-s", "0", "--for", "1") == 2
    assert "--orders-per-s 0: expected more than 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (((), None), 0),
        ((("records are missing",), None), 12),
        ((("records are missing",), InterruptedRun("SIGINT")), 130),
        ((("records are missing",), SetupError("the disk is full")), 10),
    ],
)
def test_a_load_that_cannot_be_believed_is_no_success(
    ended: tuple[tuple[str, ...], BaseException | None],
    code: int,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    doubts, trouble = ended
    stands(project, "up1")
    driven = Driven(offered=0, fates={}, latency_ms={}, late_ms=0.0, doubts=doubts, trouble=trouble)
    monkeypatch.setattr(shop, "drive", lambda *_: driven)
    assert typed(monkeypatch, "load", "--orders-per-s", "1", "--for", "1") == code
    assert ("not to be believed without question: records are missing" in capsys.readouterr().out) == bool(doubts)


def test_what_does_not_run_is_not_broken(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    assert typed(monkeypatch, "break", "crash", "storefront#1") == 2
    assert "storefront does not run there; running: orders_db" in capsys.readouterr().err
    assert not (folder / "breaks").exists()


def test_of_a_shop_that_nobody_can_compare_it_is_not_said_that_it_is_well(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it was started as is lost, so a limit or a filter would not be noticed."""
    folder = stands(project, "up1")
    (folder / SITE).write_text("{")
    one = care.Found(run="up1", folder=folder, alive=False, opened=(), things=(NAME,), driver="process", stands=True)
    assert care.is_ill(one)
    assert care.mend(one, print, keep=True) == (care.UNKNOWN.format("up1"),)
    assert "mended" not in capsys.readouterr().out
    assert state(folder) == "running"


def test_heal_finds_a_run_that_was_stored_elsewhere(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with --out; processes carry no label that would tell where."""
    folder = stands(project, "one")
    mark.remove(folder)
    freeze(folder)
    elsewhere = project.root / "elsewhere" / "one"
    elsewhere.parent.mkdir()
    folder.rename(elsewhere)
    thing = Thing(name=NAME, ref=str(elsewhere / "pids" / f"{NAME}.pid"), state={})
    write_site(elsewhere, Residence(run="one", driver="process", things=(thing,)))
    assert typed(monkeypatch, "heal", "elsewhere/one") == 0
    assert "one: mended and removed" in capsys.readouterr().out
    assert still_open(elsewhere / UNDO) == ()
    assert not (elsewhere / "pids" / f"{NAME}.pid").exists()


@pytest.mark.parametrize(("log", "why"), [(False, f"not as declared: {NAME}: paused"), (True, "not healed yet: pause")])
def test_a_shop_that_is_not_well_is_not_broken_any_more(
    log: bool,
    why: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is down already proves nothing, and an undo must not be lost among those of another breakage."""
    folder = stands(project, "up1")
    freeze(folder, log=log)
    before = still_open(folder / UNDO)
    assert typed(monkeypatch, "break", "pause", "orders_db:primary", "--for", "60s") == 10
    assert capsys.readouterr().err == f"windtunnel: up1: {why}. First type: windtunnel heal\n"
    assert (state(folder), still_open(folder / UNDO)) == ("paused", before)


@pytest.mark.parametrize("shopper", SILENT)
def test_a_shopper_that_tells_nothing_is_no_error(shopper: str, project: Project) -> None:
    declaration = project.shop().declaration
    assert shop._order_by_hand(declaration, "up1", "http://x").startswith("curl -i http://x/orders ")
    assert shop._order_by_hand(replace(declaration, shopper=shopper), "up1", "http://x") == ""
