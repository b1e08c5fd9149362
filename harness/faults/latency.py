"""Let every answer over a link come late."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import SMALL_BYTES, slower
from harness.model import Break, Count, Reading, Target, noun


@noun
class Latency:
    """``latency = { target = "storefront->db_route", ms = 300, jitter_ms = 0 }``, held for ``hold_s``. Undo: take it off.

    Each answer of the peer takes ``ms`` (50 to 1,000) longer, give or take ``jitter_ms`` (at most half of it; at random, not
    by the seed). To connect takes several answers. It hits the whole link: every instance, and connections that stand too.

    Witness: how long an answer takes over a connection that an instance keeps. It bites when that has risen by about ``ms``
    less ``jitter_ms``.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    ms: Annotated[int, Meta(ge=50, le=1000)]  # less could be a busy machine, for more the witness does not wait
    jitter_ms: Count = 0

    def __post_init__(self) -> None:
        if 2 * self.jitter_ms > self.ms:
            raise ValueError(f"jitter_ms = {self.jitter_ms}: nobody could see it bite; at most half of ms, {self.ms // 2}")

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "latency", {"ms": self.ms, "jitter_ms": self.jitter_ms})

    def look(self, through: Carries) -> Reading:
        """Let a small answer come."""
        return through.carried_ms(self.target.peer or "", SMALL_BYTES)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer takes that much longer than before; None where that cannot be told."""
        return slower(before, now, self.ms - self.jitter_ms)
