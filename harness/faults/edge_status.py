"""An edge answers everything with an error of its own."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Misconfigurable, Relays
from harness.faults._wrongly import answers
from harness.model import Break, Reading, Target, noun


@noun
class EdgeStatus:
    """``edge_status = { target = "cdn_a", status = 503 }``, held for ``hold_s``. Undo: its own configuration again.

    ``status``: of every answer, whatever those behind it say; 400 to 599, 503 where not given. They are not asked.

    Witness: a request through it, beside the same one to those behind it. It bites when it answers with that status.
    """

    needs: ClassVar[type] = Misconfigurable
    sense: ClassVar[type] = Relays
    held: ClassVar[bool] = True
    target: Target
    status: Annotated[int, Meta(ge=400, le=599)] = 503

    def prepare(self, on: Misconfigurable) -> Break:
        """Prepare another configuration of one instance."""
        return on.misanswer("status", self.status)

    def look(self, through: Relays) -> Reading:
        """Let it pass something on, and compare."""
        return through.relayed()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether it does so, having passed on what it should before; None where that was never seen."""
        return answers(f"status {self.status}", before, now)
