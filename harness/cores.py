"""The machine's cores shared out, so that the shop and those who measure it do not take them from each other."""

import os
from collections.abc import Collection

from harness.declaration import Declaration
from harness.drivers import driver
from harness.errors import SetupError
from harness.model import noun
from harness.planned import Plan
from harness.shop import RunningShop, Shop, Site


@noun
class Cores:
    """The cores of the shop's parts, and those of the generator; no core is in both."""

    shop: frozenset[int]
    load: frozenset[int]


class Confined:
    """A shop whose parts run on some of the machine's cores only, also once they are started again."""

    def __init__(self, shop: Shop, cores: Collection[int]) -> None:
        self._shop, self._cores = shop, cores

    @property
    def declaration(self) -> Declaration:
        """As the shop's own."""
        return self._shop.declaration

    def start(self, plan: Plan, site: Site) -> RunningShop:
        """Start the shop and confine it. Raises what the shop raises, and ``ControlError`` where it does not stay there."""
        running = self._shop.start(plan, site)
        driver(self.declaration.driver).confine(running.residence, self._cores)
        return running


def apart() -> Cores:
    """Give the generator the last core that we may use, the shop all others. Raises ``SetupError`` where there is one."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise SetupError("the shop and the generator need a core each, and this machine has one that we may use")
    return Cores(shop=frozenset(ours[:-1]), load=frozenset(ours[-1:]))
