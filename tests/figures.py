"""What a benchmark has measured, figure by figure."""

import statistics

from harness.model import noun

COLUMNS = ("figure", "values", "median", "spread", "unit", "limit")


@noun
class Figure:
    """One figure: what was measured, in which unit, every value, and its limit if it has one: the most, or the least."""

    name: str
    unit: str
    values: tuple[float, ...]
    limit: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether no value is beyond a limit; without values no limit is kept."""
        below = self.limit is None or (bool(self.values) and max(self.values) <= self.limit)
        return below and (self.least is None or (bool(self.values) and min(self.values) >= self.least))

    @property
    def cells(self) -> tuple[str, ...]:
        """The figure as a row of a table, in the order of ``COLUMNS``."""
        most = "" if self.limit is None else f"<= {self.limit:g}"
        limit = most if self.least is None else f">= {self.least:g}"
        if not self.values:
            return (self.name, "0", "-", "-", self.unit, limit)
        lowest, median, highest = (f"{of(self.values):.3g}" for of in (min, statistics.median, max))
        return (self.name, str(len(self.values)), median, f"{lowest} - {highest}", self.unit, limit)
