"""``cpu_per_order``: an order costs no more CPU time than it may, the least noisy figure of how fast a shop is."""

from typing import ClassVar

import numpy as np

from harness.cost import PROBE, cost
from harness.evidence import SHORTFALL, arrivals_needed, decide, too_few
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Positive, Verdict, noun

ENOUGH = 1000  # a counter of CPU time ticks in hundredths of a second


@noun
class CpuPerOrder(Checker):
    """CPU time per acknowledged order, of the load generator and of every part of the shop together: at most ``max_ms``.

    From counters read once a second: the kernel's control groups for the shop's containers, its process table for the
    generator. By component in the verdict's measured values. Printed beside it, and not judged, are the harness's own
    share (``harness_ms``) and everything that was busy on the machine (``machine_ms``). Judge a stretch without fault: of a
    part that restarts, up to a second is not counted. Evidence: acknowledged orders, at least 1,000; a counter that was not
    read for more than 3 s leaves a PASS open, and orders that were not sent, or have no record (0.5 %), a FAIL too.
    """

    probes: ClassVar[tuple[str, ...]] = (PROBE,)
    windowed: ClassVar[bool] = True

    max_ms: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due in the stretch."""
        return (forecast.orders(ENOUGH),)

    def check(self, history: History) -> Verdict:
        """Judge the orders due in the history's window, by what was used in it."""
        found, needed = cost(history), max(ENOUGH, arrivals_needed(history, history.window))
        due, ledger = history.cohort(), history.ledger
        offered, unsent = int(due.sum()), int(np.count_nonzero(due & ~(ledger.recorded & (ledger.sent_ns >= 0))))
        less = unsent > SHORTFALL * offered  # what costs as much with fewer orders makes each of them dearer
        dearest = ", ".join(f"{name} {ms:.2f}" for name, ms in list(found.by_component.items())[:3])
        word = f"{found.orders:,} orders cost {found.ms:.2f} ms of CPU each ({dearest} …); the limit is {self.max_ms:g} ms."
        return decide(
            failed=word if found.orders >= ENOUGH and not less and not found.ms <= self.max_ms else "",
            lacking=found.lacking
            or too_few(offered, needed)
            or f"Of {offered:,} orders {unsent:,} were not sent, or have no record." * less,
            passed=word,
            measured={
                "cpu_ms": found.ms,
                **{f"{name}_ms": ms for name, ms in found.by_component.items()},
                "harness_ms": found.harness_ms,
                "machine_ms": found.machine_ms,
            },
            limit={"max_ms": self.max_ms},
            evidence=found.orders,
            needed=ENOUGH,
        )
