"""Charts as inline SVG: small pure functions, no script, no fixed width.

A chart fills the width it is given. Only the curves are stretched; text and lines are placed in per cent, so they keep
their size on a telephone and on a wall. Every text passes through ``markupsafe`` and is escaped.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from harness.model import noun

Floats = NDArray[np.float64]
TOP, HEIGHT, BOTTOM = 40, 180, 24  # px: labels of the marks, the curves, labels of the time
ROW = 26  # px: a row of a strip
WIDE, TALL = 1000.0, 100.0  # the curves' own size before they are stretched
LOOKS = 600  # marks in a strip; beyond that only changes and every n-th are drawn
ROOF = 0.14  # the share of the height that belongs to "never"
MINUS = "\N{MINUS SIGN}"
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@noun
class Axis:
    """Time from ``begin_s`` to ``end_s``, in seconds from what is called zero."""

    begin_s: float
    end_s: float

    def part(self, at_s: float) -> float:
        """Where a moment lies, from 0.0 (left) to 1.0 (right); beyond the ends it stays at the edge."""
        return min(1.0, max(0.0, (at_s - self.begin_s) / max(self.end_s - self.begin_s, 1e-9)))

    def ticks(self) -> tuple["Tick", ...]:
        """Round moments to label, nine at most, in one unit; every second one, never zero, is minor."""
        length = self.end_s - self.begin_s
        step = next((one for one in STEPS_S if length / one <= 8), max(1, math.ceil(length / 8 / 86400)) * 86400)
        size, unit = (1, "s") if step < 60 else (60, "min") if step < 3600 else (3600, "h")
        return tuple(
            Tick(
                at_s=float(n * step),
                label=f"{n * step / size:+g} {unit}".replace("-", MINUS) if n else "0",
                minor=n % 2 != 0,
            )
            for n in range(math.ceil(self.begin_s / step), math.floor(self.end_s / step) + 1)
        )


@noun
class Tick:
    """A labelled moment; a ``minor`` one is hidden where it is narrow."""

    at_s: float
    label: str
    minor: bool


@noun
class Mark:
    """A moment to mark with a line: a fault (solid; shaded ``until_s`` it was healed) or a heal (dashed)."""

    at_s: float
    label: str
    heal: bool
    until_s: float | None = None


@noun
class Line:
    """A line of the grid: where it lies (0.0 at the top of the curves, 1.0 at the bottom), and its label."""

    part: float
    label: str


@noun
class Chart:
    """A chart, and the labels of its vertical axis, which stand in a column of their own."""

    plot: Markup
    scale: Markup


@noun
class Frame:
    """What every chart has: ``key`` makes its ids unique in the page, ``title`` and ``text`` describe it in words."""

    key: str
    title: str
    text: str
    axis: Axis
    marks: tuple[Mark, ...]


def stacked(frame: Frame, edges_s: Floats, layers: Mapping[str, Floats]) -> Chart:
    """Draw layers upon each other, the first at the bottom: CSS class → a figure for each bin, none below zero.

    A line on top follows their sum.
    """
    total = sum(layers.values(), np.zeros(len(edges_s) - 1))
    most, step = _round_up(float(total.max(initial=0.0)))
    below, drawn = np.zeros(len(total)), Markup()
    for name, figures in layers.items():
        if np.any(figures > 0):
            outline = stairs(frame.axis, edges_s, (below + figures) / most) + stairs(
                frame.axis, edges_s, below / most, back=True
            )
            drawn += Markup('<path class="area {}" d="{}Z"/>').format(name, outline)
        below = below + figures
    drawn += Markup('<path class="curve offered" d="{}"/>').format(stairs(frame.axis, edges_s, total / most))
    lines = tuple(Line(part=1 - n * step / most, label=f"{n * step:g}") for n in range(round(most / step) + 1))
    return _chart(frame, HEIGHT, lines, _stretched(drawn))


def logarithmic(frame: Frame, edges_s: Floats, layers: Mapping[str, Floats]) -> Chart:
    """Draw milliseconds on a logarithmic scale: CSS class → a figure for each bin, NaN for a gap.

    What is endless lies on a line of its own at the top, called never.
    """
    every = np.concatenate(list(layers.values()))
    known = every[np.isfinite(every) & (every > 0)]
    low = math.floor(math.log10(known.min())) if len(known) else 0
    high = max(low + 1, math.ceil(math.log10(known.max()))) if len(known) else low + 1

    def height(figures: Floats) -> Floats:
        part = (np.log10(np.maximum(figures, 10.0**low)) - low) / (high - low) * (1 - ROOF)
        return np.where(np.isposinf(figures), 1 - ROOF / 3, part)

    drawn = Markup().join(
        Markup('<path class="curve {}" d="{}"/>').format(name, stairs(frame.axis, edges_s, height(figures)))
        for name, figures in layers.items()
    )
    decades = np.power(10.0, np.arange(low, high + 1), dtype=np.float64)
    lines = tuple(Line(part=1 - float(part), label=_duration(ms)) for ms, part in zip(decades, height(decades), strict=True))
    if np.any(np.isposinf(every)):
        lines += (Line(part=ROOF / 3, label="never"),)
    return _chart(frame, HEIGHT, lines, _stretched(drawn))


def strip(frame: Frame, rows: Sequence[str], looks: Sequence[tuple[float, int]]) -> Chart:
    """Draw single looks as ticks: the moment, and which of the rows (counted from the top) it belongs to."""
    thin = math.ceil(len(looks) / LOOKS)
    changed = [True, *(earlier[1] != later[1] for earlier, later in pairwise(looks))]
    drawn = Markup().join(
        Markup('<line class="look look{row}" x1="{x}" x2="{x}" y1="{y1}" y2="{y2}"/>').format(
            row=row, x=_percent(frame.axis.part(at_s)), y1=TOP + row * ROW + 5, y2=TOP + (row + 1) * ROW - 5
        )
        for n, (at_s, row) in enumerate(looks)
        if changed[n] or n % thin == 0
    )
    lines = tuple(Line(part=(n + 0.5) / len(rows), label=label) for n, label in enumerate(rows))
    return _chart(frame, ROW * len(rows), lines, drawn)


def stairs(axis: Axis, edges_s: Floats, parts: Floats, *, back: bool = False) -> str:
    """Give the path of a figure that holds for each bin (0.0 bottom, 1.0 top; NaN: a gap); ``back`` goes on leftwards."""
    xs = [f"{axis.part(float(edge)) * WIDE:.1f}" for edge in edges_s]
    ys = ["" if math.isnan(part) else f"{(1 - part) * TALL:.2f}" for part in parts]
    path, connected = [], back
    for n in reversed(range(len(ys))) if back else range(len(ys)):
        begin, end = (xs[n + 1], xs[n]) if back else (xs[n], xs[n + 1])
        if ys[n]:
            path.append(f"L{begin} {ys[n]}H{end}" if connected else f"M{begin} {ys[n]}H{end}")
        connected = bool(ys[n])
    return "".join(path)


def bar(part: float) -> Markup:
    """Draw how far along something happened: a line from the left to a dot. Only beside the figure in words."""
    return Markup(
        '<svg class="bar" width="100%" height="16" aria-hidden="true"><line x1="0" x2="{}" y1="8" y2="8"/>'
        '<circle cx="{}" cy="8" r="5"/></svg>'
    ).format(_percent(part), _percent(part))


def segment(begin: float, end: float) -> Markup:
    """Draw a part of a whole where it lies in it: rows of them make a stacked bar. Only beside the figure in words."""
    return Markup(
        '<svg class="segment" width="100%" height="16" aria-hidden="true">'
        '<rect class="whole" width="100%" y="6" height="4"/><rect x="{}" width="{}" y="2" height="12"/></svg>'
    ).format(_percent(begin), _percent(end - begin))


def _chart(frame: Frame, height: int, lines: Sequence[Line], drawn: Markup) -> Chart:
    """Put grid, marks and what is drawn into one picture with a title and a description."""
    whole = TOP + height + BOTTOM
    grid = Markup().join(
        Markup('<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(y=round(TOP + line.part * height, 1))
        for line in lines
    )
    labels = Markup().join(
        Markup('<text x="100%" y="{}" text-anchor="end">{}</text>').format(
            round(TOP + line.part * height + 4, 1), line.label
        )
        for line in lines
    )
    plot = Markup(
        '<svg class="plot" role="img" aria-labelledby="{key}-title {key}-desc" width="100%" height="{whole}">'
        '<title id="{key}-title">{title}</title><desc id="{key}-desc">{text}</desc>{shades}{grid}{drawn}{ticks}{marks}</svg>'
    ).format(
        key=frame.key,
        whole=whole,
        title=frame.title,
        text=frame.text,
        shades=_shades(frame, height),
        grid=grid,
        drawn=drawn,
        ticks=_ticks(frame.axis, height),
        marks=_marks(frame, height),
    )
    scale = Markup('<svg class="scale" aria-hidden="true" width="100%" height="{}">{}</svg>').format(whole, labels)
    return Chart(plot=plot, scale=scale)


def _stretched(drawn: Markup) -> Markup:
    """Stretch curves over the whole width; their lines keep their thickness (``vector-effect`` in the style sheet)."""
    return Markup(
        '<svg x="0" y="{}" width="100%" height="{}" viewBox="0 0 {:g} {:g}" preserveAspectRatio="none">{}</svg>'
    ).format(TOP, HEIGHT, WIDE, TALL, drawn)


def _ticks(axis: Axis, height: int) -> Markup:
    """Label round moments below the curves."""
    said = Markup()
    for tick in axis.ticks():
        part = axis.part(tick.at_s)
        side = "start" if part < 0.04 else "end" if part > 0.96 else "middle"
        said += Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            "minor" if tick.minor else "tick", _percent(part), TOP + height + 18, side, tick.label
        )
    return said


def _marks(frame: Frame, height: int) -> Markup:
    """Mark faults and heals; a label that would meet another one goes to the lower row, or is left out."""
    said, taken = Markup(), [-1.0, -1.0]
    for mark in sorted(frame.marks, key=lambda mark: mark.at_s):
        part = frame.axis.part(mark.at_s)
        room = 0.03 + 0.027 * len(mark.label)  # of a telephone's width
        left = part + room > 1.0
        begin = part - room if left else part
        row = next((n for n in range(2) if mark.label and begin >= max(taken[n:])), None)
        said += Markup('<line class="mark{}" x1="{x}" x2="{x}" y1="{y1}" y2="{y2}"/>').format(
            " heal" if mark.heal else "", x=_percent(part), y1=TOP if row is None else TOP - 34 + 16 * row, y2=TOP + height
        )
        if row is not None:
            taken[row] = begin + room
            said += Markup('<text class="named" x="{}" dx="{}" y="{}" text-anchor="{}">{}</text>').format(
                _percent(part), -5 if left else 5, TOP - 24 + 16 * row, "end" if left else "start", mark.label
            )
    return said


def _shades(frame: Frame, height: int) -> Markup:
    """Shade the time between a fault and its heal."""
    said = Markup()
    for mark in frame.marks:
        if mark.until_s is not None:
            left, right = frame.axis.part(mark.at_s), frame.axis.part(mark.until_s)
            said += Markup('<rect class="held" x="{}" y="{}" width="{}" height="{}"/>').format(
                _percent(left), TOP, _percent(max(0.0, right - left)), height
            )
    return said


def _round_up(most: float) -> tuple[float, float]:
    """Give a round end for an axis from zero, and the step of its grid: three to five steps."""
    if most < 1e-3:
        return 1.0, 1.0
    power = 10.0 ** math.floor(math.log10(most))
    step = next(one * power for one in (0.2, 0.25, 0.5, 1.0, 2.0, 2.5) if most / (one * power) <= 5)
    return step * math.ceil(most / step), step


def _signed(value: float, unit: str) -> str:
    return f"{value:+g} {unit}".replace("-", MINUS) if value else "0"


def _duration(ms: float) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:g} s"


def _percent(part: float) -> str:
    return f"{part * 100:.2f}%"
