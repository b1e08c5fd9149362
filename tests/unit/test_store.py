"""The run folder read back: damage is a doubt, never an exception, and no damage turns a run into a PASS that it was not."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import lines, store
from harness.audited import Audit, Charge, Charges, NodeAudit, StockLevel
from harness.conclude import conclude
from harness.errors import SetupError, StoredRunError
from harness.events import Closed, Phase, Sealed
from harness.model import Outcome
from harness.project import Project
from harness.shop import Residence, Thing
from harness.store import AUDIT, GUARDIAN, JOURNAL, ORDERS, SITE, JournalWriter, read_audit, read_journal, read_site
from tests.golden import project, unpack

Record = dict[str, Any]
GOOD, BAD = "primary_lost", "no_failover"
DOUBTS = {"interrupted", "gap"}  # they only ever stand against a run: that one is missing shows in the numbers
ON_DISK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def a_journal(folder: Path, count: int = 5) -> bytes:
    """Write a small sealed journal; give its bytes."""
    writer = JournalWriter(folder / JOURNAL)
    for number in range(count):
        writer.append(Phase(at_ns=number, name="warm_up"))
    writer.seal(count)
    return (folder / JOURNAL).read_bytes()


def test_what_is_written_is_read_back_without_a_doubt(tmp_path: Path) -> None:
    a_journal(tmp_path)
    events, doubts = read_journal(tmp_path / JOURNAL)
    assert [type(event) for event in events] == [Phase] * 5 + [Sealed]
    assert doubts == ()


def test_a_journal_cut_at_any_byte_is_a_beginning_of_it_and_doubted(tmp_path: Path) -> None:
    whole = a_journal(tmp_path)
    events, _ = read_journal(tmp_path / JOURNAL)
    for cut in range(len(whole)):
        (tmp_path / JOURNAL).write_bytes(whole[:cut])
        found, doubts = read_journal(tmp_path / JOURNAL)
        assert found == events[: whole[:cut].count(b"\n")]
        assert any(Outcome.PASS in doubt.voids for doubt in doubts), cut


@given(st.data())
@ON_DISK
def test_any_change_of_a_journal_is_doubted(tmp_path: Path, data: st.DataObject) -> None:
    """A byte changed, a line dropped, repeated or moved: each is seen by check sum or number."""
    (tmp_path / JOURNAL).unlink(missing_ok=True)
    whole = a_journal(tmp_path)
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(whole) - 1))
        spoilt = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    else:
        parts = whole.splitlines(keepends=True)
        spoilt = b"".join(data.draw(st.lists(st.sampled_from(parts)).filter(lambda kept: kept != parts)))
    (tmp_path / JOURNAL).write_bytes(spoilt)
    assert read_journal(tmp_path / JOURNAL)[1]


@given(st.lists(st.binary(max_size=80) | st.sampled_from([lines.encode(0, "phase", {"at_ns": "soon"})]), max_size=5))
@ON_DISK
def test_rubbish_is_doubted_and_never_an_error(tmp_path: Path, parts: list[bytes]) -> None:
    """In every file of a run folder."""
    for name in (JOURNAL, AUDIT, SITE, GUARDIAN, ORDERS):
        (tmp_path / name).write_bytes(b"\n".join(parts))
    assert read_journal(tmp_path / JOURNAL)[1]
    assert read_audit(tmp_path)[0] is None
    assert store.read_site(tmp_path) is None


def test_a_full_disk_is_an_error_of_the_machine_and_numbers_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that was not written leaves no hole: the journal says nothing about it, and is not sealed as if it did."""
    writer = JournalWriter(tmp_path / JOURNAL)
    writer.append(Phase(at_ns=0, name="warm_up"))
    with monkeypatch.context() as patch, Path("/dev/full").open("wb", buffering=0) as full:
        patch.setattr(writer, "_stream", full)
        with pytest.raises(SetupError, match="free some space"):
            writer.append(Phase(at_ns=1, name="baseline"))
    writer.seal(2)
    events, doubts = read_journal(tmp_path / JOURNAL)
    assert (len(events), doubts) == (2, ())


def test_an_audit_is_whole_or_none(tmp_path: Path) -> None:
    """Cut anywhere, or with a node less than it says, it is none, and a doubt says why."""
    node = NodeAudit(node="db-1", role="primary", key=("run:1",), order_id=("o1",), digest=("d1",))
    stock = (StockLevel(sku="SKU-1", initial=5, final=4, sold=1),)
    wrong = Charge(key="run:1", order_id="o1", right_cents=200, charged_cents=1)
    charges = Charges(orders=1, wrong=(wrong,))
    audit = Audit(at_ns=7, nodes=(node, node), stock=stock, skus=1, missing={"db-3": "gone"}, charges=charges)
    store.write_audit(tmp_path, audit)
    assert read_audit(tmp_path) == (audit, ())
    whole = (tmp_path / AUDIT).read_bytes()
    for cut in range(len(whole)):
        (tmp_path / AUDIT).write_bytes(whole[:cut])
        found, doubts = read_audit(tmp_path)
        assert (found, bool(doubts)) == (None, True)


def test_what_runs_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    thing = Thing(name="db-1", ref="id", state={"status": "running"})
    residence = Residence(run="run1", driver="process", things=(thing,))
    assert store.read_site(tmp_path) is None
    store.write_site(tmp_path, residence)
    assert store.read_site(tmp_path) == residence
    with pytest.raises(SetupError, match="cannot be written down"):
        store.write_site(tmp_path / "nowhere", residence)


def test_a_folder_without_a_scenario_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoredRunError, match="windtunnel status"):
        store.open_run(tmp_path)


@cache
def records(name: str, root: Path) -> tuple[Record, ...]:
    """Give the records of a golden run."""
    with (unpack(name, project(root)) / JOURNAL).open("rb") as stream:
        return tuple(line for line in lines.scan(stream) if line is not None)


def written(kept: Iterable[Record], *, renumbered: bool) -> bytes:
    """Write records with right check sums; ``renumbered``: as one who wants to be believed, also in the seal."""
    out = b""
    for place, record in enumerate(kept):
        body = {key: value for key, value in record.items() if key not in ("n", "kind", "crc")}
        if renumbered and record["kind"] == "sealed":
            body["records"] = place
        out += lines.encode(place if renumbered else record["n"], record["kind"], body)
    return out


class Spoilt:
    """A golden run of which journals can be replaced."""

    def __init__(self, name: str, root: Path) -> None:
        self._project: Project = project(root)
        self.folder = unpack(name, self._project)
        self.records = records(name, root)

    def outcome(self, journal: bytes) -> Outcome:
        """Judge it with another journal."""
        (self.folder / JOURNAL).write_bytes(journal)
        return conclude(self.folder, self._project).judgement.outcome


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Spoilt:
    return Spoilt(GOOD, tmp_path_factory.mktemp(GOOD))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Spoilt:
    return Spoilt(BAD, tmp_path_factory.mktemp(BAD))


def test_the_untouched_runs_are_what_they_are(good: Spoilt, bad: Spoilt) -> None:
    """Else nothing below would prove anything."""
    assert good.outcome(written(good.records, renumbered=True)) is Outcome.PASS
    assert bad.outcome(written(bad.records, renumbered=True)) is Outcome.FAIL


def test_a_good_run_cut_short_never_passes(good: Spoilt) -> None:
    """Cut after any record, or in the middle of it, with check sums that are right."""
    for end, following in enumerate(good.records):
        whole = written(good.records[:end], renumbered=True)
        torn = written([following], renumbered=False)[:40]
        assert good.outcome(whole + torn * (end % 2)) is not Outcome.PASS, end


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_good_run_with_records_gone_never_passes(good: Spoilt, data: st.DataObject) -> None:
    """Whatever is left out, as long as the numbers were not forged."""
    gone = data.draw(st.sets(st.integers(0, len(good.records) - 1), min_size=1, max_size=4))
    kept = [record for place, record in enumerate(good.records) if place not in gone]
    assert good.outcome(written(kept, renumbered=False)) is not Outcome.PASS


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_bad_run_never_passes_whatever_is_done_to_its_journal(bad: Spoilt, data: st.DataObject) -> None:
    """Records dropped, repeated, reordered and cut, numbers, check sums and seal made to fit."""
    *plain, seal = [record for record in bad.records if record["kind"] not in DOUBTS]
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(plain))] * 2)))
    kinds = data.draw(st.sets(st.sampled_from(sorted({record["kind"] for record in plain})), max_size=2))
    kept = [record for record in plain if record["kind"] not in kinds]
    change = data.draw(st.sampled_from(["drop", "keep", "repeat", "mirror", "move"]))
    if change == "drop":
        kept[begin:end] = []
    elif change == "keep":
        kept = kept[begin:end]
    elif change == "repeat":
        kept[end:end] = kept[begin:end]
    elif change == "mirror":
        kept[begin:end] = kept[begin:end][::-1]
    else:
        kept = kept[begin:end] + kept[:begin] + kept[end:]
    renumbered = data.draw(st.booleans())
    assert bad.outcome(written([*kept, seal], renumbered=renumbered)) is not Outcome.PASS


@pytest.mark.parametrize("name", [ORDERS, AUDIT])
def test_other_evidence_that_is_not_what_was_sealed_is_doubted(name: str, tmp_path: Path) -> None:
    """Also where it is well formed: the seal holds its digest."""
    mine = project(tmp_path)
    folder = unpack(GOOD, mine)
    content = (folder / name).read_bytes()
    for spoilt in (content + b"\n", content[: len(content) // 2], b""):
        (folder / name).write_bytes(spoilt)
        assert conclude(folder, mine).judgement.outcome is not Outcome.PASS
    (folder / name).unlink()
    assert conclude(folder, mine).judgement.outcome is not Outcome.PASS


def test_a_run_that_its_guardian_had_to_end_never_passes(tmp_path: Path) -> None:
    mine = project(tmp_path)
    folder = unpack(GOOD, mine)
    writer = JournalWriter(folder / GUARDIAN)
    writer.append(Closed(at_ns=1, step="step1"))
    writer.close()
    judgement = conclude(folder, mine).judgement
    assert judgement.outcome is Outcome.INCONCLUSIVE
    assert any("its guardian" in doubt.because for doubt in judgement.doubts)


def test_a_load_without_end_is_doubted_and_fills_no_memory(good: Spoilt) -> None:
    """A forged end of the load, years away, would be a ledger of a billion planned arrivals."""
    forged = [record | {"until_ns": 2 * 10**15} if record["kind"] == "load_stopped" else record for record in good.records]
    assert good.outcome(written(forged, renumbered=True)) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("text", [b"", b"[1", b'{"run":"\xff"}', b'{"x":' + b"[" * 100_000])
def test_a_damaged_site_is_one_that_nobody_wrote(text: bytes, tmp_path: Path) -> None:
    """Who mends must not stumble over it."""
    (tmp_path / SITE).write_bytes(text)
    assert read_site(tmp_path) is None
