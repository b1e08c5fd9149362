"""Take the resolution of names away from an instance: its questions stay without an answer, addresses work on."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Resolves, Unnameable
from harness.faults._silence import fell_silent
from harness.model import REFUSED, Break, Reading, Target, noun


@noun
class DnsGone:
    """``dns_gone = { target = "storefront#1" }``, held for ``hold_s``. Undo: let its questions pass again.

    Connections that stand are not touched, nor is what was looked up before and kept.

    Witness: a lookup that the instance itself makes, as it makes its own. It bites when one that was answered is silent or
    fails.
    """

    needs: ClassVar[type] = Unnameable
    sense: ClassVar[type] = Resolves
    held: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Unnameable) -> Break:
        """Prepare the loss of one instance's questions for names."""
        return on.unname()

    def look(self, through: Resolves) -> Reading:
        """Let it look up a name."""
        return through.lookup_ms()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether names that were found before no longer are; None where none was ever seen to be found."""
        return fell_silent(before, now, or_said=REFUSED)
