"""Add one more instance to those that share the work, as one does when more shoppers come than those can serve."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Scalable, Shares
from harness.model import Break, Reading, Target, noun


@noun
class ScaleOut:
    """``scale_out = { target = "storefront#3" }``, held for ``hold_s``. Undo: ask it to go, then remove it.

    The target is the next number after the instances that are there. The act ends when the new one is ready. Witness:
    whoever hands out the orders, and counts who has served them. It bites when one that served none serves some; while
    nobody orders nothing can be told.
    """

    needs: ClassVar[type] = Scalable
    sense: ClassVar[type] = Shares
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Scalable) -> Break:
        """Prepare that it is added."""
        return on.scale_out()

    def look(self, through: Shares) -> Reading:
        """Ask which share of the orders it serves."""
        return through.share_ratio()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it serves orders; None where it was never seen to serve none, or nobody can tell."""
        if not isinstance(now.value, float) or not any(one.value == 0.0 for one in before):
            return None
        return now.value > 0
