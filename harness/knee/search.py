"""The search for the knee: a wide ladder finds a stretch, a narrow one the place in it, a last one looks beyond. Pure."""

from collections.abc import Sequence
from math import ceil, log

from harness.cost import GENERATOR
from harness.evidence import plural
from harness.knee.rungs import Rung, shop_cores
from harness.model import Outcome, noun

WIDE = 1.5  # from one rung to the next, while nobody knows where the knee is
FINE = 1.05  # from one to the next at last, or a little more: two searches then agree within a tenth
RUNGS = 6  # of a wide ladder
BEYOND = 2  # times the knee
HIGHEST = 20_000  # orders a second; one generator sends fewer
THROTTLED, FULL = 0.1, 0.9  # shares of the time, of the cores


@noun
class Gave:
    """The part that gave way first, and what shows it; no part where none ran out of CPU."""

    part: str
    because: str


@noun
class Knee:
    """The highest rate that the shop held, orders a second, 0 where it held none; every rung that was tried.

    ``outcome``: PASS where the next rung is one that it provably did not hold, INCONCLUSIVE where that proves nothing, or
    where no rung was too high. ``because`` says which. ``gave`` is about that next rung, None where it proves nothing.
    """

    per_s: int
    rungs: tuple[Rung, ...]
    outcome: Outcome
    because: str
    gave: Gave | None

    @property
    def beyond(self) -> Rung | None:
        """The lowest rung at twice that rate or more; None where none was tried."""
        above = [one for one in self.rungs if self.per_s and one.per_s >= BEYOND * self.per_s]
        return min(above, key=lambda one: one.per_s, default=None)


def next_rates(rungs: Sequence[Rung], first: int) -> tuple[int, ...]:
    """Give the rates of the next ladder, orders a second, ascending; none where the knee is known, or cannot be."""
    held, over = _bracket(rungs)
    if not rungs:
        return _wide(first)
    if over is None:
        return _wide(ceil(rungs[-1].per_s * WIDE))
    if held is None:
        lowest = over.per_s
        return tuple(sorted({max(1, int(lowest / WIDE**n)) for n in range(1, RUNGS + 1)} - {lowest}))
    steps = round(log(over.per_s / held.per_s) / log(FINE))
    between = {round(held.per_s * (over.per_s / held.per_s) ** (n / steps)) for n in range(1, steps)}
    between -= {held.per_s, over.per_s}
    return tuple(sorted(between)) or _beyond(rungs, held.per_s)


def found(rungs: Sequence[Rung], shop_has: int) -> Knee:
    """Say what a search has come to. ``shop_has``: the cores that the shop's parts share."""
    held, over = _bracket(rungs)
    per_s, tried = held.per_s if held else 0, tuple(rungs)
    if over is None:
        most = f"It held {per_s:,} orders/s, and nothing higher was tried." if held else "Nothing was tried."
        return Knee(per_s=per_s, rungs=tried, outcome=Outcome.INCONCLUSIVE, because=most, gave=None)
    proved = over.outcome is Outcome.FAIL
    word = "did not hold" if proved else "was not shown to hold"
    because = f"It held {per_s:,} orders/s, and {word} {over.per_s:,}: {over.because}"
    outcome, gave = Outcome.PASS if proved and held else Outcome.INCONCLUSIVE, gave_way(over, shop_has) if proved else None
    return Knee(per_s=per_s, rungs=tried, outcome=outcome, because=because, gave=gave)


def gave_way(one: Rung, shop_has: int) -> Gave:
    """Name the part that ran out of CPU on a rung: by its own quota, or as the largest share of what the shop has.

    None is named where nobody knows what all of them used.
    """
    if one.unread:
        return Gave(part="", because=one.unread.rstrip("."))
    waited = max(one.throttled.items(), key=lambda it: it[1], default=("", 0.0))
    if waited[1] >= THROTTLED:
        return Gave(part=waited[0], because=f"{waited[0]} had used up its CPU quota for {waited[1]:.0%} of the time")
    used = shop_cores(one)
    parts = {name: cores for name, cores in one.cores.items() if name != GENERATOR}
    most = max(parts, key=lambda name: parts[name], default="")
    if most and used >= FULL * shop_has:
        share = parts[most] / used
        return Gave(
            part=most,
            because=f"the shop kept {used:.2f} of its {plural(shop_has, 'core')} busy, and {most} most of that: {share:.0%}",
        )
    return Gave(part="", because=f"no part ran out of CPU: the shop kept {used:.2f} of its {plural(shop_has, 'core')} busy")


def _bracket(rungs: Sequence[Rung]) -> tuple[Rung | None, Rung | None]:
    """Give the highest rung that was held below the lowest that was not, and that one."""
    climbed = sorted(rungs, key=lambda one: one.per_s)
    over = next((one for one in climbed if not one.held), None)
    below = [one for one in climbed if one.held and (over is None or one.per_s < over.per_s)]
    return (below[-1] if below else None), over


def _beyond(rungs: Sequence[Rung], knee: int) -> tuple[int, ...]:
    """Give twice the knee, to see whether the shop breaks down there; nothing where as much was tried, or cannot be sent."""
    twice = BEYOND * knee
    return () if twice > HIGHEST or any(one.per_s >= twice for one in rungs) else (twice,)


def _wide(lowest: int) -> tuple[int, ...]:
    return tuple(per_s for n in range(RUNGS) if (per_s := round(lowest * WIDE**n)) <= HIGHEST)
