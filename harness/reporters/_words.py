"""The words that every report shares: text made safe to show, figures with their units, what an outcome or a doubt means."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from harness.model import Doubt, Outcome, noun

LONGEST = 4000  # characters of one text shown; the run folder has the rest
MEANING: Mapping[Outcome, str] = {
    Outcome.PASS: "The shop kept its promises.",
    Outcome.INCONCLUSIVE: "Not decided: evidence is missing or cannot be believed.",
    Outcome.FAIL: "The shop broke a promise.",
    Outcome.DIRTY: "A fault could not be seen healed: what this run broke may still be broken.",
}
UNITS: Mapping[str, str] = {"s": "s", "ms": "ms", "us": "µs", "ns": "ns", "bytes": "bytes", "ratio": "ratio"}


def visible(text: str, keep: str = "", most: int = LONGEST) -> str:
    r"""Give a text from outside as it can be shown safely in any format.

    What cannot be printed (terminal escapes, control and direction characters, lone surrogates) is spelled out, such as
    ``\x1b``; ``keep`` names characters that stay as they are. Beyond ``most`` characters it says how many there are more.
    """
    short = text if len(text) <= most else f"{text[:most]}… ({len(text) - most} characters more)"
    if short.isprintable():
        return short
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in short)


def number(value: float) -> str:
    """Write a figure for people: three or four digits, more where they matter; ``never`` for an endless time.

    A ratio just below one is rounded down: 0.99996 is not all.
    """
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "never" if value > 0 else "-never"
    if 0.9 <= value < 1:
        return f"{math.floor(value * 1e5) / 1e5:g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"


def seconds(ns: int) -> str:
    """Write a length of time for people: ``0 s``, ``0.42 s``, ``38.1 s``, ``12 min 30 s``."""
    if abs(ns) < 5e6:
        return "0 s"
    if abs(ns) < 120e9:
        return f"{ns / 1e9:.2f} s" if abs(ns) < 10e9 else f"{ns / 1e9:.1f} s"
    minutes, rest = divmod(round(ns / 1e9), 60)
    return f"{minutes} min {rest} s"


@noun
class Figure:
    """One line of an objective's figures: a measured value, and the limits that belong to it."""

    name: str
    value: str
    limit: str
    unit: str


def figures(measured: Mapping[str, float], limit: Mapping[str, float]) -> tuple[Figure, ...]:
    """Write measured values with their limits, unit by unit.

    A limit stands beside the value that it names (``p95_max_ms`` beside ``p95_ms``), else beside the first of its unit.
    """
    values, limits = ([(*split(name), number(value)) for name, value in side.items()] for side in (measured, limit))
    lines = []
    for unit in dict.fromkeys(unit for _, unit, _ in (*values, *limits)):
        rows = [(name, value) for name, own, value in values if own == unit] or [("", "")]
        beside: list[list[str]] = [[] for _ in rows]
        for name, own, value in limits:
            if own == unit:
                place = next((n for n, row in enumerate(rows) if set(row[0].split()) <= set(name.split())), 0)
                beside[place].append(f"{name} {value}".strip())
        for (name, value), said in zip(rows, beside, strict=True):
            lines.append(Figure(name=visible(name), value=value, limit=visible(", ".join(said)), unit=visible(unit)))
    return tuple(lines)


def split(name: str) -> tuple[str, str]:
    """Take a figure's name apart: ``recovery_s`` → (recovery, s), ``latency_ms_p95`` → (latency p95, ms)."""
    words = name.split("_")
    if len(words) > 2 and words[-2:] == ["per", "s"]:
        return " ".join(words[:-2]), "per s"
    for place in range(len(words) - 1, -1, -1):
        if words[place] in UNITS:
            return " ".join(words[:place] + words[place + 1 :]) or name, UNITS[words[place]]
    return " ".join(words), ""


def voids(doubt: Doubt) -> str:
    """Say what a doubt does to the outcomes."""
    of = " of objectives that a slow machine may deceive" if doubt.timing_only else ""
    of = " of objectives that expect the shop to react" if doubt.reaction_only else of
    said = []
    if Outcome.PASS in doubt.voids:
        said.append(f"it may hide a failure, so a PASS{of} does not count")
    if Outcome.FAIL in doubt.voids:
        said.append(f"it may fake a failure, so a FAIL{of} does not count")
    return "; ".join(said) or "it changes no outcome"


def utc(wall_ns: int) -> str:
    """Write a wall time as ISO 8601 in UTC, whole seconds: ``2026-11-27T20:00:00``. Times out of range give the epoch."""
    try:
        return datetime.fromtimestamp(wall_ns // 1_000_000_000, UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return "1970-01-01T00:00:00"
