"""A run as people watch it: what is printed of each record, and at which time it was."""

import io

import pytest
from rich.console import Console

from harness import events
from harness.events import Event
from harness.progress import Progress

S = 1_000_000_000
WALL_NS = 1_795_407_330 * S
ACTED = events.Acted(at_ns=41 * S, step="step1", t0_ns=40 * S)
PAIR = events.ClockPair(at_ns=39 * S, wall_ns=WALL_NS)


@pytest.mark.parametrize(
    ("records", "moment"),
    [
        ((PAIR, ACTED), ", 2026-11-23T04:15:31 UTC"),
        ((events.ClockPair(at_ns=0, wall_ns=0), PAIR, ACTED), ", 2026-11-23T04:15:31 UTC"),
        ((ACTED,), ""),
    ],
)
def test_of_t0_the_moment_in_utc_is_told_where_it_is_known(records: tuple[Event, ...], moment: str) -> None:
    file = io.StringIO()
    progress = Progress(Console(file=file, width=200), "lost")
    for record in records:
        progress.show(record)
    assert file.getvalue() == f"T+  41.0 s  step1: broken (t0 = T+40.0 s{moment})\n"
