"""Let a cache forget everything at once: all that it spared others comes down on them."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Flushable, Retentive
from harness.faults._changed import changed
from harness.model import Break, Reading, Target, noun


@noun
class CacheFlush:
    """``cache_flush = { target = "cache" }``, an impulse: nothing is held, the shop fills it again.

    Witness: a text that was left in the cache at the first look, read over a connection of its own. It bites when that
    text is gone. Silence proves nothing, nor does a refusal.
    """

    needs: ClassVar[type] = Flushable
    sense: ClassVar[type] = Retentive
    held: ClassVar[bool] = False
    target: Target

    def prepare(self, on: Flushable) -> Break:
        """Prepare that it forgets."""
        return on.flush()

    def look(self, through: Retentive) -> Reading:
        """Read what was left there."""
        return through.kept_since()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether what was left there is gone; None where that cannot be told."""
        return changed(before, now)
