"""``true_price``: price and stock as shown are the database's, but for a staleness that is stated."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from harness.events import Sample
from harness.evidence import decide
from harness.history import Checker, History, Window
from harness.model import Positive, Verdict, noun

WRONG = "wrong"
GAP_S = 5.0
LOOKS_PER_S = 0.5


@noun
class TruePrice(Checker):
    """A page shows nothing that is older than ``stale_max_s``, and nothing wrong for longer than that.

    The probe ``price`` holds a page against the database, once a second. ``wrong_s`` is the longest stretch in which one
    look after the other found a price or stock that is not the database's, from the first of them to the last.
    Judged over the whole load. Evidence: looks that could compare, at least one in 2 s; more than 5 s without one end a
    stretch, and leave a PASS open.
    """

    probes: ClassVar[tuple[str, ...]] = ("price",)
    needs: ClassVar[tuple[str, ...]] = ("Truthful",)

    stale_max_s: Positive

    def check(self, history: History) -> Verdict:
        """Judge the whole load, whatever the window."""
        load, limit = history.load, {"stale_max_s": self.stale_max_s}
        if load is None:
            lacking = "The journal does not say when the load began and ended."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        looks = sorted(
            (one for one in history.samples("price") if load.holds(one.at_ns) and _compared(one)), key=lambda one: one.at_ns
        )
        wrong = max(_wrong(looks), key=lambda stretch: stretch.seconds, default=None)
        wrong_s = wrong.seconds if wrong else 0.0
        age_s = max((one.value / 1e3 for one in looks if isinstance(one.value, float | int)), default=0.0)
        told = []
        if wrong is not None and wrong_s > self.stale_max_s:
            told.append(f"A wrong price or stock was shown for {wrong_s:.1f} s from T+{wrong.start_ns / 1e9:.1f} s on.")
        if age_s > self.stale_max_s:
            told.append(f"A price was shown that was {age_s:.1f} s old.")
        return decide(
            failed=" ".join([*told, f"{self.stale_max_s:g} s is the limit."]) if told else "",
            lacking=_blind(looks, load),
            passed=f"Nothing was shown that was older than {age_s:.1f} s, and nothing wrong for longer than "
            f"{wrong_s:.1f} s; {self.stale_max_s:g} s is the limit.",
            measured={"wrong_s": wrong_s, "age_s": age_s, "wrong_looks": float(sum(one.value == WRONG for one in looks))},
            limit=limit,
            evidence=len(looks),
            needed=max(1, int(LOOKS_PER_S * load.seconds)),
        )


def _compared(look: Sample) -> bool:
    return look.value == WRONG or isinstance(look.value, float | int)


def _wrong(looks: Sequence[Sample]) -> Iterator[Window]:
    """Give each stretch of looks, none far from the next, that all found something wrong."""
    start_ns: int | None = None
    for at, look in enumerate(looks):
        if look.value != WRONG:
            start_ns = None
            continue
        if start_ns is None or look.at_ns - looks[at - 1].at_ns > GAP_S * 1e9:
            start_ns = look.at_ns
        yield Window(start_ns=start_ns, end_ns=look.at_ns)


def _blind(looks: Sequence[Sample], load: Window) -> str:
    """Say for how long nobody could compare; empty where that was never long."""
    times = [load.start_ns, *(one.at_ns for one in looks), load.end_ns]
    gap_s = max(later - earlier for earlier, later in pairwise(times)) / 1e9
    return f"Nobody held a price against the database for {gap_s:.1f} s; {GAP_S:g} s at most can be told." * (gap_s > GAP_S)
