"""What followed each disturbance: its outages, how long they lasted, how long it then stayed quiet. Pure.

An act and a heal are both disturbances; what shoppers suffer from one to the next is put down to the first of the two.
Where the shop is still out from one act when another comes, the two are one calamity, counted from the first.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from harness.history import GOOD_WITHIN_NS, Disturbance, History
from harness.model import noun
from harness.outages import Outage, outages_of

STILL_OUT_NS = GOOD_WITHIN_NS + 250_000_000


@noun
class Aftermath:
    """The stretch from one disturbance to ``following``, the next one, or (None) to the end of the load at ``until_ns``.

    An order due up to 1.0 s before a disturbance may still be its victim, so an outage with its onset there is put down
    to it. ``inherited``: an outage of before the first act reaches into this stretch.
    """

    disturbance: Disturbance
    following: Disturbance | None
    until_ns: int
    outages: tuple[Outage, ...]
    inherited: bool

    @property
    def quiet_ns(self) -> int:
        """From when on, in this stretch, there was no outage; at most ``until_ns``."""
        ends = [outage.end_ns for outage in self.outages]
        return min(self.until_ns, max([self.disturbance.at_ns, *ends]))

    @property
    def recovery_s(self) -> float:
        """From the disturbance to the end of its last outage; 0 without one. Cut off at the stretch's end."""
        return (self.quiet_ns - self.disturbance.at_ns) / 1e9

    @property
    def steady_s(self) -> float:
        """How long it was quiet at the end of the stretch."""
        return (self.until_ns - self.quiet_ns) / 1e9

    @property
    def lasted_s(self) -> float:
        """How long the stretch was."""
        return (self.until_ns - self.disturbance.at_ns) / 1e9

    @property
    def still_out(self) -> bool:
        """Whether the shop was still out when the stretch ended.

        Where it is silent, orders due in the last second before a thaw may yet be answered in time: that is no recovery.
        """
        return bool(self.outages) and self.until_ns - self.quiet_ns <= STILL_OUT_NS


def aftermaths(history: History) -> tuple[Aftermath, ...]:
    """Give the aftermath of each disturbance, in order; none without disturbances or without a known end of the load."""
    load, disturbances = history.load, history.disturbances
    if load is None or not disturbances:
        return ()
    found = [(outage, _owner(outage, disturbances)) for outage in outages_of(history)]
    return _calamities(
        Aftermath(
            disturbance=disturbance,
            following=following,
            until_ns=following.at_ns if following else max(load.end_ns, disturbance.at_ns),
            outages=tuple(o for o, owner in found if owner == i or (owner < i and o.end_ns >= disturbance.at_ns)),
            inherited=any(owner < 0 and o.end_ns >= disturbance.at_ns for o, owner in found),
        )
        for i, (disturbance, following) in enumerate(pairwise((*disturbances, None)))
        if disturbance is not None
    )


def _calamities(each: Iterable[Aftermath]) -> tuple[Aftermath, ...]:
    """Join an act that comes while the shop is still out from another one with that; only a heal could have ended it."""
    found: list[Aftermath] = []
    for one in each:
        if found and found[-1].still_out and not one.disturbance.heal:
            outages = (*found[-1].outages, *(outage for outage in one.outages if outage not in found[-1].outages))
            found[-1] = replace(found[-1], following=one.following, until_ns=one.until_ns, outages=outages)
        else:
            found.append(one)
    return tuple(found)


def _owner(outage: Outage, disturbances: tuple[Disturbance, ...]) -> int:
    """Give the place of the last disturbance that can have caused an outage; -1 where it began before all of them."""
    return sum(disturbance.at_ns <= outage.onset_ns + GOOD_WITHIN_NS for disturbance in disturbances) - 1
