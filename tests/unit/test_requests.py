"""The record of requests: what was written is read back; whatever is not beyond doubt is left out and doubted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.demand import Arrivals, Load, Sessions
from harness.history import SESSION, Ledger
from harness.load import ledger as ledgers
from harness.load.requests import Row, Writer, read
from harness.load.schedule import planned
from harness.model import Doubt, Outcome
from harness.visits import PAGE, Visits, complete

LOAD = Load(arrivals=Arrivals(orders_per_s=1), warm_up_s=0, baseline_s=1, sessions=Sessions(per_s=1, pages=1))
BEGIN_NS, UNTIL_NS = 2_000_000_000, 12_000_000_000
PLAN = planned(LOAD, 7, 1.0, UNTIL_NS - BEGIN_NS)
SESSIONS = PLAN.seq[PLAN.kind == SESSION].tolist()
again = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledgers.read(tmp_path / "orders.jsonl", PLAN, BEGIN_NS, UNTIL_NS)[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.jsonl"


def rows() -> list[Row]:
    """Three requests of each session."""
    begin = {seq: int(PLAN.intended_ns[seq]) + BEGIN_NS for seq in SESSIONS}
    return [
        (seq, nth, 3, PAGE, begin[seq] + 10 * nth, begin[seq] + 10 * nth + 5, 200, 1, "cdn_a", f"{nth:016x}", "")
        for seq in SESSIONS
        for nth in range(3)
    ]


def write(path: Path, wanted: list[Row]) -> bytes:
    path.unlink(missing_ok=True)
    writer = Writer(path)
    for number, row in enumerate(wanted, 1):
        writer.add(row)
        if number % 7 == 0:
            writer.flush()
    writer.seal(UNTIL_NS)
    return path.read_bytes()


def told(doubts: tuple[Doubt, ...], words: str) -> bool:
    assert all(doubt.voids == {Outcome.PASS} for doubt in doubts)
    return any(words in doubt.because for doubt in doubts)


def columns(visits: Visits) -> list[Row]:
    return list(zip(*(getattr(visits, name).tolist() for name in Visits.__dataclass_fields__), strict=True))


def test_what_was_written_is_read_in_the_order_of_sessions(path: Path, ledger: Ledger) -> None:
    write(path, rows()[::-1])
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert doubts == ()
    assert columns(visits) == rows()
    assert complete(visits).tolist() == SESSIONS
    assert not visits.bad.any()


def test_without_a_file_nothing_is_known(path: Path, ledger: Ledger) -> None:
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert len(visits) == 0
    assert len(complete(visits)) == 0
    assert told(doubts, "the record of requests cannot be read")


def test_cut_at_any_byte_it_is_doubted(path: Path, ledger: Ledger) -> None:
    data = write(path, rows())
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        visits, doubts = read(path, ledger, UNTIL_NS)
        assert told(doubts, "no seal")
        assert set(columns(visits)) <= set(rows())


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
@again
def test_a_corrupt_byte_anywhere_is_doubted(path: Path, ledger: Ledger, place: int, flip: int) -> None:
    data = write(path, rows())
    place %= len(data)
    path.write_bytes(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert doubts
    assert set(columns(visits)) <= set(rows())


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, -1, "no planned session"),
        (0, len(PLAN), "no planned session"),
        (0, int(PLAN.seq[PLAN.kind != SESSION][0]), "no planned session"),
        (1, -1, "cannot be"),
        (1, 3, "cannot be"),
        (3, 8, "cannot be"),
        (4, 0, "cannot be"),
        (5, 0, "cannot be"),
        (6, 1000, "cannot be"),
        (7, -1, "cannot be"),
        (7, 0, "cannot be"),
        (9, "ABC", "cannot be"),
        (10, "dunno", "cannot be"),
        (4, 2**63, "torn or corrupt"),
    ],
)
def test_a_row_that_cannot_be_is_left_out_and_its_session_is_not_whole(
    path: Path, ledger: Ledger, column: int, value: int | str, words: str
) -> None:
    first, *others = rows()
    spoilt = [*first]
    spoilt[column] = value
    write(path, [tuple(spoilt), *others])  # type: ignore[list-item]  # a list of the same types
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert told(doubts, words)
    assert SESSIONS[0] not in complete(visits)


@pytest.mark.parametrize("header", ["cache-fra, cache-lhr", "x" * 41, "<b>", "cdn_a\n"])
def test_an_answer_by_nobody_knows_whom_is_kept_and_the_header_is_told(path: Path, ledger: Ledger, header: str) -> None:
    """Who was served by that edge cannot be known; that the answer was bad can."""
    first, *others = rows()
    write(path, [(*first[:6], 503, 1, header, *first[9:]), *others])
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert [doubt.voids for doubt in doubts] == [{Outcome.PASS}]
    assert f"1 answers name no edge in X-Served-By, but {header[:60]!r}" in doubts[0].because
    assert visits.edge[0] == ""
    assert set(visits.edge[1:].tolist()) == {"cdn_a"}
    assert visits.bad.tolist() == [True] + [False] * len(others)
    assert complete(visits).tolist() == SESSIONS


def test_a_row_twice_is_doubted_and_the_first_counts(path: Path, ledger: Ledger) -> None:
    first = rows()[0]
    write(path, [*rows(), (*first[:-1], "digest")])
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert told(doubts, "1 rows of the record of requests repeat a request")
    assert not visits.bad.any()


@given(gone=st.integers(0, 29))
@again
def test_no_row_can_go_unnoticed_even_under_a_fitting_seal(path: Path, ledger: Ledger, gone: int) -> None:
    kept = rows()
    lost = kept.pop(gone % len(kept))
    write(path, kept)
    visits, doubts = read(path, ledger, UNTIL_NS)
    assert doubts == ()
    assert np.setdiff1d(SESSIONS, complete(visits)).tolist() == [lost[0]]
