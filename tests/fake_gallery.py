"""A fake shop with a gallery of its own: one bad shop that shows in its evening, and one that has no room to show there."""

from dataclasses import replace

from harness.declaration import Declaration
from tests.fake_shop import FakeShop

EVENING = """
format = 1
hypothesis = "A calm evening: nobody sends an order twice, some want the last pieces."
seed = 3
[load]
arrivals = { orders_per_s = 60 }
last_pieces_one_in = 4
warm_up_s = 1
baseline_s = 10
[objectives]
orders_lost = {}
duplicated = {}
ghosts = {}
sold = { kind = "oversold" }
"""


class GalleryShop(FakeShop):
    """The fake shop, two of whose defects are declared to show in the scenario ``evening``; of the second that is wrong."""

    @property
    def declaration(self) -> Declaration:
        """As the fake shop's."""
        return replace(
            super().declaration,
            defects={"oversell": "oversold", "no_idempotency": "duplicated"},
            shown_in={"oversell": ("evening",), "no_idempotency": ("evening",)},
        )

    def spoils(self, defect: str) -> str:
        """Say what a defect spoils."""
        return {"oversell": "More is sold than there is.", "no_idempotency": "Sent twice | placed twice."}[defect]
