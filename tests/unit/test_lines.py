"""Lines of evidence: what is torn, changed or no object is seen, and nothing raises."""

import io
import zlib

from hypothesis import given
from hypothesis import strategies as st

from harness import lines

BODIES = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("n", "kind", "crc")),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text(), max_size=3),
    max_size=4,
)


@given(st.integers(0, 10**9), st.text(), BODIES)
def test_what_is_written_is_read_back(number: int, kind: str, body: dict[str, object]) -> None:
    assert lines.decode(lines.encode(number, kind, body)) == {"n": number, "kind": kind, **body}


@given(BODIES)
def test_a_line_is_one_line(body: dict[str, object]) -> None:
    """Whatever text it holds, so that a reader finds the next one."""
    assert lines.encode(0, "any", body).count(b"\n") == 1


@given(BODIES, st.data())
def test_a_torn_line_is_none(body: dict[str, object], data: st.DataObject) -> None:
    line = lines.encode(7, "any", body)
    assert lines.decode(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@given(BODIES, st.data())
def test_a_changed_line_is_none(body: dict[str, object], data: st.DataObject) -> None:
    """Any one byte changed, check sum and end of line included."""
    line = bytearray(lines.encode(7, "any", body))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 255))
    assert lines.decode(bytes(line)) is None


@given(st.binary())
def test_anything_else_is_none_and_never_an_error(data: bytes) -> None:
    """Whatever bytes there are, each line is an object or None; deep nesting and a check sum that fits do not help."""
    assert all(found is None or isinstance(found, dict) for found in lines.scan(io.BytesIO(data)))
    deep = b'{"n":' + b"[" * 100_000
    assert lines.decode(deep + lines._SEAL % zlib.crc32(deep)) is None
    assert lines.decode(b'["n"' + lines._SEAL % zlib.crc32(b'["n"')) is None


def test_a_broken_line_does_not_hide_the_next() -> None:
    whole = lines.encode(0, "first", {}), lines.encode(1, "second", {})
    found = list(lines.scan(io.BytesIO(whole[0] + b"rubbish\n" + whole[1] + whole[0][:9])))
    assert [line and line["kind"] for line in found] == ["first", None, "second", None]
