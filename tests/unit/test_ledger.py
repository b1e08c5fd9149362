"""The ledger: what was written is read back; whatever happens to its bytes raises a doubt, never an exception."""

import json
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.demand import Arrivals, Load
from harness.history import ACKNOWLEDGED, REFUSED, SHED, UNKNOWN, Ledger
from harness.load.ledger import Row, Writer, read
from harness.load.schedule import Planned, planned
from harness.model import Doubt, Outcome

LOAD = Load(arrivals=Arrivals(orders_per_s=4), warm_up_s=0, baseline_s=1, products_per_s=1)
BEGIN_NS = 2_000_000_000
UNTIL_NS = BEGIN_NS + 10_000_000_000
PLAN: Planned = planned(LOAD, 7, 1.0, UNTIL_NS - BEGIN_NS)
again = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(seq: int) -> Row:
    """A row as the child would write it: of each fate some."""
    intended = int(PLAN.intended_ns[seq]) + BEGIN_NS
    kind = int(PLAN.kind[seq])
    if seq % 7 == 3:
        return seq, kind, intended, -1, -1, SHED, 0, 0, "", ""
    if seq % 7 == 5:
        return seq, kind, intended, intended + 5, intended + 99, REFUSED, 503, 1, "", ""
    if seq % 7 == 6:
        return seq, kind, intended, intended + 5, intended + 99, UNKNOWN, 0, 2, "", ""
    return seq, kind, intended, intended + 5, intended + 99, ACKNOWLEDGED, 201, 1, f"id-{seq}", f"ünï-{seq}"


def write(path: Path, rows: list[Row], chunk: int = 9, until_ns: int = UNTIL_NS) -> bytes:
    path.unlink(missing_ok=True)
    writer = Writer(path)
    for number, each in enumerate(rows, 1):
        writer.add(each)
        if number % chunk == 0:
            writer.flush()
    assert writer.seal(until_ns) == len(rows)
    return path.read_bytes()


def reread(path: Path, data: bytes) -> tuple[Ledger, tuple[Doubt, ...]]:
    path.write_bytes(data)
    return read(path, PLAN, BEGIN_NS, UNTIL_NS)


def told(doubts: tuple[Doubt, ...], words: str) -> bool:
    assert all(doubt.voids == {Outcome.PASS} for doubt in doubts)
    return any(words in doubt.because for doubt in doubts)


def checked(body: str) -> bytes:
    return f'{{"crc":{crc32(body.encode())},"body":{body}}}\n'.encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.jsonl"


@pytest.fixture
def rows() -> list[Row]:
    return [row(seq) for seq in range(len(PLAN))]


def test_what_was_written_is_read_in_the_order_of_seq(path: Path, rows: list[Row]) -> None:
    write(path, list(reversed(rows)))
    ledger, doubts = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    assert doubts == ()
    columns = (ledger.seq, ledger.kind, ledger.intended_ns, ledger.sent_ns, ledger.done_ns, ledger.fate)
    texts = (ledger.order_id, ledger.digest)
    assert list(zip(*columns, ledger.status, ledger.attempts, *texts, strict=True)) == rows
    assert ledger.recorded.all()
    assert ledger.fate.dtype == np.int8


def test_an_old_ledger_is_never_written_over(path: Path, rows: list[Row]) -> None:
    write(path, rows)
    with pytest.raises(FileExistsError):
        Writer(path)


def test_without_a_file_all_is_unknown(path: Path) -> None:
    ledger, doubts = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    assert told(doubts, "cannot be read")
    assert (ledger.fate == UNKNOWN).all()
    assert not ledger.recorded.any()
    assert len(ledger.order_id) == len(ledger.digest) == len(PLAN)


def test_a_plan_without_arrivals_is_an_empty_ledger(path: Path) -> None:
    write(path, [])
    ledger, doubts = read(path, planned(LOAD, 7, 1.0, 0), BEGIN_NS, UNTIL_NS)
    assert len(ledger) == 0
    assert doubts == ()


def test_cut_at_any_byte_it_is_doubted_and_tells_no_lies(path: Path, rows: list[Row]) -> None:
    data = write(path, rows)
    whole, _ = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    for end in range(len(data)):
        ledger, doubts = reread(path, data[:end])
        assert told(doubts, "no seal")
        assert (ledger.fate[~ledger.recorded] == UNKNOWN).all()
        assert (ledger.fate == whole.fate)[ledger.recorded].all()


def test_a_corrupt_byte_anywhere_is_doubted(path: Path, rows: list[Row]) -> None:
    data = write(path, rows)
    for place in range(0, len(data), 3):
        _, doubts = reread(path, data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :])
        assert doubts, f"byte {place} ({data[place : place + 1]!r}) was changed, and nobody noticed"


@given(junk=st.binary(max_size=200), place=st.integers(0, 10_000))
@again
def test_junk_anywhere_raises_nothing(path: Path, junk: bytes, place: int) -> None:
    data = write(path, [row(seq) for seq in range(len(PLAN))])
    place %= len(data) + 1
    _, doubts = reread(path, data[:place] + junk + data[place:])
    assert doubts or not junk.strip()


@given(body=st.recursive(st.integers() | st.text() | st.none() | st.floats(), st.lists, max_leaves=5), is_=st.text())
@again
def test_well_formed_nonsense_with_a_good_check_sum_raises_nothing(path: Path, body: object, is_: str) -> None:
    names = ("number", "seq", "kind", "intended_ns", "sent_ns", "done_ns", "fate", "status", "attempts")
    for value in (body, {"is": is_}, {"is": "rows"} | dict.fromkeys((*names, "order_id", "digest"), body)):
        _, doubts = reread(path, checked(json.dumps(value)))
        assert told(doubts, "torn or corrupt")


def test_deeply_nested_junk_raises_nothing(path: Path) -> None:
    _, doubts = reread(path, b'{"crc":1,"body":' + b"[" * 100_000 + b"\n" + b'{"crc":' + b"9" * 5000 + b"}\n")
    assert told(doubts, "2 lines of the ledger are torn or corrupt")


@given(order=st.permutations(range(7)))
@again
def test_lines_in_another_order_are_doubted_and_read(path: Path, order: list[int]) -> None:
    lines = write(path, [row(seq) for seq in range(len(PLAN))]).splitlines(keepends=True)
    assert len(lines) == 7
    ledger, doubts = reread(path, b"".join(lines[number] for number in order))
    assert ledger.recorded.all()
    assert told(doubts, "not in their place") == (order != sorted(order))


def test_a_line_that_is_missing_or_there_twice_is_doubted(path: Path, rows: list[Row]) -> None:
    lines = write(path, rows).splitlines(keepends=True)
    ledger, doubts = reread(path, b"".join(lines[:2] + lines[3:]))
    assert told(doubts, "seal counts")
    assert told(doubts, "no credible row")
    assert np.count_nonzero(~ledger.recorded) == 9
    ledger, doubts = reread(path, b"".join(lines[:2] + lines[1:]))
    assert told(doubts, "repeat an arrival")
    assert ledger.recorded.all()


def test_a_row_left_out_is_doubted_even_under_a_fitting_seal(path: Path, rows: list[Row]) -> None:
    write(path, rows[:11] + rows[12:])
    ledger, doubts = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    assert told(doubts, "1 of 50 planned arrivals")
    assert (ledger.fate[11], ledger.recorded[11], ledger.sent_ns[11]) == (UNKNOWN, False, -1)


def test_of_two_rows_for_an_arrival_the_first_counts(path: Path, rows: list[Row]) -> None:
    other = (*rows[0][:-2], "other", "other")
    write(path, [*rows, other])
    ledger, doubts = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    assert told(doubts, "1 rows of the ledger repeat")
    assert ledger.order_id[0] == "id-0"


HUGE = 2**63 - 1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, 50, "no planned arrival"),
        (0, -1, "no planned arrival"),
        (1, 7, "not as planned"),
        (2, BEGIN_NS, "not as planned"),
        (2, -(2**63), "not as planned"),
        (3, 0, "cannot be"),
        (4, -1, "cannot be"),
        (4, 0, "cannot be"),
        (5, 4, "cannot be"),
        (5, -1, "cannot be"),
        (6, 70_000, "cannot be"),
        (7, 0, "cannot be"),
        (7, HUGE, "cannot be"),
        (7, HUGE + 1, "torn or corrupt"),
    ],
)
def test_a_row_that_cannot_be_is_left_out_and_doubted(
    path: Path, rows: list[Row], column: int, value: int, words: str
) -> None:
    wrong = [*rows[0]]
    wrong[column] = value
    write(path, [tuple(wrong), *rows[1:]])  # type: ignore[list-item]  # a list of the same types
    ledger, doubts = read(path, PLAN, BEGIN_NS, UNTIL_NS)
    assert told(doubts, words)
    assert not ledger.recorded[0]
    assert ledger.fate[0] == UNKNOWN


def test_a_seal_for_another_end_is_doubted(path: Path, rows: list[Row]) -> None:
    write(path, rows, until_ns=UNTIL_NS - 1)
    assert told(read(path, PLAN, BEGIN_NS, UNTIL_NS)[1], "ends the load at")


def test_another_beginning_leaves_nothing_to_believe(path: Path, rows: list[Row]) -> None:
    write(path, rows)
    ledger, doubts = read(path, PLAN, BEGIN_NS + 1_500, UNTIL_NS)
    assert told(doubts, "not as planned")
    assert not ledger.recorded.any()
