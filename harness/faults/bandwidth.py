"""Let a link carry only so many bytes a second."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import SEEN_MS, slower
from harness.model import Break, Reading, Target, noun


@noun
class Bandwidth:
    """``bandwidth = { target = "storefront->db_route", kb_per_s = 100 }``, held for ``hold_s``. Undo: take it off.

    Each connection carries at most ``kb_per_s`` (1 to 2,500) thousand bytes a second each way.
    It hits the whole link: every instance, and connections that stand too.

    Witness: how long an answer takes that fills the link for 0.4 s, over a connection that an instance keeps. It bites when
    that has risen by about as much.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    kb_per_s: Annotated[int, Meta(ge=1, le=2500)]  # of more, no look could fill the link

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "bandwidth", {"kb_per_s": self.kb_per_s})

    def look(self, through: Carries) -> Reading:
        """Let an answer come."""
        return through.carried_ms(self.target.peer or "", int(self.kb_per_s * SEEN_MS))

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer takes that much longer than before; None where that cannot be told."""
        return slower(before, now, SEEN_MS)
