"""An edge keeps what it was given for much longer than it may."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Misconfigurable, Relays
from harness.faults._wrongly import answers
from harness.model import Break, Reading, Target, noun


@noun
class StaleBody:
    """``stale_body = { target = "cdn_a" }``, held for ``hold_s``. Undo: its own configuration again.

    Whatever may be kept, it keeps from then on for an hour. What was kept so is left aside when it is undone.

    Witness: a request through it, beside the same one to those behind it. It bites when it gives what was said longer ago
    than it may be kept.
    """

    needs: ClassVar[type] = Misconfigurable
    sense: ClassVar[type] = Relays
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Misconfigurable) -> Break:
        """Prepare another configuration of one instance."""
        return on.misanswer("stale", 0)

    def look(self, through: Relays) -> Reading:
        """Let it pass something on, and compare."""
        return through.relayed()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it does so, having passed on what it should before; None where that was never seen."""
        return answers("stale", before, now)
