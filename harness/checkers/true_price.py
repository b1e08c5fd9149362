"""``true_price``: price and stock as shown are the database's, but for a staleness that is stated."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.events import Parts, Sample
from harness.evidence import decide
from harness.history import Checker, History, Window
from harness.model import Verdict, noun

WRONG, TRUTHFUL = "wrong", "Truthful"
GAP_S = 5.0
LOOKS_PER_S = 0.5
LEAST_S = 2.0  # looks come once a second: what is wrong for less may lie between two of them


@noun
class TruePrice(Checker):
    """No instance shows anything that is older than ``stale_max_s``, or anything wrong for longer than that.

    The probe ``price`` holds pages against the database, once a second, of each instance by itself. ``wrong_s`` is the
    longest stretch, of one of them, from a look that found a price or stock that is not the database's to another: a
    stretch is over only where nothing wrong was found for ``stale_max_s``. Judged over the whole load. Evidence: looks that
    could compare, at the instance that was compared least, at least one in 2 s; more than 5 s without one end a stretch,
    and leave a PASS open. ``stale_max_s`` is 2 at least.
    """

    probes: ClassVar[tuple[str, ...]] = ("price",)
    needs: ClassVar[tuple[str, ...]] = (TRUTHFUL,)

    stale_max_s: Annotated[float, Meta(ge=LEAST_S)]

    def check(self, history: History) -> Verdict:
        """Judge the whole load, whatever the window."""
        load, limit = history.load, {"stale_max_s": self.stale_max_s}
        if load is None:
            lacking = "The journal does not say when the load began and ended."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        seen = {name: _compared(history, name, load) for name in _shown_by(history)}
        looks = [look for one in seen.values() for look in one]
        stretches = [(name, stretch) for name, one in seen.items() for stretch in _wrong(one, self.stale_max_s)]
        where, wrong = max(stretches, key=lambda one: one[1].seconds, default=("", None))
        wrong_s = wrong.seconds if wrong else 0.0
        age_s = max((look.value / 1e3 for look in looks if isinstance(look.value, float | int)), default=0.0)
        told = []
        if wrong is not None and wrong_s > self.stale_max_s:
            told.append(f"{where} showed a wrong price or stock for {wrong_s:.1f} s from T+{wrong.start_ns / 1e9:.1f} s on.")
        if age_s > self.stale_max_s:
            told.append(f"A price was shown that was {age_s:.1f} s old.")
        return decide(
            failed=" ".join([*told, f"{self.stale_max_s:g} s is the limit."]) if told else "",
            lacking=_blind(seen, load),
            passed=f"Nothing was shown that was older than {age_s:.1f} s, and nothing wrong for longer than "
            f"{wrong_s:.1f} s; {self.stale_max_s:g} s is the limit.",
            measured={"wrong_s": wrong_s, "age_s": age_s, "wrong_looks": float(sum(one.value == WRONG for one in looks))},
            limit=limit,
            evidence=min((len(one) for one in seen.values()), default=0),
            needed=max(1, int(LOOKS_PER_S * load.seconds)),
        )


def _shown_by(history: History) -> list[str]:
    """Name the instances that were to be looked at: those that were, and whatever ran of a component that can be, or was."""
    seen, parts = {sample.on for sample in history.samples("price")}, history.first(Parts)
    groups: Mapping[str, Sequence[str]] = parts.instances if parts else {}
    able = {one.name for one in history.declaration.components if any(can.__name__ == TRUTHFUL for can in one.abilities)}
    return sorted(seen.union(*(names for part, names in groups.items() if part in able or seen.intersection(names))))


def _compared(history: History, instance: str, load: Window) -> list[Sample]:
    """Give the looks at one instance, during the load, that could compare."""
    looks = (one for one in history.samples("price", instance) if load.holds(one.at_ns))
    found = (one for one in looks if one.value == WRONG or isinstance(one.value, float | int))
    return sorted(found, key=lambda one: one.at_ns)


def _wrong(looks: Sequence[Sample], well_s: float) -> Iterator[Window]:
    """Give each stretch from one wrong look to the last before nothing wrong was found for so long, none far from the next.

    One that is right in between does not end it: what is wrong at every second look is not right by turns.
    """
    start_ns: int | None = None
    last_ns = seen_ns = 0
    for look in looks:
        well = seen_ns > last_ns or look.value != WRONG  # or else nobody has seen anything right since
        if start_ns is not None and (look.at_ns - seen_ns > GAP_S * 1e9 or (well and look.at_ns - last_ns > well_s * 1e9)):
            start_ns = None
        seen_ns = look.at_ns
        if look.value == WRONG:
            start_ns, last_ns = look.at_ns if start_ns is None else start_ns, look.at_ns
            yield Window(start_ns=start_ns, end_ns=look.at_ns)


def _blind(seen: Mapping[str, Sequence[Sample]], load: Window) -> str:
    """Say where nobody could compare for too long; empty where that was never long."""
    for name, looks in seen.items():
        times = [load.start_ns, *(one.at_ns for one in looks), load.end_ns]
        gap_s = max(later - earlier for earlier, later in pairwise(times)) / 1e9
        if gap_s > GAP_S:
            return f"Nobody held a price of {name} against the database for {gap_s:.1f} s; {GAP_S:g} s at most can be told."
    return ""
