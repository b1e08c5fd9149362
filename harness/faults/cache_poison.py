"""Write wrong prices into a cache: shoppers are shown them for a moment, and must not be charged by them."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Corruptible, Priced
from harness.faults._changed import changed
from harness.model import Break, Reading, Target, noun


@noun
class CachePoison:
    """``cache_poison = { target = "cache" }``, an impulse: written once, as fresh as what the shop writes.

    What is written is kept without an end: that it has grown old, the shop must see by itself.

    Witness: the price on a product's page, read where shoppers read it. It bites when that is not the price of before,
    and the shop has got over it when it is.
    """

    needs: ClassVar[type] = Corruptible
    sense: ClassVar[type] = Priced
    held: ClassVar[bool] = False
    fades: ClassVar[bool] = True
    target: Target

    def prepare(self, on: Corruptible) -> Break:
        """Prepare the wrong prices."""
        return on.corrupt()

    def look(self, through: Priced) -> Reading:
        """Read a price."""
        return through.price_shown()

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether another price is shown than before; None where that cannot be told."""
        return changed(before, now)
