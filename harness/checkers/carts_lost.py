"""``carts_lost``: what a shopper has put into a cart is in it, up to the order."""

from typing import ClassVar

import numpy as np

from harness.evidence import FEWEST_ARRIVALS, decide, plural
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Count, Verdict, noun
from harness.sessions import answers, answers_needed, told, too_few_answers, wrong
from harness.visits import CART, CHECKOUT, OTHER_CART, PAY

ENOUGH = 100


@noun
class CartsLost(Checker):
    """Sessions whose cart was once not what they had put into it: at most ``max``.

    Compared, product by product, are the answer to each putting in, the cart when it is looked at, what the checkout
    confirms, and what the order says; a checkout that finds the cart empty counts too. Evidence: carts looked at, checkouts
    and orders answered, of those asked for since the last act; 100, or nine tenths of those of 10 s if that is less, 20 at
    least.
    """

    browses: ClassVar[bool] = True

    max: Count = 0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee what is asked for since the last act by those who buy."""
        return (forecast.buying(FEWEST_ARRIVALS, "carts, checkouts and orders", together=3),)

    def check(self, history: History) -> Verdict:
        """Judge the whole run, whatever the window."""
        rows, sessions = wrong(history, OTHER_CART), history.scenario.load.sessions
        carts = len(np.unique(history.visits.session[rows]))
        looks = answers(history, CART, CHECKOUT, PAY)
        needed = answers_needed(history, ENOUGH, 3 * sessions.checkout_ratio if sessions else 0)
        return decide(
            failed=f"{plural(carts, 'cart')} did not hold what had been put in; at most {self.max:,} may."
            if carts > self.max
            else "",
            lacking=too_few_answers(history, looks, needed, "carts, checkouts and orders"),
            passed=f"{carts:,} carts did not hold what had been put in, of {looks:,} looks; at most {self.max:,} may.",
            measured={"carts_lost": carts, "looks": looks},
            limit={"max": self.max},
            evidence=looks,
            needed=needed,
            examples=list(told(history, rows)),
        )
