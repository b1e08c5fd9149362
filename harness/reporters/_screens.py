"""What a browser's screen looked like, for people: a few pictures with what was measured of just those loads."""

import base64
from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from harness.evidence import ms
from harness.history import History
from harness.model import noun
from harness.report import Report

MOST = 8
PNG = b"\x89PNG\r\n\x1a\n"


@noun
class Picture:
    """One screenshot: through which edge, when, what is said of it, and the picture itself as the address of an image."""

    edge: str
    when: str
    said: str
    source: Markup


def pictures(report: Report) -> tuple[Picture, ...]:
    """Give the screenshots in the order in which they were taken, ``MOST`` at most."""
    return tuple(_pictures(report))[:MOST]


def _pictures(report: Report) -> Iterator[Picture]:
    views = report.history.views
    for nth, png in sorted(report.shots.items()):
        if nth < len(views) and png.startswith(PNG):
            yield Picture(
                edge=str(views.edge[nth]),
                when=_when(report.history, int(views.due_ns[nth])),
                said=_said(report.history, nth),
                source=Markup("data:image/png;base64," + base64.b64encode(png).decode()),  # noqa: S704 -- that alphabet alone
            )


def _when(history: History, due_ns: int) -> str:
    """Say what had been broken and healed by then."""
    before = [one for one in history.disturbances if one.at_ns <= due_ns]
    if not before:
        return "before anything was broken" if history.scenario.steps else "nothing is broken"
    last = before[-1]
    return f"{(due_ns - last.at_ns) / 1e9:.1f} s after {'our heal of ' if last.heal else ''}{last.step}"


def _said(history: History, nth: int) -> str:
    views = history.views
    by = f"served by {views.served[nth]}" if views.served[nth] else "served by nobody known"
    if views.error[nth]:
        return f"{by}; not whole: {views.error[nth]}"
    words = f"first paint after {ms(views.fcp_ms[nth])}, largest picture after {ms(views.picture_ms[nth])}"
    return f"{by}; {words}" if np.isfinite(views.shown_ms[nth]) else by
