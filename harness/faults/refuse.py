"""Answer connections between an instance and a peer, or everybody, with a reset: at once, and for those that stand too."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Linked, Refusable, Way
from harness.faults._silence import fell_silent
from harness.model import REFUSED, Break, Reading, Target, noun


@noun
class Refuse:
    """``refuse = { target = "storefront#1->db_route" }``, held for ``hold_s``. Undo: let packets pass again.

    ``way``: ``both`` (the default), ``in`` (who sends to it is reset) or ``out`` (what it sends is reset). Without ``->`` it
    refuses everybody. What is not TCP is lost. It is done at this end of the link, so aim at the instance that survives.

    Witness: something that passes over the link as the parts themselves use it. It bites when that refuses, or is silent.
    """

    needs: ClassVar[type] = Refusable
    sense: ClassVar[type] = Linked
    held: ClassVar[bool] = True
    target: Target
    way: Way = "both"

    def prepare(self, on: Refusable) -> Break:
        """Prepare the refusal at one instance."""
        return on.refuse(self.target.peer, self.way)

    def look(self, through: Linked) -> Reading:
        """Let something pass."""
        return through.heard_ms(self.target.peer)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether what passed before no longer does; None where nothing was ever seen to pass."""
        return fell_silent(before, now, or_said=REFUSED)
