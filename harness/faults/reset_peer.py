"""Reset each connection of a link as soon as something is sent over it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import SMALL_BYTES, became
from harness.model import REFUSED, Break, Reading, Target, noun


@noun
class ResetPeer:
    """``reset_peer = { target = "storefront->db_route", after_ms = 0 }``, held for ``hold_s``. Undo: take it off.

    What an instance sends never arrives; ``after_ms`` (0 to 500) later its connection is reset, or closed where it stood
    before the act. It hits the whole link: every instance, and connections that stand too.

    Witness: an answer over a connection that an instance keeps. It bites when that is refused.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    after_ms: Annotated[int, Meta(ge=0, le=500)] = 0

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "reset_peer", {"after_ms": self.after_ms})

    def look(self, through: Carries) -> Reading:
        """Let a small answer come."""
        return through.carried_ms(self.target.peer or "", SMALL_BYTES)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer that came through before is refused; None where that cannot be told."""
        return became(before, now, (REFUSED,))
