"""Charts are well-formed pictures with words, for any figures."""

import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reporters._charts import Axis, Chart, Frame, Mark, logarithmic, stacked, stairs, strip

FIGURES = st.lists(st.one_of(st.floats(0, 1e9), st.just(0.0)), min_size=1, max_size=30)
TIMES = st.lists(st.one_of(st.floats(0.001, 1e7), st.just(math.inf), st.just(math.nan)), min_size=1, max_size=30)


def frame(*marks: Mark, end_s: float = 10.0) -> Frame:
    """Give a frame with hostile words."""
    return Frame(key="one", title="<b>&", text='"</desc><script>', axis=Axis(begin_s=0.0, end_s=end_s), marks=marks)


def parsed(chart: Chart) -> ET.Element:
    """Give the picture; it fails where it is not well formed or holds no number."""
    assert "nan" not in chart.plot
    assert "inf" not in chart.plot.replace("inferred", "")
    ET.fromstring(chart.scale)  # noqa: S314 -- our own text
    return ET.fromstring(chart.plot)  # noqa: S314 -- our own


@settings(deadline=None)
@given(FIGURES)
def test_layers_of_any_size_can_be_stacked(figures: list[float]) -> None:
    edges = np.arange(len(figures) + 1, dtype=np.float64)
    layer = np.array(figures)
    picture = parsed(stacked(frame(end_s=len(figures)), edges, {"good": layer, "missed": layer[::-1]}))
    assert picture.findtext("title") == "<b>&"
    assert picture.findtext("desc") == '"</desc><script>'


@settings(deadline=None)
@given(TIMES)
def test_any_latency_can_be_drawn(times: list[float]) -> None:
    edges = np.arange(len(times) + 1, dtype=np.float64)
    chart = logarithmic(frame(end_s=len(times)), edges, {"p95": np.array(times)})
    parsed(chart)
    assert ("never" in chart.scale) is (math.inf in times)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-10, 1e5), st.integers(0, 2)), min_size=1, max_size=2000))
def test_a_strip_of_any_length_stays_small_and_keeps_every_change(looks: list[tuple[float, int]]) -> None:
    picture = parsed(strip(frame(), ("bitten", "as before", "could not tell"), sorted(looks)))
    rows = {line.attrib["class"] for line in picture.iter("line") if line.attrib["class"].startswith("look")}
    assert rows == {f"look look{row}" for _, row in looks}


@pytest.mark.parametrize("length_s", [0.5, 1, 7, 59, 61, 150, 1000, 5000, 86_400, 864_000])
def test_an_axis_has_a_few_round_labels_in_one_unit(length_s: float) -> None:
    ticks = Axis(begin_s=-length_s / 3, end_s=length_s).ticks()
    assert 1 <= len(ticks) <= 9
    assert len({tick.label.split()[-1] for tick in ticks if tick.at_s}) <= 1
    assert [tick.label for tick in ticks if not tick.at_s] == ["0"]


def test_stairs_leave_gaps_where_nothing_is_known() -> None:
    axis = Axis(begin_s=0.0, end_s=3.0)
    path = stairs(axis, np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.5, math.nan, 1.0]))
    assert path == "M0.0 50.00H333.3M666.7 0.00H1000.0"


def test_labels_of_marks_that_would_meet_take_two_rows_and_no_more() -> None:
    marks = [Mark(at_s=n / 10, label=f"fault {n}", heal=False, until_s=n / 10 + 0.05) for n in range(5)]
    picture = parsed(stacked(frame(*marks), np.array([0.0, 10.0]), {"good": np.array([1.0])}))
    assert sum(line.attrib["class"] == "mark" for line in picture.iter("line")) == 5
    assert len({text.attrib["y"] for text in picture.iter("text") if text.attrib["class"] == "named"}) == 2
