"""An edge answers reads with something that nobody behind it has said."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Misconfigurable, Relays
from harness.faults._wrongly import answers
from harness.model import Break, Reading, Target, noun


@noun
class WrongBody:
    """``wrong_body = { target = "cdn_a" }``, held for ``hold_s``. Undo: its own configuration again.

    Whatever is read is answered 200, with a page that is not the shop's. What is not a read is passed on as before.

    Witness: a request through it, beside the same one to those behind it. It bites when what it gives is neither what
    they say nor a part of it.
    """

    needs: ClassVar[type] = Misconfigurable
    sense: ClassVar[type] = Relays
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Misconfigurable) -> Break:
        """Prepare another configuration of one instance."""
        return on.misanswer("body", 0)

    def look(self, through: Relays) -> Reading:
        """Let it pass something on, and compare."""
        return through.relayed()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it does so, having passed on what it should before; None where that was never seen."""
        return answers("wrong", before, now)
