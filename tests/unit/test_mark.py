"""The mark of a shop that stands: whole or not there, its secrets for its owner alone."""

from pathlib import Path

import pytest

from harness import mark
from harness.errors import SetupError
from harness.mark import SECRETS, STANDING, Standing

MARK = Standing(shop="a:Shop", defects=("oversell",), parts=("orders_db",), url="http://127.0.0.1:1")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert not mark.is_set(tmp_path)
    mark.write(tmp_path, MARK, ("s3cret", "0ther"))
    assert mark.is_set(tmp_path)
    assert mark.read(tmp_path) == (MARK, ("s3cret", "0ther"))


def test_only_the_owner_reads_the_secrets(tmp_path: Path) -> None:
    mark.write(tmp_path, MARK, ("s3cret",))
    assert (tmp_path / SECRETS).stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in (tmp_path / STANDING).read_text()


def test_it_goes_with_its_secrets(tmp_path: Path) -> None:
    mark.write(tmp_path, MARK, ("s3cret",))
    mark.remove(tmp_path)
    mark.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_where_the_secrets_cannot_be_kept_there_is_no_mark(tmp_path: Path) -> None:
    """What stands there is then removed, rather than left with nobody who can ask it."""
    (tmp_path / SECRETS).mkdir()
    with pytest.raises(SetupError, match="free some space"):
        mark.write(tmp_path, MARK, ("s3cret",))
    assert not mark.is_set(tmp_path)


@pytest.mark.parametrize("name", [STANDING, SECRETS])
@pytest.mark.parametrize("text", [None, b"", b"[1", b"5", b'["\xff"]', b'{"shop":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_damaged_one_says_how_to_go_on(text: bytes | None, name: str, tmp_path: Path) -> None:
    mark.write(tmp_path, MARK, ("s3cret",))
    (tmp_path / name).unlink()
    if text is not None:
        (tmp_path / name).write_bytes(text)
    with pytest.raises(SetupError, match=f"windtunnel down {tmp_path.name}"):
        mark.read(tmp_path)
