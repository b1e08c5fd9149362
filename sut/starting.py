"""What the start of the shop needs first, and how the instances of one component start together."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from harness.declaration import Component
from harness.drivers.docker_client import client
from harness.errors import SetupError
from sut import images
from sut.components.ground import Ground
from sut.components.part import Part
from sut.images.base import present
from sut.running import instances


def start_together(ground: Ground, component: Component, make: Callable[[str], Part]) -> dict[str, Part]:
    """Start all instances of a component at once, and wait until each is ready. The first that fails ends the others."""
    with ThreadPoolExecutor(component.instances) as pool:
        starting = {instance: pool.submit(lambda name: make(name).start(), instance) for instance in instances(component)}
        try:
            return {instance: future.result() for instance, future in starting.items()}
        except BaseException:
            ground.given_up.set()
            raise


def demand_images(roles: Collection[str], say: Callable[[str], None]) -> dict[str, str]:
    """Give the images by role, those that few plans need built now if missing.

    Raises ``SetupError`` where no engine answers, or where it has not all of them.
    """
    client()
    tags = {role: images.tag(role) for role in sorted(roles)}
    missing = {role: tag for role, tag in tags.items() if not present(tag)}
    if missing.keys() - images.ON_DEMAND:
        names = ", ".join(missing.values())
        raise SetupError(f"no image {names}: it was never built, or its sources changed. Type: make prepare")
    if missing:
        images.build(missing, say=say)
    return tags
