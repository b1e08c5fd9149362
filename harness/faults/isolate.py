"""Take an instance off the network: it runs on, and nobody reaches it; it comes back under its old address."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Answers, Detachable
from harness.faults._silence import fell_silent
from harness.model import Break, Reading, Target, noun


@noun
class Isolate:
    """``isolate = { target = "orders_db:primary" }``, held for ``hold_s``. Undo: attach it again, at its old address.

    Unlike a ``cut`` its own network is gone too: its connections break at once where it notices, and stay open elsewhere.

    Witness: the instance's own protocol, asked from outside. It bites when one that answered is silent.
    """

    needs: ClassVar[type] = Detachable
    sense: ClassVar[type] = Answers
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Detachable) -> Break:
        """Prepare that one instance leaves."""
        return on.isolate()

    def look(self, through: Answers) -> Reading:
        """Ask whether it answers."""
        return through.answer_ms()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an instance that answered before is now silent; None where it was never seen to answer."""
        return fell_silent(before, now)
