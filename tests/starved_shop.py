"""The reference shop, one part of which gets less CPU than it wants: the environment says which, and how much."""

import os

from harness.drivers.docker_client import client
from harness.planned import Plan
from harness.shop import Site
from sut.running import RunningReferenceShop
from sut.shop import ReferenceShop

STARVED = "STARVED"  # component=cores, such as orders_db=0.2
PERIOD_US = 100_000


class StarvedShop(ReferenceShop):
    """As the reference shop, with a quota on one component's instances."""

    def start(self, plan: Plan, site: Site) -> RunningReferenceShop:
        """Start it, then take the CPU away."""
        running = super().start(plan, site)
        name, _, cores = os.environ[STARVED].partition("=")
        for thing in running.residence.things:
            if thing.name.partition("-")[0] == name:
                client().containers.get(thing.ref).update(cpu_period=PERIOD_US, cpu_quota=int(PERIOD_US * float(cores)))
        return running
