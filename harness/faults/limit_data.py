"""End each connection of a link once so many bytes have come over it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import MOST_BYTES, became
from harness.model import REFUSED, Break, Reading, Target, noun


@noun
class LimitData:
    """``limit_data = { target = "storefront->db_route", after_bytes = 10000 }``, held for ``hold_s``. Undo: take it off.

    A connection is closed when the peer has sent ``after_bytes`` (1 to 1,000,000) over it, counted from the act if it stood
    before: in the middle of an answer. It hits the whole link: every instance, and connections that stand too.

    Witness: an answer of more than so many bytes, over a connection that an instance keeps. It bites when that is refused.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    after_bytes: Annotated[int, Meta(ge=1, le=MOST_BYTES)]

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "limit_data", {"after_bytes": self.after_bytes})

    def look(self, through: Carries) -> Reading:
        """Let an answer that is too long come."""
        return through.carried_ms(self.target.peer or "", self.after_bytes)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer that came through before is refused; None where that cannot be told."""
        return became(before, now, (REFUSED,))
