"""Lose the packets between an instance and a peer, or everybody: sent, and never arrived, as on a fibre that is cut."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Cuttable, Linked, Way
from harness.faults._silence import fell_silent
from harness.model import Break, Reading, Target, noun


@noun
class Cut:
    """``cut = { target = "orders_db:standby->orders_db", way = "in" }``, held for ``hold_s``. Undo: let packets pass again.

    ``way``: ``both`` (the default), ``in`` (what it is sent does not arrive) or ``out`` (what it sends is lost). Without
    ``->`` it is cut off from everybody. It is done at this end of the link, so aim at the instance that survives.

    Witness: something that passes over the link as the parts themselves use it. It bites when what arrived is silent.
    """

    needs: ClassVar[type] = Cuttable
    sense: ClassVar[type] = Linked
    held: ClassVar[bool] = True
    target: Target
    way: Way = "both"

    def prepare(self, on: Cuttable) -> Break:
        """Prepare the loss at one instance."""
        return on.cut(self.target.peer, self.way)

    def look(self, through: Linked) -> Reading:
        """Let something pass."""
        return through.heard_ms(self.target.peer)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether what passed before no longer does; None where nothing was ever seen to pass."""
        return fell_silent(before, now)
