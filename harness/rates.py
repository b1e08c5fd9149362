"""How many orders are due by when: at the load's usual rate, but for its stages. Exact and pure; no run is needed for it."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from harness.demand import Load
from harness.model import noun


@noun
class Piece:
    """A stretch in which the rate changes evenly, seconds from schedule zero; without an end it stays as it begins."""

    start_s: Fraction
    end_s: Fraction | None
    from_per_s: Fraction
    to_per_s: Fraction

    def due(self, until_s: Fraction) -> Fraction:
        """Give the orders due in it before a moment: a trapezium."""
        end_s = until_s if self.end_s is None else min(until_s, self.end_s)
        if end_s <= self.start_s:
            return Fraction(0)
        return (end_s - self.start_s) * (self.from_per_s + self.at(end_s)) / 2

    def at(self, at_s: Fraction) -> Fraction:
        """Give the rate at a moment in it."""
        if self.end_s is None:
            return self.from_per_s
        passed = (at_s - self.start_s) / (self.end_s - self.start_s)
        return self.from_per_s + passed * (self.to_per_s - self.from_per_s)


def exact(number: float) -> Fraction:
    """Give a number as a person writes it."""
    return Fraction(str(number))


def pieces(load: Load) -> Iterator[Piece]:
    """Give the whole course of the rate: as usual up to the end of the baseline, each stage, and as usual again for ever."""
    usual = rate = exact(load.arrivals.orders_per_s)
    start_s, at_s = Fraction(0), begin_s(load)
    if load.stages:
        yield Piece(start_s=start_s, end_s=at_s, from_per_s=usual, to_per_s=usual)
    for stage in load.stages:
        top, ramp_s, for_s = exact(stage.orders_per_s), exact(stage.ramp_s), exact(stage.for_s)
        if ramp_s:
            yield Piece(start_s=at_s, end_s=at_s + ramp_s, from_per_s=rate, to_per_s=top)
        if for_s > ramp_s:
            yield Piece(start_s=at_s + ramp_s, end_s=at_s + for_s, from_per_s=top, to_per_s=top)
        rate, at_s = top, at_s + for_s
    yield Piece(start_s=at_s if load.stages else start_s, end_s=None, from_per_s=usual, to_per_s=usual)


def due(load: Load, until_s: Fraction) -> Fraction:
    """Give how many orders are due before a moment, from schedule zero on, at the scenario's own scale."""
    return sum((piece.due(until_s) for piece in pieces(load)), Fraction(0))


def begin_s(load: Load) -> Fraction:
    """Give when the first stage begins: the end of the baseline."""
    return exact(load.warm_up_s) + exact(load.baseline_s)


def stages_s(load: Load) -> float:
    """Give how long all stages last."""
    return sum(stage.for_s for stage in load.stages)


def courses(load: Load) -> Mapping[str, tuple[Fraction, Fraction]]:
    """Give when each stage begins and ends, by name, in seconds from schedule zero."""
    found, at_s = {}, begin_s(load)
    for stage in load.stages:
        found[stage.name] = (at_s, at_s + exact(stage.for_s))
        at_s += exact(stage.for_s)
    return found
