"""The balancer shoppers enter at: HAProxy before the storefronts."""

from collections.abc import Mapping
from typing import ClassVar

from harness.model import Reading
from sut.components.ask import healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part

PORT = 8080
_FILE = "/etc/haproxy/windtunnel.cfg"


def settings(storefronts: Mapping[str, str], port: int) -> str:
    """Render the settings. ``storefronts``: name → address.

    An order is tried again only where connecting failed, so that nothing of it was sent. HAProxy's own 503 is therefore
    a proof of no effect, and says so; its 502 and 504 prove nothing and stay as they are.
    """
    servers = "\n".join(f"    server {name} {address}:{port} check" for name, address in storefronts.items())
    return f"""\
global
    nbthread 1
    maxconn 8000

defaults
    mode http
    timeout connect 400ms
    timeout check 1s
    timeout queue 1s
    timeout http-request 5s
    timeout http-keep-alive 60s
    timeout client 10s
    timeout server 6s

frontend shoppers
    bind :{PORT}
    default_backend storefronts

backend storefronts
    balance leastconn
    option httpchk GET /health
    http-check expect status 200
    retries 2
    retry-on conn-failure
    option redispatch 1
    http-error status 503 content-type application/json string '{{"refused":"no_storefront"}}'
    default-server inter 500ms fall 2 rise 1
{servers}
"""


class Lb(Part):
    """The one balancer; its port is published on 127.0.0.1 for machines whose bridge cannot be reached."""

    role = "haproxy"
    packages: ClassVar[tuple[str, ...]] = ("haproxy",)

    def __init__(self, ground: Ground, instance: str, *, storefronts: Mapping[str, str], port: int) -> None:
        command = ["haproxy", "-db", "-f", _FILE]
        super().__init__(ground, instance, command, memory="512m", files={_FILE: settings(storefronts, port)})
        # Its declared type knows no address; the engine's client takes (address, port), None for any that is free.
        self.ports[f"{PORT}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]

    def not_ready(self) -> str | None:
        """Ready when a storefront answers through it."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask a storefront through it."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT))

    def published(self) -> int:
        """Give the port it is published on, on 127.0.0.1."""
        return int(self.get_docker_client().port(self.ref, PORT))
