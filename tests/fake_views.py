"""Made-up views of a real browser: both edges show their first screen soon, one takes over the shoppers of the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.history import History
from harness.views import Views, nothing_seen
from tests.fake_sessions import Hit

MS = 1_000_000
PAINT_MS, PICTURE_MS, WHOLE_MS = 100.0, 300.0, 350


def some_views(edges: Sequence[str], begin_ns: int, until_ns: int, hit: Hit) -> Views:
    """Give every load that was due, each with its first screen after 300 ms."""
    views = nothing_seen(edges, begin_ns, until_ns)
    count = len(views)
    gone = (views.edge == edges[0]) & (views.due_ns >= hit.from_ns) & (views.due_ns < hit.until_ns)
    return replace(
        views,
        begun_ns=views.due_ns + MS,
        done_ns=views.due_ns + WHOLE_MS * MS,
        status=np.full(count, 200, dtype=np.int16),
        fcp_ms=np.full(count, PAINT_MS),
        picture_ms=np.full(count, PICTURE_MS),
        served=np.where(gone, edges[-1], views.edge).astype("U40"),
    )


def reseen(history: History, which: Callable[[Views], Any], **columns: float | str) -> History:
    """Give the history with other values in some columns of some loads."""
    views, rows = history.views, which(history.views)
    changed: dict[str, Any] = {}
    for name, value in columns.items():
        changed[name] = getattr(views, name).copy()
        changed[name][rows] = value
    return replace(history, views=replace(views, **changed))


def unseen(history: History, which: Callable[[Views], Any]) -> History:
    """Give the history as if nothing had been recorded of some loads."""
    never = float("inf")
    return reseen(
        history, which, begun_ns=-1, done_ns=-1, status=0, fcp_ms=never, picture_ms=never, served="", error="", shot=""
    )
