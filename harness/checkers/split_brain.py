"""``split_brain``: never do two instances that keep the same data both commit."""

from itertools import combinations, pairwise
from typing import ClassVar

from harness.events import Parts, Sample
from harness.evidence import decide
from harness.history import Checker, History, Window
from harness.model import Verdict, noun

WITHIN_MS = 1_000.0
GAP_NS = 1_000_000_000


@noun
class SplitBrain(Checker):
    """At no time may two instances of a component take transactions, each asked by itself twice a second.

    A commit counts that returned without a warning within 1 s; two in a row with nothing else in between, at most 1 s
    apart, are one stretch in which the instance took transactions. Where such stretches of two instances overlap: FAIL.
    One that is silent or refuses takes none. Judged from the first act to the end of the load. Evidence: looks at the
    instance that was looked at least, at most 1 s apart; else nobody knows, INCONCLUSIVE.
    """

    probes: ClassVar[tuple[str, ...]] = ("writes",)
    needs: ClassVar[tuple[str, ...]] = ("Writable",)

    def check(self, history: History) -> Verdict:
        """Judge from the first act on, whatever the window."""
        load, acts, limit = history.load, history.disturbances, {"overlap_s": 0.0}
        if load is None:
            lacking = "The journal does not say when the load began and ended."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        stretch = Window(start_ns=acts[0].at_ns if acts else load.start_ns, end_ns=load.end_ns)
        seen = {name: _seen(history, name, stretch) for name in _asked(history)}
        both = [
            (one, other, overlap)
            for one, other in combinations(seen, 2)
            if _component(history, one) == _component(history, other)
            for overlap in _overlaps(_taking(seen[one]), _taking(seen[other]))
        ]
        fewest = min((len(looks) for looks in seen.values()), default=0)
        told = [
            f"{one} and {other} both committed for {overlap.seconds:.1f} s from T+{overlap.start_ns / 1e9:.1f} s on"
            for one, other, overlap in both
        ]
        return decide(
            failed=f"{told[0]}; it must never be." if both else "",
            lacking=_blind(seen, stretch),
            passed=f"Of {', '.join(seen)} no two committed at the same time, in {fewest} looks at each.",
            measured={
                "overlap_s": sum(overlap.seconds for *_, overlap in both),
                **{f"commits.{name}": float(sum(_committed(one) for one in looks)) for name, looks in seen.items()},
            },
            limit=limit,
            evidence=fewest if len(seen) > 1 else 0,
            needed=max(2, int(stretch.seconds)),
            examples=told,
        )


def _asked(history: History) -> list[str]:
    """Name the instances that were asked, in the order of their names."""
    return sorted({sample.on for sample in history.samples("writes")})


def _component(history: History, instance: str) -> str:
    """Name the component of an instance; where nobody wrote that down, all are taken to be of one."""
    parts = history.first(Parts)
    return next((name for name, names in (parts.instances.items() if parts else ()) if instance in names), "")


def _seen(history: History, instance: str, stretch: Window) -> list[Sample]:
    """Give the looks at one instance that saw anything."""
    looks = (one for one in history.samples("writes", instance) if one.value is not None and stretch.holds(one.at_ns))
    return sorted(looks, key=lambda one: one.at_ns)


def _committed(sample: Sample) -> bool:
    return isinstance(sample.value, float) and sample.value <= WITHIN_MS


def _taking(looks: list[Sample]) -> list[Window]:
    """Give the stretches in which an instance took transactions, from the first commit's begin to the last one's return."""
    found: list[Window] = []
    last: Sample | None = None
    for look in looks:
        if not _committed(look):
            last = None
            continue
        begun_ns = look.at_ns - int(float(look.value or 0) * 1e6)
        if last is not None and begun_ns - last.at_ns <= GAP_NS:
            found[-1] = Window(start_ns=found[-1].start_ns, end_ns=look.at_ns)
        else:
            found.append(Window(start_ns=begun_ns, end_ns=look.at_ns))
        last = look
    return found


def _overlaps(ones: list[Window], others: list[Window]) -> list[Window]:
    """Give where stretches of two instances overlap."""
    found = [
        Window(start_ns=max(one.start_ns, other.start_ns), end_ns=min(one.end_ns, other.end_ns))
        for one in ones
        for other in others
    ]
    return [overlap for overlap in found if overlap.end_ns > overlap.start_ns]


def _blind(seen: dict[str, list[Sample]], stretch: Window) -> str:
    """Say who was not seen for too long; empty where all were."""
    if len(seen) < 2:
        return "Fewer than two instances were asked whether they commit."
    for name, looks in seen.items():
        times = [stretch.start_ns, *(one.at_ns for one in looks), stretch.end_ns]
        gap_ns = max(later - earlier for earlier, later in pairwise(times))
        if gap_ns > GAP_NS:
            return f"Nobody saw for {gap_ns / 1e9:.1f} s whether {name} commits; {GAP_NS / 1e9:g} s are the limit."
    return ""
