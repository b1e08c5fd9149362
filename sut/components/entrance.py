"""A part that shoppers can enter at: reached over the bridge, or by a port published on 127.0.0.1 where that cannot be."""

import socket
from collections.abc import Mapping
from typing import ClassVar

from harness.events import PUBLISHED
from harness.model import Reading
from harness.shop import Entry
from sut.components import haproxy
from sut.components.ask import look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part

REACH_S = 1.0


class Entrance(Part):
    """One HAProxy that shoppers enter at, at ``scheme`` and ``port``."""

    role = "haproxy"
    packages: ClassVar[tuple[str, ...]] = ("haproxy",)
    scheme: ClassVar[str]
    port: ClassVar[int]

    def __init__(self, ground: Ground, instance: str, *, memory: str, files: Mapping[str, str]) -> None:
        super().__init__(ground, instance, [*haproxy.COMMAND], memory=memory, files=files)
        # The engine's client takes (address, port), None for any that is free.
        self.ports[f"{self.port}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]  # declared without the address

    def entry(self) -> Entry:
        """Say where to enter, and how it is reached from here."""
        address, port, reached = self.address, self.port, "bridge"
        try:
            socket.create_connection((address, port), timeout=REACH_S).close()
        except OSError:
            address, port, reached = "127.0.0.1", self._published(), PUBLISHED
        return Entry(url=f"{self.scheme}://{address}:{port}", reached=reached, ca=self.certificate())

    def certificate(self) -> str:
        """Give the certificate of the authority that vouches for it, as PEM text; empty where none does."""
        return ""

    def answer_ms(self) -> Reading:
        """Ask whether it works itself, whatever is behind it."""
        return look(self.ground.now_ns, CALL_S, haproxy.works(self.address))

    def _published(self) -> int:
        return int(self.get_docker_client().port(self.ref, self.port))
