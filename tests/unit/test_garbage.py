"""Run folders that somebody else wrote: whole lines with fitting check sums, and nonsense in them. None is a crash."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import care, lines, mend
from harness.audited import Audit, NodeAudit, StockLevel
from harness.drivers import driver
from harness.events import KINDS, Located
from harness.model import Undo
from harness.shop import Residence, Thing
from harness.store import AUDIT, JOURNAL, SITE, UNDO, read_audit, read_journal, read_site, write_audit, write_site
from harness.undo import play, still_open

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = [
    "n",
    "step",
    "undo",
    "deadline_ns",
    "at_ns",
    "nodes",
    "levels",
    "charges",
    "skus",
    "missing",
    "key",
    "order_id",
    "digest",
    "node",
    "role",
]
KIND = st.sampled_from([*KINDS, "intended", "put_off", "closed", "head", "node", "stock", "seal"])
LINE = st.builds(dict[str, Any], st.dictionaries(st.sampled_from(KEYS), JSON), kind=KIND | JSON)
NODE = NodeAudit(node="a", role="primary", key=("k",), order_id=("o",), digest=("d",))
WHOLE = Audit(at_ns=1, nodes=(NODE,), stock=(StockLevel(sku="s", initial=1, final=1, sold=0),), skus=1, missing={})


def written(path: Path, *found: dict[str, Any]) -> None:
    """Write lines with fitting check sums, whatever they hold."""
    with path.open("wb") as stream:
        for one in found:
            body = dict(one)
            stream.write(lines.encode(body.pop("n", 0), body.pop("kind", ""), body))


@given(st.lists(LINE, max_size=4))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_is_a_crash(tmp_path: Path, found: list[dict[str, Any]]) -> None:
    """What is not understood is a doubt of the judge, and nothing to those who mend."""
    for name, read in ((JOURNAL, read_journal), (UNDO, still_open)):
        written(tmp_path / name, *found)
        read(tmp_path / name)
    written(tmp_path / AUDIT, *found)
    read_audit(tmp_path)
    assert read_journal(tmp_path / JOURNAL)[1]


def test_an_act_is_still_open_between_lines_that_nobody_understands(tmp_path: Path) -> None:
    undo = {"verb": "start", "on": "x", "args": {}}
    act = {"kind": "intended", "step": "one", "undo": [undo], "deadline_ns": None}
    written(
        tmp_path / UNDO, {"kind": "closed"}, act, {"kind": "put_off", "step": "one", "deadline_ns": "soon"}, {"kind": []}
    )
    assert [one.step for one in still_open(tmp_path / UNDO)] == ["one"]


@pytest.mark.parametrize("name", [JOURNAL, AUDIT, UNDO, SITE])
def test_a_folder_in_the_place_of_a_file_is_no_crash(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert read_journal(tmp_path / JOURNAL)[1]
    assert read_audit(tmp_path)[0] is None
    assert still_open(tmp_path / UNDO) == ()
    assert read_site(tmp_path) is None


@pytest.mark.parametrize("spoilt", [{"digest": []}, {"key": ["k", "l"]}])
def test_columns_of_unequal_length_are_no_audit(spoilt: dict[str, Any], tmp_path: Path) -> None:
    """Sealed as a whole: the columns are compared with each other all the same."""
    write_audit(tmp_path, WHOLE)
    assert read_audit(tmp_path) == (WHOLE, ())
    with (tmp_path / AUDIT).open("rb") as stream:
        parts = [part for part in lines.scan(stream) if part is not None]
    written(tmp_path / AUDIT, *({**part, **spoilt} if part["kind"] == "node" else part for part in parts))
    audit, doubts = read_audit(tmp_path)
    assert audit is None
    assert "columns" in doubts[0].because


def test_one_garbled_folder_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists or heals runs comes past it."""
    monkeypatch.setattr(care, "DRIVERS", {"process": ""})
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    written(tmp_path / "a" / UNDO, {"kind": "intended", "step": 1})
    (tmp_path / "a" / SITE).write_bytes(b"\xff")
    written(tmp_path / "b" / UNDO, {"kind": "intended", "step": "s", "undo": [], "deadline_ns": None})
    assert [one.run for one in care.found(tmp_path)] == ["b"]


def test_an_undo_that_nobody_understands_does_not_keep_others_from_being_played() -> None:
    """Its mender stumbles over what is missing; the one before it in the log is played all the same."""
    mended: list[Undo] = []
    menders = {**driver("process").MENDERS, "start": mended.append}
    one, odd = Undo(verb="start", on="x", args={}), Undo(verb="signal", on="y", args={"pid": "z"})
    played = play((one, odd), menders)
    assert mended == [one]
    assert [bool(each.error) for each in played] == [True, False]


def test_machinery_that_breaks_in_any_way_does_not_end_the_mending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was asked for is off, and said; the guardian goes on."""
    monkeypatch.setattr(mend, "CONTROL_S", 0.0)
    monkeypatch.setattr(mend, "pause", lambda _: None)

    def broken(*_: object) -> Any:
        raise KeyError("State")

    for name in ("deviations", "collect", "sweep"):
        monkeypatch.setattr(driver("process"), name, broken)
    assert mend.heal(tmp_path, Residence(run="run", driver="process", things=()), lambda *_: None)
    assert mend.remove(tmp_path, "run", driver("process")) == ("'State'",)


def test_what_is_removed_is_not_open_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of which all has vanished has nothing left to undo, and is not listed again and again."""
    monkeypatch.setattr(mend, "CONTROL_S", 0.0)
    monkeypatch.setattr(mend, "pause", lambda _: None)
    gone = Thing(name="db", ref=str(tmp_path / "pids" / "db.pid"), state={})
    residence = Residence(run="run", driver="process", things=(gone,))
    write_site(tmp_path, residence)
    undo = {"verb": "start", "on": gone.ref, "args": {}}
    written(tmp_path / UNDO, {"kind": "intended", "step": "one", "undo": [undo], "deadline_ns": None})
    assert mend.heal(tmp_path, residence, lambda *_: None)
    assert mend.remove(tmp_path, "run", driver("process")) == ()
    assert still_open(tmp_path / UNDO) == ()


def test_the_records_of_a_journal_need_a_number(tmp_path: Path) -> None:
    """One that has none is broken, whatever its check sum."""
    body = msgspec.to_builtins(Located(at_ns=0, step="s", target="t", component="c", instance="i"))
    written(tmp_path / JOURNAL, {"kind": "located", "n": "0", **body})
    assert read_journal(tmp_path / JOURNAL)[0] == ()
