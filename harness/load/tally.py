"""Counts in passing, for people who watch. Verdicts come from the ledger alone."""

from harness.events import LoadTick
from harness.history import ACKNOWLEDGED, FATES, GOOD_WITHIN_NS, ORDER


class Tally:
    """Counts orders since the load began, and the lateness of all arrivals since the last tick. Times in run's ns."""

    def __init__(self) -> None:
        self._fates = [0] * len(FATES)
        self._offered = 0
        self._late_ns: list[int] = []
        self._in_flight: dict[int, int] = {}
        self._last_bad_ns: int | None = None

    def begin(self, seq: int, kind: int, intended_ns: int, sent_ns: int) -> None:
        """Count an arrival that is taken up."""
        self._late_ns.append(sent_ns - intended_ns)
        if kind == ORDER:
            self._offered += 1
            self._in_flight[seq] = intended_ns

    def end(self, seq: int, fate: int, done_ns: int) -> None:
        """Count the fate of an arrival that was taken up."""
        intended_ns = self._in_flight.pop(seq, None)
        if intended_ns is None:
            return
        self._fates[fate] += 1
        if fate != ACKNOWLEDGED or done_ns - intended_ns > GOOD_WITHIN_NS:
            self._bad(intended_ns)

    def tick(self, at_ns: int) -> LoadTick:
        """Sum up; an order that is still without an answer after a good answer's time counts as bad by now."""
        overdue = [intended for intended in self._in_flight.values() if at_ns - intended > GOOD_WITHIN_NS]
        if overdue:
            self._bad(max(overdue))
        late_ns, self._late_ns = sorted(self._late_ns), []
        acknowledged, refused, unknown, shed = self._fates
        return LoadTick(
            at_ns=at_ns,
            offered=self._offered,
            acknowledged=acknowledged,
            refused=refused,
            unknown=unknown,
            shed=shed,
            in_flight=len(self._in_flight),
            late_ms_p99=late_ns[(len(late_ns) * 99 - 1) // 100] / 1e6 if late_ns else 0.0,
            last_bad_ns=self._last_bad_ns,
        )

    def _bad(self, intended_ns: int) -> None:
        self._last_bad_ns = max(intended_ns, self._last_bad_ns or intended_ns)
