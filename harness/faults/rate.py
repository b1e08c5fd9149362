"""Make a link slow: no more than so many bytes a second pass, on connections that stand too."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Throttleable, Tried, Way
from harness.faults._usual import usual, within
from harness.model import SILENT, Break, Reading, Target, noun

NARROWER = 2.0  # than usual: a link that never carried twice as much may not feel it
LENIENT = 1.5  # what was saved up passes at once, so one look may see more than the rate


@noun
class Rate:
    """``rate = { target = "storefront#1->db_route", kbytes_per_s = 50 }``, held for ``hold_s``. Undo: let all pass again.

    ``kbytes_per_s``, 8 to 1,000 (of 1,024 bytes), come in and as many go out; ``way`` as for a ``cut``. What is too fast is
    lost, so the senders slow down as they do before a full line. Only links have a rate.

    Witness: bytes moved over the link as the parts themselves do. It bites when they are not faster than one and a half
    times the rate, or none pass in time, where they were twice as fast before; it cannot tell of a link that never was.
    """

    needs: ClassVar[type] = Throttleable
    sense: ClassVar[type] = Tried
    held: ClassVar[bool] = True
    target: Target
    kbytes_per_s: int
    way: Way = "both"

    def __post_init__(self) -> None:
        because = "less than a packet at once lets none pass, and more is faster than a witness can see"
        within("kbytes_per_s", self.kbytes_per_s, 8, 1000, because)
        if "->" not in str(self.target):  # which may be a text still
            raise ValueError(
                f'{self.target} is no link, and only links have a rate; write target = "storefront#1->db_route"'
            )

    def prepare(self, on: Throttleable) -> Break:
        """Prepare the limit at one instance."""
        return on.throttle(self.target.peer, self.way, self.kbytes_per_s)

    def look(self, through: Tried) -> Reading:
        """Let bytes pass."""
        return through.kbytes_per_s(self.target.peer)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether a link that was faster before is no faster than this now; None where it cannot be told."""
        was = usual(before)
        if was is None or was < NARROWER * self.kbytes_per_s:
            return None
        if isinstance(now.value, float):
            return now.value <= LENIENT * self.kbytes_per_s
        return True if now.value == SILENT else None
