"""Hold back what an instance receives from a peer, or everybody: as if the other end had moved to another continent."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import DELAY_LASTS_S, Delayable, Tried
from harness.faults._usual import usual, within
from harness.model import Break, Reading, Target, noun

PART = 0.5  # of the delay that a look must see: jitter takes no more away


@noun
class Delay:
    """``delay = { target = "storefront#1->db_route", ms = 100, jitter_ms = 20 }``, held for ``hold_s``. Undo: end it.

    What the instance receives comes ``ms`` later, 20 to 1,000, give or take ``jitter_ms``, at most half of that; so a round
    trip takes that much longer. ``seed`` is of the jitter, if not given that of the scenario. Packets keep their order. At
    most ``hold_s = 3600``: the helper that holds them back ends by itself.

    Its cost is CPU that is not the shop's, as measured: 200 packets a second, which 300 orders a second are at a storefront,
    took 3 % of a core; 40,000 a second took 23 %, and none was lost; more was not tried. 65,535 packets at most can wait: of
    100 ms, 650,000 a second. A TCP connection may lose more than time, where its window is too small: 190 Mbit/s at 100 ms.

    Witness: knocks over the link. It bites when the median of their round trips has risen by half of ``ms`` or more; it
    cannot tell where none is answered.
    """

    needs: ClassVar[type] = Delayable
    sense: ClassVar[type] = Tried
    held: ClassVar[bool] = True
    longest_s: ClassVar[float] = DELAY_LASTS_S
    target: Target
    ms: int
    jitter_ms: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        within("ms", self.ms, 20, 1000, "less is lost in the noise of a machine, and a witness does not wait for more")
        within("jitter_ms", self.jitter_ms, 0, self.ms // 2, "it may take at most half of the delay away")

    def prepare(self, on: Delayable) -> Break:
        """Prepare the delay at one instance."""
        return on.delay(self.target.peer, self.ms, self.jitter_ms, self.seed or 0)

    def look(self, through: Tried) -> Reading:
        """Knock, and take the time."""
        return through.round_trip_ms(self.target.peer)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether round trips take longer by what was asked; None where none was seen before, or is now."""
        was = usual(before)
        if was is None or not isinstance(now.value, float):
            return None
        return now.value - was >= PART * self.ms
