"""An edge waits before each answer."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Misconfigurable, Relays
from harness.model import SILENT, Break, Reading, Target, noun

HALF = 0.5


@noun
class SlowFirstByte:
    """``slow_first_byte = { target = "cdn_a", ms = 3000 }``, held for ``hold_s``. Undo: its own configuration again.

    ``ms``: how long every answer waits before it begins; 100 to 30000, 3000 where not given. It is right, when it comes.

    Witness: a request through it. It bites when that takes longer than any before, by half of ``ms`` at least, or when
    nothing came while the witness waited, which is a second.
    """

    needs: ClassVar[type] = Misconfigurable
    sense: ClassVar[type] = Relays
    held: ClassVar[bool] = True
    target: Target
    ms: Annotated[int, Meta(ge=100, le=30_000)] = 3000

    def prepare(self, on: Misconfigurable) -> Break:
        """Prepare another configuration of one instance."""
        return on.misanswer("slow", self.ms)

    def look(self, through: Relays) -> Reading:
        """Let it pass something on, and measure."""
        return through.relayed()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it is that much slower, having been seen to answer before; None where that was never seen."""
        known = [reading.value for reading in before if isinstance(reading.value, float)]
        if now.value is None or not known:
            return None
        if isinstance(now.value, float):
            return now.value >= max(known) + HALF * self.ms
        return now.value == SILENT
