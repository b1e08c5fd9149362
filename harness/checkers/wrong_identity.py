"""``wrong_identity``: nobody is ever shown what belongs to another."""

from typing import ClassVar

from harness.evidence import FEWEST_ARRIVALS, decide, plural
from harness.forecast import Forecast, Foreseen
from harness.history import Checker, History
from harness.model import Count, Verdict, noun
from harness.sessions import answers, answers_needed, told, too_few_answers, wrong
from harness.visits import ACCOUNT, CART, CART_PUT, CHECKOUT, IDENTITY, LOGIN, PAY

ENOUGH = 100
PERSONAL = (LOGIN, CART_PUT, ACCOUNT, CART, CHECKOUT, PAY)


@noun
class WrongIdentity(Checker):
    """Answers that were another's, or that carry somebody's identity though all may see them: at most ``max``.

    A personal answer (log-in, account, cart, checkout) must name the shopper that asked, in header and body. A public page,
    and what belongs to it, must name nobody and set no cookie of identity: whoever keeps a copy of it would make the next
    shopper into this one.
    Evidence: personal answers, of those asked for since the last act; 100, or nine tenths of those of 10 s (six a checkout)
    if that is less, 20 at least.
    """

    browses: ClassVar[bool] = True

    max: Count = 0

    def foresee(self, forecast: Forecast) -> tuple[Foreseen, ...]:
        """Foresee what is asked for since the last act by those who buy."""
        return (forecast.buying(FEWEST_ARRIVALS, "personal answers", together=len(PERSONAL)),)

    def check(self, history: History) -> Verdict:
        """Judge the whole run, whatever the window."""
        rows, sessions = wrong(history, IDENTITY), history.scenario.load.sessions
        personal = answers(history, *PERSONAL)
        needed = answers_needed(history, ENOUGH, len(PERSONAL) * sessions.checkout_ratio if sessions else 0)
        return decide(
            failed=f"{plural(len(rows), 'answer')} named another shopper than the one who asked; at most {self.max:,} may."
            if len(rows) > self.max
            else "",
            lacking=too_few_answers(history, personal, needed, "personal answers"),
            passed=f"{len(rows):,} answers named another shopper, of {personal:,} personal ones; at most {self.max:,} may.",
            measured={"wrong_identity": len(rows), "personal": personal},
            limit={"max": self.max},
            evidence=personal,
            needed=needed,
            examples=list(told(history, rows)),
        )
