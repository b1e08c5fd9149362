"""What a benchmark has measured, figure by figure."""

import statistics

from harness.model import noun

COLUMNS = ("figure", "values", "median", "spread", "unit", "limit")


@noun
class Figure:
    """One figure: what was measured, in which unit, every value, and its limit if it has one."""

    name: str
    unit: str
    values: tuple[float, ...]
    limit: float | None = None

    @property
    def kept(self) -> bool:
        """Whether there is a limit to keep and no value is above it."""
        return self.limit is None or (bool(self.values) and max(self.values) <= self.limit)

    @property
    def cells(self) -> tuple[str, ...]:
        """The figure as a row of a table, in the order of ``COLUMNS``."""
        limit = "" if self.limit is None else f"{self.limit:g}"
        if not self.values:
            return (self.name, "0", "-", "-", self.unit, limit)
        least, median, most = (f"{of(self.values):.3g}" for of in (min, statistics.median, max))
        return (self.name, str(len(self.values)), median, f"{least} - {most}", self.unit, limit)
