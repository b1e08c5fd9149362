"""``traffic_share``: an edge carries the part of the traffic that it should."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from msgspec import Meta

from harness.evidence import decide
from harness.history import Checker, History, Window
from harness.model import Ratio, Verdict, noun
from harness.sessions import edge_share, unserved

ENOUGH = 100
S = 1_000_000_000
Seconds = Annotated[float, Meta(ge=0)]


@noun
class TrafficShare(Checker):
    """Of the requests that edges answered, the part of ``edge`` must be from ``min_ratio`` to ``max_ratio``.

    Counted are the requests sent in the window; with a ``step``, instead those from ``from_s`` to ``to_s`` after its act or
    its heal (``since``), where no ``to_s`` means the next act or heal. Evidence: requests that an edge answered, 100 of them
    scaled by ``--rate``; and that edge must have answered one at some time, or its name says nothing. Requests that no edge
    answered may have gone to any: a PASS must hold wherever they went.
    """

    browses: ClassVar[bool] = True
    reaction: ClassVar[bool] = True
    windowed: ClassVar[bool] = True

    edge: str
    min_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.0
    max_ratio: Ratio = 1.0
    step: str = ""
    since: Literal["act", "heal"] = "act"
    from_s: Seconds = 0.0
    to_s: Seconds | None = None

    def check(self, history: History) -> Verdict:
        """Judge the requests sent in the stretch that is meant."""
        window = self._window(history)
        share, served = edge_share(history, self.edge, window) if window else (0.0, 0)
        needed = max(1, round(ENOUGH * history.scale))
        limits = f"{self.min_ratio:.1%} to {self.max_ratio:.1%}"
        word = f"{self.edge} answered {share:.1%} of {served:,} requests; it should be {limits}."
        known = bool(np.any(history.visits.edge == self.edge))
        lacking = f"Only {served:,} requests were answered by an edge; {needed:,} are needed." * (served < needed)
        if window is None:
            lacking = f"The journal does not say when {self.since} of {self.step} was, or when the load ended."
        elif not known:
            lacking = f"{self.edge} answered no request in all of the run."
        failed = word if not lacking and not self.min_ratio <= share <= self.max_ratio else ""
        lost = unserved(history, window) if window else 0
        least = round(share * served)
        most = least + lost
        if (
            not lacking
            and lost
            and not self.min_ratio * (served + lost) <= least <= most <= self.max_ratio * (served + lost)
        ):
            lacking = (
                f"No edge answered {lost:,} requests beside {served:,}: with them {self.edge} had from "
                f"{least / (served + lost):.1%} to {most / (served + lost):.1%}; it should be {limits}."
            )
        return decide(
            failed=failed,
            lacking=lacking,
            passed=word,
            measured={"share_ratio": share, "requests": served, "unserved": lost},
            limit={"min_ratio": self.min_ratio, "max_ratio": self.max_ratio},
            evidence=served if known else 0,
            needed=needed,
        )

    def _window(self, history: History) -> Window | None:
        """Give the stretch; None where the journal does not say when it was."""
        if not self.step:
            return history.window
        acts, load = history.disturbances, history.load
        begin = next((one.at_ns for one in acts if one.step == self.step and one.heal == (self.since == "heal")), None)
        if begin is None or load is None:
            return None
        until = min((one.at_ns for one in acts if one.at_ns > begin), default=load.end_ns)
        if self.to_s is not None:
            until = begin + round(self.to_s * S)
        return Window(start_ns=begin + round(self.from_s * S), end_ns=until)
