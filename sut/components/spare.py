"""A storefront that is not there yet: how it joins the others, and which share of the orders it is given."""

from collections.abc import Mapping

from harness.drivers.docker_added import retiring
from harness.drivers.docker_client import ADDED, controlled
from harness.errors import ControlError, SetupError
from harness.model import Break, Reading
from sut.components import haproxy, lb
from sut.components.ask import Deadline, look
from sut.components.part import CALL_S
from sut.components.storefront import Storefront


class Joining(Storefront):
    """One replica that is told from those of the beginning by its label."""

    def labels(self) -> dict[str, str]:
        """Say that it was added."""
        return super().labels() | {ADDED: self.instance}


class Spare:
    """Room for one more storefront, of which the balancer ``door`` knows: who is there is given orders, once it is well."""

    def __init__(self, part: Joining, door: lb.Lb) -> None:
        self._part, self._door = part, door
        self._served: Mapping[str, float] = {}

    def scale_out(self) -> Break:
        """Prepare its start; the act waits until it can commit."""
        name, instance = f"{self._part.ground.network}-{self._part.instance}", self._part.instance

        def act() -> None:
            try:
                with controlled(f"scale_out {instance}"):
                    self._part.start()
            except SetupError as error:
                raise ControlError(f"scale_out {instance}: {error}") from error

        return Break(undo=(retiring(name, instance),), act=act, typed=f"docker run -d --name {name} <its image>")

    def share_ratio(self) -> Reading:
        """Ask the balancer; before the first look it counts from its own start."""
        return look(self._part.ground.now_ns, CALL_S, self._share)

    def close(self) -> None:
        """Leave the engine."""
        self._part.get_docker_client().client.close()

    def _share(self, deadline: Deadline) -> float:
        told = haproxy.told(self._door.address, lb.ORDERING, deadline)
        newly = {name: count - self._served.get(name, 0.0) for name, count in told.served.items()}
        self._served = told.served
        if min(newly.values(), default=0.0) < 0:
            raise ValueError("the balancer has begun to count again")
        if self._part.instance not in told.up and not newly.get(self._part.instance):
            return 0.0
        if not sum(newly.values()):
            raise ValueError("nobody was served an order since the last look")
        return newly.get(self._part.instance, 0.0) / sum(newly.values())
