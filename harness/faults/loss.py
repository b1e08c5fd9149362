"""Lose some of the packets between an instance and a peer, or everybody, as a bad cable does."""

from collections.abc import Sequence
from typing import ClassVar

from harness.capabilities import Lossy, Tried, Way
from harness.faults._usual import usual, within
from harness.model import Break, Reading, Target, noun

EXPECTED = 20  # knocks that go unanswered in one look while it holds: chance hardly ever leaves less than a quarter
PART = 0.25


@noun
class Loss:
    """``loss = { target = "storefront#1->db_route", percent = 20, way = "in" }``, held for ``hold_s``. Undo: lose none.

    ``percent``, 5 to 50, of the packets are lost, each way for itself; ``way`` as for a ``cut``. Which ones follows from
    ``seed``, if not given that of the scenario, and from the order in which they come: a run repeated loses the 3rd and
    the 12th again, though another packet may be the 12th. What goes out is lost before it leaves, so the sender's own
    kernel sees it and tries again soon.

    Witness: knocks over the link, so many that 20 go unanswered while it holds. It bites when at least 5 do, and it
    cannot tell where as many did before, or where none at all is answered: that is no loss but a cut.
    """

    needs: ClassVar[type] = Lossy
    sense: ClassVar[type] = Tried
    held: ClassVar[bool] = True
    target: Target
    percent: int
    way: Way = "both"
    seed: int | None = None

    def __post_init__(self) -> None:
        because = "a witness cannot tell less from chance, and more is a cut"
        within("percent", self.percent, 5, 50, because)

    def prepare(self, on: Lossy) -> Break:
        """Prepare the loss at one instance."""
        return on.lose(self.target.peer, self.way, self.percent, self.seed or 0)

    def look(self, through: Tried) -> Reading:
        """Knock."""
        return through.lost_ratio(self.target.peer, -(-100 * EXPECTED // self.percent))

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether knocks go unanswered as they would at this loss, and did not before; None where it cannot be told."""
        least, was = PART * self.percent / 100, usual(before)
        if was is None or was >= least or not isinstance(now.value, float):
            return None
        return now.value >= least
