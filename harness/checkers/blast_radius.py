"""``blast_radius``: what a scenario says may suffer may; every other part of the shop stays well by its own word."""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

from harness.events import Parts
from harness.evidence import decide
from harness.history import Checker, History, Window
from harness.model import REFUSED, SILENT, Verdict, noun

UNWELL_LOOKS = 2
UNWELL_RATIO = 0.05
LOOKS_PER_S = 0.8
GAP_NS = 5_000_000_000


@noun
class BlastRadius(Checker):
    """From the first act to the end of the load every instance outside ``blast_radius`` answers its own health question.

    Unwell: silent or refusing in two looks in a row, or in more than 5 % of them; one alone may be lost. Asked of every run
    that breaks something. Evidence: looks at the instance that was looked at least, one a second; of one that was not
    seen for more than 5 s nothing is known. ``examples`` names the instances that were unwell, and when first.
    """

    timing: ClassVar[bool] = True
    probes: ClassVar[tuple[str, ...]] = ("health",)

    def check(self, history: History) -> Verdict:
        """Judge from the first act on, whatever the window."""
        load, parts, acts = history.load, history.first(Parts), history.disturbances
        limit = {"unwell": 0}
        if load is None or parts is None or not acts:
            lacking = "The journal does not say which parts ran, when the load was, or when something was broken."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        stretch = Window(start_ns=acts[0].at_ns, end_ns=load.end_ns)
        outside = [name for name in parts.instances if name not in history.scenario.blast_radius]
        instances = [instance for name in outside for instance in parts.instances[name]]
        looks = {instance: _looks(history, instance, stretch) for instance in instances}
        unwell = {instance: found for instance in instances if (found := _unwell(looks[instance])) is not None}
        fewest = min(instances, key=lambda instance: len(looks[instance]), default="")
        evidence, needed = len(looks.get(fewest, ())), max(1, int(LOOKS_PER_S * stretch.seconds))
        return decide(
            failed=f"Outside the blast radius {', '.join(unwell)} did not answer for being well." if unwell else "",
            lacking=f"{fewest or 'Nothing outside it'} was looked at only {evidence} times; {needed} are needed."
            * (evidence < needed)
            or _blind(looks, stretch),
            passed=f"All {len(instances)} instances of {', '.join(outside)} were well from the first act on.",
            measured={"unwell": len(unwell), "unwell_looks": sum(_ill(looks[instance]) for instance in instances)},
            limit=limit,
            evidence=evidence,
            needed=needed,
            examples=[f"{instance}: unwell at T+{at_ns / 1e9:.1f} s" for instance, at_ns in unwell.items()],
        )


def _looks(history: History, instance: str, stretch: Window) -> list[tuple[int, bool]]:
    """Give each look that saw anything: when, and whether the instance was unwell."""
    return [
        (sample.at_ns, sample.value in (SILENT, REFUSED))
        for sample in history.samples("health", instance)
        if sample.value is not None and stretch.start_ns <= sample.at_ns < stretch.end_ns
    ]


def _blind(looks: Mapping[str, list[tuple[int, bool]]], stretch: Window) -> str:
    """Say who was not seen for too long; empty where all were."""
    for instance, seen in looks.items():
        times = [stretch.start_ns, *(at_ns for at_ns, _ in seen), stretch.end_ns]
        gap_ns = max(later - earlier for earlier, later in pairwise(times))
        if gap_ns > GAP_NS:
            return f"Nobody saw {instance} for {gap_ns / 1e9:.0f} s."
    return ""


def _ill(looks: list[tuple[int, bool]]) -> int:
    return sum(ill for _, ill in looks)


def _unwell(looks: list[tuple[int, bool]]) -> int | None:
    """Give when an instance was first seen to be unwell, if it was; None if not."""
    for place in range(len(looks) - UNWELL_LOOKS + 1):
        if all(ill for _, ill in looks[place : place + UNWELL_LOOKS]):
            return looks[place][0]
    if _ill(looks) > max(1.0, UNWELL_RATIO * len(looks)):
        return next(at_ns for at_ns, ill in looks if ill)
    return None
