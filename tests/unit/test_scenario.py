"""TOML becomes a scenario or a message with file, key and what was expected; nothing else ever comes out."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.scenario import load, parse
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL
KEYS = st.sampled_from(
    [
        *("format", "hypothesis", "incident", "tags", "blast_radius", "seed", "load", "steady_state", "steps", "recovery"),
        *("objectives", "playbook", "repeat", "arrivals", "orders_per_s", "spacing", "warm_up_s", "baseline_s", "resend"),
        *("at_s", "hold_s", "id", "kind", "kill", "target", "stable_s", "give_up_s", "runs", "vary", "owner", "goodput"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["poisson", "lb"])
TABLES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
WHOLE: dict[str, Any] = {
    "format": 1,
    "hypothesis": "It holds.",
    "load": {"arrivals": {"orders_per_s": 5}, "warm_up_s": 1, "baseline_s": 9},
    "steps": [{"hold_s": 9, "kill": {"target": "orders_db:primary"}}],
    "objectives": {"oversold": {}},
}


def read(table: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Parse what TOML would have given; give its name, or the message with the file in front."""
    with monkeypatch.context() as patch:
        patch.setattr("tomllib.loads", lambda _: table)
        try:
            return parse("", "made.toml").file
        except ScenarioError as error:
            return str(error)


@pytest.fixture(scope="module")
def patch() -> Any:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield monkeypatch


@given(st.dictionaries(KEYS | st.text(max_size=5), TABLES, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_data_gives_a_scenario_or_a_message(patch: pytest.MonkeyPatch, table: dict[str, Any]) -> None:
    for one in (table, {"format": 1, **table}, WHOLE | table):
        assert read(one, patch).startswith("made.toml")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_change_of_a_good_one_gives_a_scenario_or_a_message(patch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    """Put anything anywhere, one or two tables deep."""
    table: dict[str, Any] = {key: value for key, value in WHOLE.items() if key != "steps"} | {
        "steps": [dict(WHOLE["steps"][0])]
    }
    key = data.draw(KEYS)
    table[key] = data.draw(TABLES)
    if isinstance(table["load"], dict):
        table["load"] = table["load"] | data.draw(st.dictionaries(KEYS, TABLES, max_size=1))
    if key != "steps":
        table["steps"][0] |= data.draw(st.dictionaries(KEYS, TABLES, max_size=1))
    assert read(table, patch).startswith("made.toml")


@given(st.text())
def test_any_text_gives_a_scenario_or_a_message(text: str) -> None:
    with pytest.raises(ScenarioError):
        parse(text, "made.toml")


def test_the_good_one_is_read_as_written() -> None:
    read_back = parse(GOOD, "here/made.toml")
    assert (read_back.name, read_back.file, read_back.seed) == ("made", "here/made.toml", 7)
    assert read_back.load.arrivals.orders_per_s == 100
    assert [step.fault.kind for step in read_back.steps] == ["kill"]
    assert read_back.steps[0].fault.params == {"target": "orders_db:primary"}
    assert [entry.id for entry in read_back.steady_state] == ["goodput", "order_latency"]
    assert (read_back.recovery.stable_s, read_back.recovery.give_up_s) == (10, 60)


def test_an_id_may_stand_in_the_place_of_a_kind() -> None:
    found = parse(GOOD.replace("oversold = {}", 'mine = { kind = "oversold", max = 1 }'), "made.toml").objectives
    assert [(one.kind, one.params) for one in found if one.id == "mine"] == [("oversold", {"max": 1})]


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ("format = 1", "format = 2", "format", "expected 1, found 2"),
        ("warm_up_s", "warmup_s", "load.warmup_s", "unknown key; did you mean 'warm_up_s'?"),
        ("hypothesis", "colour", "colour", "unknown key; known here: format, hypothesis"),
        ("seed = 7", 'seed = "7"', "file", "Expected `int`"),
        ("{ orders_per_s = 100 }", "{}", "load.arrivals", "orders_per_s"),
        ("baseline_s = 12", "baseline_s = 0", "load.baseline_s", "expected a number above 0, found 0"),
        ("warm_up_s", "sessions = { per_s = 0 }\nwarm_up_s", "load.sessions.per_s", "expected a number above 0, found 0"),
        ("warm_up_s", "sessions = { per_s = 1, pages = 0 }\nwarm_up_s", "load.sessions.pages", "expected 1 to 50 pages"),
        ("warm_up_s", "sessions = { per_s = 1, page = 4 }\nwarm_up_s", "load.sessions.page", "did you mean 'pages'?"),
        (
            "warm_up_s",
            "sessions = { per_s = 1, checkout_ratio = 1.5 }\nwarm_up_s",
            "load.sessions.checkout_ratio",
            "expected a share from 0 to 1, found 1.5",
        ),
        ("warm_up_s", "unkeyed_ratio = 2\nwarm_up_s", "load.unkeyed_ratio", "expected a share from 0 to 1, found 2"),
        ("warm_up_s", "crowd_ratio = 1.5\nwarm_up_s", "load.crowd_ratio", "expected a share from 0 to 1, found 1.5"),
        ("kill =", "at = 3\nkill =", "steps[1]", "expected one fault beside at_s, hold_s, id"),
        ('kill = { target = "orders_db:primary" }', 'kill = "it"', "steps[1].kill", "expected a table such as"),
        ("hold_s = 25", 'hold_s = "long"', "steps[1].hold_s", "expected seconds"),
        ("goodput = { min_ratio = 0.999 }", "goodput = 1", "steady_state.goodput", "expected a table"),
    ],
)
def test_a_message_names_key_and_what_was_expected(old: str, new: str, key: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError) as raised:
        parse(GOOD.replace(old, new), "made.toml")
    assert raised.value.key == key
    assert expected in raised.value.expected


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Not there, a folder, or no text."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.toml", tmp_path, binary):
        with pytest.raises(ScenarioError, match=f"{path.name}.*: file: cannot be read"):
            load(path)
