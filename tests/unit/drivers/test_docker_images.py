"""Images of an engine, through the real client library and an engine that is told what to answer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.drivers import Imaging, docker_client, driver
from harness.drivers.docker_images import STREAM_S, images, load_images, save_images
from harness.errors import SetupError, UsageError
from tests.fake_engine import FakeEngine, an_archive, nobody, serving

NAMES = ("shop/db:1", "shop/web:2")
Spoil = Callable[[FakeEngine], None]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Let the client library speak to a fake engine that has both images."""
    with serving(tmp_path, monkeypatch) as fake:
        fake.images = dict.fromkeys(NAMES, 5_000_000)
        yield fake


def left(folder: Path) -> list[str]:
    """Name what lies in a folder, but for the engine's socket."""
    return sorted(path.name for path in folder.iterdir() if path.name != "engine.sock")


def test_the_docker_driver_knows_images_and_plain_processes_do_not() -> None:
    assert isinstance(driver("docker"), Imaging)
    assert not isinstance(driver("process"), Imaging)


def test_those_that_are_there_are_given_with_size_and_time(engine: FakeEngine) -> None:
    found = images((*NAMES, "shop/gone:3"))
    assert set(found) == set(NAMES)
    assert found[NAMES[0]].size_bytes == 5_000_000
    assert found[NAMES[0]].made_ns == 1_767_323_045_000_000_000  # 2026-01-02T03:04:05Z


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "", "yesterday", None])
def test_a_time_that_nobody_wrote_down_is_not_made_up(
    engine: FakeEngine, created: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fake_engine.MADE", created)
    assert images(NAMES)[NAMES[0]].made_ns is None


def test_what_was_saved_can_be_loaded(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "shop.tar"
    file.write_text("an older one")
    save_images(NAMES, file)
    assert left(tmp_path) == ["shop.tar"]
    engine.images = {}
    assert load_images(file) == NAMES
    assert set(images(NAMES)) == set(NAMES)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda engine: setattr(engine, "half", True), "save shop/db:1, shop/web:2: "),
        (lambda engine: setattr(engine, "ill", True), "save shop/db:1, shop/web:2: 500"),
        (lambda engine: setattr(engine, "gives", an_archive([NAMES[0]])), "lacks shop/web:2"),
        (lambda engine: setattr(engine, "gives", an_archive(list(NAMES))[:50_000]), "lacks shop/db:1, shop/web:2"),
        (lambda engine: setattr(engine, "gives", b""), "lacks shop/db:1, shop/web:2"),
    ],
    ids=["hangs up", "refuses", "one missing", "cut off", "nothing"],
)
def test_an_archive_that_is_not_whole_is_not_kept(spoil: Spoil, message: str, engine: FakeEngine, tmp_path: Path) -> None:
    """Whatever was there under the name before stays."""
    file = tmp_path / "shop.tar"
    file.write_text("an older one")
    docker_client.client(STREAM_S)  # that it answers was asked before it falls ill
    spoil(engine)
    with pytest.raises(SetupError, match=message):
        save_images(NAMES, file)
    assert left(tmp_path) == ["shop.tar"]
    assert file.read_text() == "an older one"


def test_a_full_disk_leaves_nothing_behind(engine: FakeEngine, tmp_path: Path) -> None:
    """The disk behind this name is always full."""
    (tmp_path / "shop.tar.new").symlink_to("/dev/full")
    with pytest.raises(SetupError, match=r"shop\.tar: cannot be written: .*No space left.*; free some space"):
        save_images(NAMES, tmp_path / "shop.tar")
    assert left(tmp_path) == []


def test_a_folder_that_is_not_there_is_named_before_the_engine_packs(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"gone/shop\.tar: cannot be written: .*No such file"):
        save_images(NAMES, tmp_path / "gone" / "shop.tar")
    assert "/images/get" not in engine.asked


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        an_archive(list(NAMES))[:50_000],
        an_archive([]),
        an_archive([], b'[{"RepoTags":["\xff"]}]'),
        an_archive([], b"[" * 100_000),
        an_archive([], b'[{"RepoTags":' + b"[" * 100_000),
        an_archive([], b'[{"RepoTags":["shop/db:1"]}]' + b" " * 2**20),
    ],
    ids=["empty", "text", "cut", "no image", "not UTF-8", "a list", "too deep", "too large"],
)
def test_a_file_that_is_no_archive_of_images_is_refused(content: bytes, engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "odd.tar"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"odd\.tar: no archive of images; write one with `windtunnel images save FILE`"):
        load_images(file)


def test_a_file_that_cannot_be_read_is_named(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_images(tmp_path / "gone.tar")
    with pytest.raises(UsageError, match="cannot be read"):
        load_images(tmp_path)


def test_what_the_engine_says_against_an_archive_is_passed_on(engine: FakeEngine, tmp_path: Path) -> None:
    """Such as its own full disk: that is not the file's fault."""
    file = tmp_path / "shop.tar"
    save_images(NAMES, file)
    engine.refuses = "no space left on device"
    with pytest.raises(SetupError, match=r"shop\.tar: the engine does not take it: no space left on device"):
        load_images(file)


def test_without_an_engine_each_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = (
        lambda: images(NAMES),
        lambda: save_images(NAMES, tmp_path / "shop.tar"),
        lambda: load_images(tmp_path / "shop.tar"),
    )
    with nobody(tmp_path, monkeypatch):
        for call in calls:
            with pytest.raises(SetupError, match=r"no Docker engine answers.*make prepare"):
                call()
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "packed"),
    [("shop/db:1", "shop/db:1"), ("docker.io/library/debian", "debian:latest"), ("host:5000/db", "host:5000/db:latest")],
)
def test_a_name_is_known_again_as_archives_write_it(name: str, packed: str, engine: FakeEngine, tmp_path: Path) -> None:
    engine.gives = an_archive([packed])
    save_images([name], tmp_path / "one.tar")
    assert left(tmp_path) == ["one.tar"]
