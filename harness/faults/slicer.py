"""Let what passes over a link arrive in small pieces, one after the other."""

from collections.abc import Sequence
from math import ceil
from typing import Annotated, ClassVar

from msgspec import Meta

from harness.capabilities import Carries, Poisonable
from harness.faults._carried import MOST_BYTES, SEEN_MS, slower
from harness.model import Break, Reading, Target, noun


@noun
class Slicer:
    """``slicer = { target = "storefront->db_route", piece_bytes = 100, pause_us = 1000 }``, held for ``hold_s``.

    Undo: take it off.

    What is sent either way is cut into pieces of ``piece_bytes``, down to half of it, and after each nothing passes for
    ``pause_us`` (500 to 100,000) microseconds. It hits the whole link: every instance, and connections that stand too.

    Witness: how long an answer of many pieces takes, over a connection that an instance keeps. It bites when that has risen
    by about their pauses.
    """

    needs: ClassVar[type] = Poisonable
    sense: ClassVar[type] = Carries
    held: ClassVar[bool] = True
    target: Target
    piece_bytes: Annotated[int, Meta(ge=1, le=100_000)]
    pause_us: Annotated[int, Meta(ge=500, le=100_000)]  # less is lost in the proxy's own clock

    def __post_init__(self) -> None:
        if self._size_bytes > MOST_BYTES:
            because = "nobody could see it bite; smaller pieces, or longer pauses"
            raise ValueError(f"piece_bytes = {self.piece_bytes} with pause_us = {self.pause_us}: {because}")

    @property
    def _size_bytes(self) -> int:
        """An answer whose pauses last half of ``SEEN_MS``, or up to all of it where its pieces are small."""
        return ceil(SEEN_MS / 2 * 1000 / self.pause_us) * self.piece_bytes

    def prepare(self, on: Poisonable) -> Break:
        """Prepare the toxic for the whole link."""
        return on.poison(self.target.peer or "", "slicer", {"piece_bytes": self.piece_bytes, "pause_us": self.pause_us})

    def look(self, through: Carries) -> Reading:
        """Let an answer of many pieces come."""
        return through.carried_ms(self.target.peer or "", self._size_bytes)

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether an answer takes that much longer than before; None where that cannot be told."""
        return slower(before, now, SEEN_MS / 2)
