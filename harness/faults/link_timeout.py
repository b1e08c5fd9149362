"""Let nothing pass over a link, and nobody know."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import SMALL_BYTES, became
from harness.model import REFUSED, SILENT, Break, Reading, Target, noun


@noun
class LinkTimeout:
    """``link_timeout = { target = "storefront->db_route", closes_after_ms = 0 }``, held for ``hold_s``. Undo: take it off.

    Connections stand, and can be made; what is sent over them, either way, is lost. With ``closes_after_ms`` they are closed
    once nothing was sent for so long; without, when the toxic is taken off.
    It hits the whole link: every instance, and connections that stand too.

    Witness: an answer over a connection that an instance keeps. It bites when that is silent, or, where connections are
    closed, refused.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    closes_after_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "link_timeout", {"closes_after_ms": self.closes_after_ms})

    def look(self, through: Carries) -> Reading:
        """Let a small answer come."""
        return through.carried_ms(self.target.peer or "", SMALL_BYTES)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer that came through before does not any more; None where that cannot be told."""
        return became(before, now, (SILENT, REFUSED) if self.closes_after_ms else (SILENT,))
