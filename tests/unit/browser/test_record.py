"""What the browser saw, on disk: what was written is read back; whatever is not beyond doubt is left out and doubted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.browser.record import NEVER_US, SHOT_BYTES, Row, Writer, fingerprint, picture_of, read, shots
from harness.model import Doubt, Outcome
from harness.views import CRASHED, EVERY_NS, STATUS, UNDECODED, Views

S, MS = 1_000_000_000, 1_000_000
EDGES = ("cdn_a", "cdn_b")
BEGIN_NS, UNTIL_NS = 2 * S, 22 * S
again = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def row(nth: int, **other: int | str) -> Row:
    """Write one good load, with some columns as told."""
    due_ns = BEGIN_NS + nth * EVERY_NS
    columns: dict[str, int | str] = {
        "nth": nth,
        "begun_ns": due_ns + MS,
        "done_ns": due_ns + 400 * MS,
        "status": 200,
        "fcp_us": 80_000,
        "picture_us": 300_000,
        "edge": EDGES[nth % 2],
        "served": EDGES[nth % 2],
        "error": "",
        "shot": "",
    }
    return tuple((columns | other).values())  # type: ignore[return-value]  # in the order of a row


def written(path: Path, rows: list[Row], *, sealed: bool = True) -> tuple[Views, tuple[Doubt, ...]]:
    """Write rows and read them back."""
    writer = Writer(path)
    for one in rows:
        writer.add(one)
        writer.flush()
    if sealed:
        writer.seal(UNTIL_NS)
    return read(path, EDGES, BEGIN_NS, UNTIL_NS)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    never = row(3, picture_us=NEVER_US, error=UNDECODED)
    views, doubts = written(tmp_path / "s", [row(0), row(1), never])
    assert doubts == ()
    assert len(views) == 10
    assert views.known.tolist() == [True, True, False, True] + [False] * 6
    assert views.fcp_ms[:2].tolist() == [80.0, 80.0]
    assert views.shown_ms[0] == 300.0
    assert np.isinf(views.shown_ms[[2, 3]]).all()
    assert (views.served[1], views.error[3]) == ("cdn_b", UNDECODED)


def test_no_file_is_no_look_and_no_doubt(tmp_path: Path) -> None:
    """The seal of the journal says whether there was one."""
    views, doubts = read(tmp_path / "none", EDGES, BEGIN_NS, UNTIL_NS)
    assert doubts == ()
    assert len(views) == 10
    assert not views.known.any()


def test_a_record_without_a_seal_is_doubted(tmp_path: Path) -> None:
    views, doubts = written(tmp_path / "s", [row(0)], sealed=False)
    assert views.known[0]
    assert "has no seal" in doubts[0].because
    assert doubts[0].voids == {Outcome.PASS}


@pytest.mark.parametrize(
    ("bad", "because"),
    [
        (row(10), "no planned load"),
        (row(-1), "no planned load"),
        (row(2, edge="cdn_b"), "no planned load"),
        (row(2, begun_ns=BEGIN_NS + 3 * S), "cannot be"),
        (row(2, done_ns=0), "cannot be"),
        (row(2, fcp_us=500_000), "cannot be"),
        (row(2, picture_us=NEVER_US), "cannot be"),
        (row(2, fcp_us=-2), "cannot be"),
        (row(2, status=503), "cannot be"),
        (row(2, status=503, error=STATUS), "cannot be"),
        (row(2, error="asleep", picture_us=NEVER_US), "cannot be"),
        (row(2, error=CRASHED), "cannot be"),
        (row(2, served="<b>"), "cannot be"),
        (row(2, shot="../../etc"), "cannot be"),
        (row(1), "repeat a load"),
    ],
)
def test_what_cannot_be_is_left_out_and_doubted(tmp_path: Path, bad: Row, because: str) -> None:
    views, doubts = written(tmp_path / "s", [row(0), row(1), bad])
    assert because in doubts[0].because
    assert views.known.tolist() == [True, True] + [False] * 8


@again
@given(st.data())
def test_damage_is_seen_and_never_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("record") / "s"
    whole, _ = written(path, [row(nth) for nth in range(10)])
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(raw)))
    path.write_bytes(raw[:cut])
    views, doubts = read(path, EDGES, BEGIN_NS, UNTIL_NS)
    assert doubts
    assert not (views.known & ~whole.known).any()


def test_screenshots_are_those_of_the_record_and_bounded(tmp_path: Path) -> None:
    png, large = b"\x89PNG" + bytes(100), bytes(SHOT_BYTES + 1)
    for nth, data in enumerate((png, png + b"changed", large)):
        (tmp_path / picture_of(EDGES[nth % 2], nth)).write_bytes(data)
    rows = [row(nth, shot=fingerprint(png)) for nth in (0, 1, 3)] + [row(2, shot=fingerprint(large))]
    views, doubts = written(tmp_path / "s", rows)
    assert doubts == ()
    assert shots(tmp_path, views) == {0: png}
