"""Text made safe to show, and figures written for people."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Doubt, Outcome
from harness.reporters._words import Figure, figures, number, seconds, split, utc, visible, voids

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_what_cannot_be_printed_is_spelled_out(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode()


@given(st.text(st.characters(categories=("L", "N", "P", "S"))))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert not text.isprintable() or visible(text) == text


def test_escapes_of_terminals_and_directions_are_shown() -> None:
    assert visible("a\x1b[31mb\u202ec\n", keep="\n") == r"a\x1b[31mb\u202ec" + "\n"


def test_very_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * 10_000, most=10) == "xxxxxxxxxx… (9990 characters more)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (21.345678, "21.35"),
        (0.006197, "0.0062"),
        (0.7036, "0.704"),
        (45.04, "45.04"),
        (200.4, "200.4"),
        (11401, "11,401"),
        (0.99996, "0.99996"),
        (0.9999999, "0.99999"),
        (1.0, "1"),
        (math.inf, "never"),
        (-math.inf, "-never"),
        (math.nan, "unknown"),
    ],
)
def test_numbers_keep_what_matters(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0 s"), (420_000_000, "0.42 s"), (38_100_000_000, "38.1 s"), (750_000_000_000, "12 min 30 s")],
)
def test_lengths_of_time_are_written_in_fitting_units(ns: int, text: str) -> None:
    assert seconds(ns) == text


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("recovery_s", ("recovery", "s")),
        ("latency_ms_p95", ("latency p95", "ms")),
        ("p95_max_ms", ("p95 max", "ms")),
        ("acknowledged_per_s", ("acknowledged", "per s")),
        ("min_ratio", ("min", "ratio")),
        ("ratio", ("ratio", "ratio")),
        ("orders_lost", ("orders lost", "")),
    ],
)
def test_the_unit_is_found_in_the_name(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


def test_limits_stand_beside_the_first_figure_of_their_unit() -> None:
    measured = {"offered": 2997, "recovery_s": 21.3, "after_heal_s": 0.0}
    assert figures(measured, {"budget_s": 45, "contract_s": 900}) == (
        Figure(name="offered", value="2,997", limit="", unit=""),
        Figure(name="recovery", value="21.3", limit="budget 45, contract 900", unit="s"),
        Figure(name="after heal", value="0", limit="", unit="s"),
    )


def test_a_limit_stands_beside_the_figure_that_it_names() -> None:
    measured = {"p50_ms": 12, "p95_ms": 30, "ratio": 1, "worst_10s_ratio": 1}
    lines = figures(measured, {"p95_max_ms": 200, "worst_10s_min_ratio": 0.97})
    assert [(line.name, line.limit) for line in lines] == [
        ("p50", ""),
        ("p95", "p95 max 200"),
        ("ratio", ""),
        ("worst 10s", "worst 10s min 0.97"),
    ]


def test_a_limit_without_a_measured_value_is_not_left_out() -> None:
    assert figures({}, {"max": 0}) == (Figure(name="", value="", limit="max 0", unit=""),)


def test_a_doubt_says_what_it_voids() -> None:
    both = frozenset({Outcome.PASS, Outcome.FAIL})
    assert voids(Doubt(because="", voids=both)) == (
        "it may hide a failure, so a PASS does not count; it may fake a failure, so a FAIL does not count"
    )
    assert "that a slow machine may deceive" in voids(Doubt(because="", voids=both, timing_only=True))
    assert "that expect the shop to react" in voids(Doubt(because="", voids=both, reaction_only=True))
    assert voids(Doubt(because="", voids=frozenset())) == "it changes no outcome"


@given(st.integers(min_value=-(2**70), max_value=2**70))
def test_any_wall_time_can_be_written(wall_ns: int) -> None:
    assert len(utc(wall_ns)) == len("2026-11-23T04:15:30")
