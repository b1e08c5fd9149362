"""Freeze an instance: it keeps its connections and its memory, and answers nothing."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Answers, Pausable
from harness.faults._silence import fell_silent
from harness.model import Break, Reading, Target, noun


@noun
class Pause:
    """``pause = { target = "orders_db:primary" }``, held for ``hold_s``. Undo: thaw it.

    Witness: the instance's own protocol, asked from outside. It bites when one that answered is silent; a refusal is no
    freeze, and a frozen host still answers a ping.
    """

    needs: ClassVar[type] = Pausable
    sense: ClassVar[type] = Answers
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Pausable) -> Break:
        """Prepare the freeze of one instance."""
        return on.pause()

    def look(self, through: Answers) -> Reading:
        """Ask whether it answers."""
        return through.answer_ms()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an instance that answered before is now silent; None where it was never seen to answer."""
        return fell_silent(before, now)
