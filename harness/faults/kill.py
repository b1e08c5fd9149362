"""Lose an instance as one loses a host: gone at once, and not coming back until it is started again."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Answers, Killable
from harness.faults._silence import fell_silent
from harness.model import REFUSED, Break, Reading, Target, noun


@noun
class Kill:
    """``kill = { target = "orders_db:primary" }``, held for ``hold_s``. Undo: start it again.

    Witness: the instance's own protocol, asked from outside. It bites when one that answered is silent or refuses.
    """

    needs: ClassVar[type] = Killable
    sense: ClassVar[type] = Answers
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Killable) -> Break:
        """Prepare the loss of one instance."""
        return on.kill()

    def look(self, through: Answers) -> Reading:
        """Ask whether it answers."""
        return through.answer_ms()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an instance that answered before no longer does; None where it was never seen to answer."""
        return fell_silent(before, now, or_said=REFUSED)
