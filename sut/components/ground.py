"""What the parts of one run stand on: a network of their own, an address for each instance, labels."""

import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from itertools import islice

from testcontainers.core.network import Network

from harness.drivers.docker_client import ADDRESS, INSTANCE, LOCK, NETWORK, RUN, TOOLS
from harness.drivers.docker_network import Wiring
from harness.errors import SetupError
from harness.model import noun
from harness.shop import Site

BENCHMARKS = IPv4Network("198.18.0.0/15")  # RFC 2544: routed nowhere
ENGINE_LIMIT_S = 30
TOOLS_ROLE = "tools"  # the role of the image whose programs reach into a part's network
TRIES = 64
FIRST_HOST = 10


@noun
class Ground:
    """A run's network, with the fixed address of each instance: a restarted container might get another one.

    ``images`` are the names of the images by role, fixed here, so that all parts are of one age. ``given_up`` is set when
    the start of any part failed or was interrupted, so that nobody waits for the others.
    """

    run: str
    lock: str
    network: str
    subnet: IPv4Network
    addresses: Mapping[str, str]
    images: Mapping[str, str]
    now_ns: Callable[[], int]
    given_up: threading.Event

    @property
    def gateway(self) -> str:
        """This machine's own address in the network."""
        return str(self.subnet[1])

    def labels(self, instance: str) -> dict[str, str]:
        """Give the labels by which the guardian and ``heal`` find what this run has put on the machine."""
        labels = {RUN: self.run, INSTANCE: instance, LOCK: self.lock}
        if instance in self.addresses:  # and where it belongs
            labels |= {NETWORK: self.network, ADDRESS: self.addresses[instance], TOOLS: self.images[TOOLS_ROLE]}
        return labels

    def wiring(self, instance: str, peers: Mapping[str, Sequence[str]]) -> Wiring:
        """Say how an instance hangs in the network; ``peers`` are the instances by component that it is linked to."""
        others = {name: [self.addresses[one] for one in them if one != instance] for name, them in peers.items()}
        return Wiring(network=self.network, address=self.addresses[instance], tools=self.images[TOOLS_ROLE], peers=others)


def subnets(run: str) -> Iterator[IPv4Network]:
    """Give every /24 of 198.18.0.0/15 once, each run beginning somewhere else, so that runs seldom want the same."""
    every = list(BENCHMARKS.subnets(new_prefix=24))
    begin = zlib.crc32(run.encode()) % len(every)
    return iter(every[begin:] + every[:begin])


def ground_on(subnet: IPv4Network, site: Site, instances: Sequence[str], images: Mapping[str, str]) -> Ground:
    """Give the ground of a run on a subnet: that of a shop that stands too, given the same instances. Makes nothing."""
    return Ground(
        run=site.id,
        lock=str((site.folder / "undo.lock").resolve()),
        network=f"windtunnel-{site.id}",
        subnet=subnet,
        addresses={instance: str(subnet[FIRST_HOST + n]) for n, instance in enumerate(instances)},
        images=images,
        now_ns=site.now_ns,
        given_up=threading.Event(),
    )


def lay(site: Site, instances: Sequence[str], images: Mapping[str, str]) -> Ground:
    """Make the run's network on the first subnet that is free. Raises ``SetupError`` where none of 64 is."""
    said = ""
    for subnet in islice(subnets(site.id), TRIES):
        ground = ground_on(subnet, site, instances, images)
        try:
            _make(ground)
        except OSError as error:  # all that the engine's client raises about an answer is one
            said = str(error)
            if "overlap" not in said:
                raise SetupError(f"network {ground.network}: {said}. Is the engine well? Type: docker network ls") from error
        else:
            return ground
    raise SetupError(f"none of {TRIES} subnets of {BENCHMARKS} is free: {said}. Runs left over? Type: windtunnel heal")


def _make(ground: Ground) -> None:
    network = Network(
        docker_client_kw={"timeout": ENGINE_LIMIT_S},
        docker_network_kw={
            "driver": "bridge",
            "check_duplicate": True,
            "ipam": {"Driver": "default", "Config": [{"Subnet": str(ground.subnet), "Gateway": ground.gateway}]},
            "labels": ground.labels("network"),
        },
    )
    network.name = ground.network
    network.create()
