"""``doctor`` and ``images`` as they are typed: what each says, and the code that it ends with."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import care, doctor
from harness.clock import MachineClock
from harness.finding import Finding, Level
from tests.fake_engine import FakeEngine, ImagedShop, an_archive, nobody, serving
from tests.golden import project as made_project
from tests.typing_in import Typed, typed

HOSTILE = "\x1b]0;title\x07\n\u202e"
MADE_NS, DAY_NS = 1_767_323_045_000_000_000, 86_400_000_000_000
GOOD, MIND, BAD = (
    Finding(what="cores", found="2"),
    Finding(what="memory", found="little", mend="ps", level=Level.WARNING),
    Finding(what="engine", found=f"none\n  answers{HOSTILE}", mend="make prepare", level=Level.IMPOSSIBLE),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a project of the fake shop, in which we are; this machine's own lock is not touched."""
    made_project(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Let the project's shop need images, and a fake engine have one of the two."""
    (folder / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "tests.fake_engine:ImagedShop"\n')
    with serving(folder, monkeypatch) as fake:
        fake.images = {"shop/db:1": 3 * 2**20}
        yield fake


def examined(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> Typed:
    monkeypatch.setattr(doctor, "examine", lambda _: iter(findings))
    return typed("doctor")


def test_each_finding_is_one_line_that_cannot_act_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = examined(monkeypatch, GOOD, MIND, BAD)
    assert done.out.splitlines() == [
        "ok          cores          2",
        "warning     memory         little  -> ps",
        r"IMPOSSIBLE  engine         none answers\x1b]0;title\x07 \u202e  -> make prepare",
        "no run can start: 1 thing(s) to mend",
    ]


def test_only_what_makes_a_run_impossible_ends_with_10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = examined(monkeypatch, GOOD, MIND)
    assert (done.code, done.out.splitlines()[-1]) == (0, "a run can start")
    assert examined(monkeypatch, GOOD, BAD, MIND).code == 10


def test_this_very_machine_can_be_examined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is like: every line is a finding, and the code is that of the last."""
    monkeypatch.setattr("harness.vitals.pause", lambda _: None)
    done = typed("doctor")
    *findings, last = done.out.splitlines()
    assert len(findings) == 16
    assert all(re.match(r"(ok|warning|IMPOSSIBLE) {2,}\S.*", line) for line in findings)
    assert (done.code == 0) == (last == "a run can start") == (not any(line.startswith("IMPOSSIBLE") for line in findings))


def test_outside_a_project_there_is_nothing_to_examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = typed("doctor")
    assert (done.code, "no pyproject.toml" in done.err) == (2, True)


def test_a_shop_without_images_says_so(folder: Path) -> None:
    """Nothing to list and nothing to build is well; nothing to carry is a mistake of whoever asks."""
    (folder / "some.tar").write_text("")
    told = "fake shop: its parts need no images"
    for word in ("list", "build"):
        done = typed("images", word)
        assert (done.code, done.out.strip()) == (0, told)
    for words in (("save", "shop.tar"), ("load", "some.tar")):
        done = typed("images", *words)
        assert (done.code, told in done.err) == (2, True)


def test_each_image_is_listed_with_its_size_and_age(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MachineClock, "wall_ns", lambda _: MADE_NS + 3 * DAY_NS)
    done = typed("images", "list")
    assert done.code == 0
    first, second, last = done.out.splitlines()
    assert re.fullmatch(r"shop/db:1 +present +3\.0 MiB  3 days old \(made 2026-01-02T03:04:05Z\)", first)
    assert re.fullmatch(r"shop/web:2 +missing", second)
    assert last == "next: windtunnel images build, or windtunnel images load FILE"


@pytest.mark.parametrize(
    ("made", "later_ns", "told"),
    [
        ("2026-01-02T03:04:05Z", 5 * 3_600_000_000_000, "5 hours old"),
        ("2026-01-02T03:04:05Z", -DAY_NS, "0 hours old"),
        ("0001-01-01T00:00:00Z", 0, "of unknown age"),
    ],
)
def test_an_age_is_told_only_where_it_is_known(
    made: str, later_ns: int, told: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fake_engine.MADE", made)
    monkeypatch.setattr(MachineClock, "wall_ns", lambda _: MADE_NS + later_ns)
    assert told in typed("images", "list").out.splitlines()[0]


def test_images_are_built_by_the_shop(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says meanwhile is shown, and cannot act on a terminal."""
    monkeypatch.setattr(ImagedShop, "built", 0)
    done = typed("images", "build")
    assert (done.code, ImagedShop.built) == (0, 1)
    assert done.out.splitlines() == [r"shop/db:1: built \x1b[2J", r"shop/web:2: built \x1b[2J"]


def test_all_images_are_carried_in_one_file(engine: FakeEngine, folder: Path) -> None:
    engine.images["shop/web:2"] = 1
    done = typed("images", "save", "shop.tar")
    assert done.code == 0
    assert re.fullmatch(r"shop\.tar: 2 images, 0\.1 MiB: shop/db:1, shop/web:2\n", done.out)
    engine.images = {}
    done = typed("images", "load", "shop.tar")
    assert done.code == 0
    told = ["shop/db:1: loaded", "shop/web:2: loaded", "all 2 images of the shop are present"]
    assert done.out.splitlines() == told


def test_what_is_not_there_is_not_saved(engine: FakeEngine, folder: Path) -> None:
    done = typed("images", "save", "shop.tar")
    assert done.code == 10
    assert "shop.tar: not written: no image shop/web:2; type: windtunnel images build" in done.err
    assert not (folder / "shop.tar").exists()


def test_a_file_that_brings_too_little_ends_with_10(engine: FakeEngine, folder: Path) -> None:
    """What it did bring is said."""
    (folder / "some.tar").write_bytes(an_archive(["shop/db:1", "other:1"]))
    done = typed("images", "load", "some.tar")
    assert (done.code, done.out.splitlines()) == (10, ["shop/db:1: loaded", "other:1: loaded"])
    assert "the shop still lacks shop/web:2" in done.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("load", "gone.tar"), 2, "'gone.tar' does not exist"),
        (("load", "."), 2, "'.' is a directory"),
        (("save", "."), 2, "'.' is a directory"),
        (("load", "text.tar"), 2, "text.tar: no archive of images"),
        (("save", "gone/shop.tar"), 10, "cannot be written"),
        (("save", "full.tar"), 10, "No space left on device"),
    ],
)
def test_a_file_that_cannot_serve_is_named(
    words: tuple[str, ...], code: int, told: str, engine: FakeEngine, folder: Path
) -> None:
    engine.images["shop/web:2"] = 1
    (folder / "text.tar").write_text("no archive")
    (folder / "full.tar.new").symlink_to("/dev/full")
    done = typed("images", *words)
    assert (done.code, told in done.err) == (code, True)


@pytest.mark.parametrize("words", [("list",), ("save", "shop.tar"), ("load", "some.tar")])
def test_without_an_engine_each_says_so(words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "tests.fake_engine:ImagedShop"\n')
    (folder / "some.tar").write_bytes(an_archive(["shop/db:1"]))
    with nobody(folder, monkeypatch):
        done = typed("images", *words)
    assert (done.code, "no Docker engine answers" in done.err) == (10, True)
