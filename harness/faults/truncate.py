"""An edge passes on the beginning of a body as if it were the whole."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Misconfigurable, Relays
from harness.faults._wrongly import answers
from harness.model import Break, Reading, Target, noun


@noun
class Truncate:
    """``truncate = { target = "cdn_a", after_bytes = 500 }``, held for ``hold_s``. Undo: its own configuration again.

    Of every body that is read only the first ``after_bytes`` pass (1 to 1000, 500 where not given), as if they were all: its
    length is given as that, or not at all, so that only who knows the whole can tell.

    Witness: a request through it, beside the same one to those behind it. It bites when it gives the beginning
    of what they say.
    """

    needs: ClassVar[type] = Misconfigurable
    sense: ClassVar[type] = Relays
    held: ClassVar[bool] = True
    target: Target
    after_bytes: Annotated[int, Meta(ge=1, le=1000)] = 500

    def prepare(self, on: Misconfigurable) -> Break:
        """Prepare another configuration of one instance."""
        return on.misanswer("truncated", self.after_bytes)

    def look(self, through: Relays) -> Reading:
        """Let it pass something on, and compare."""
        return through.relayed()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it does so, having passed on what it should before; None where that was never seen."""
        return answers("truncated", before, now)
