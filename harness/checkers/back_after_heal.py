"""``back_after_heal``: what the shop cannot get over alone, it gets over once we have healed it, within a budget."""

from typing import ClassVar

import numpy as np

from harness.aftermath import aftermaths
from harness.evidence import FEWEST_ARRIVALS, arrivals_needed, decide
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History, Window
from harness.model import Positive, Verdict, noun


@noun
class BackAfterHeal(Checker):
    """After our last heal the shop must take orders again within ``budget_s``, and keep on for ``recovery.stable_s``.

    For a scenario in which the shop is right to stay out until people have mended something; there it takes the place of
    ``rto``. The end of a stage of the load counts as a heal of ours. From the last heal to the end of the last outage; 0
    where none was seen from then on. A load that ended before the budget was over cannot tell: INCONCLUSIVE. Evidence:
    orders due from the last heal on.
    """

    timing: ClassVar[bool] = True

    budget_s: Positive

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee the orders due once all is healed."""
        return (forecast.orders(FEWEST_ARRIVALS, when="recovered"),)

    def check(self, history: History) -> Verdict:
        """Judge from the last heal on, whatever the window."""
        found, load, limit = aftermaths(history), history.load, {"budget_s": self.budget_s}
        last = found[-1] if found and found[-1].disturbance.heal else None
        if load is None or last is None:
            lacking = "No heal is the last thing in the journal that was done, so there was nothing to come back from."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        since = Window(start_ns=last.disturbance.at_ns, end_ns=load.end_ns)
        step, stable_s = last.disturbance.step, history.scenario.recovery.stable_s
        heal = f"the stage {step}" if history.stage(step) else f"our heal of {step}"
        over = last.recovery_s > self.budget_s
        lacking = ""
        if last.still_out:
            lacking = f"It was still out when the load ended, {last.lasted_s:.1f} s after {heal}."
        elif last.steady_s < stable_s:
            lacking = f"It was steady for only {last.steady_s:.1f} s when the load ended; {stable_s:g} s are needed."
        back = f"orders were taken again within {last.recovery_s:.1f} s" if last.outages else "no outage was seen"
        return decide(
            failed=f"After {heal} it took {last.recovery_s:.1f} s{' and more' * last.still_out} to take orders "
            f"again; the budget is {self.budget_s:g} s."
            if over
            else "",
            lacking=lacking,
            passed=f"After {heal} {back}; the budget is {self.budget_s:g} s.",
            measured={"after_heal_s": last.recovery_s},
            limit=limit,
            evidence=int(np.count_nonzero(history.cohort(since))),
            needed=arrivals_needed(history, since),
        )
