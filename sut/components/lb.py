"""The balancer shoppers enter at: HAProxy before the storefronts."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from harness.model import Reading
from sut.components import haproxy
from sut.components.ask import http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import PAGE, Rule, Scrape, down

PORT = 8080


def settings(storefronts: Mapping[str, str], port: int, defects: Collection[str] = ()) -> str:
    """Render the settings. ``storefronts``: name → address.

    An order is tried again only where connecting failed, so that nothing of it was sent. HAProxy's own 503 is therefore
    a proof of no effect, and says so; its 502 and 504 prove nothing and stay as they are. With the defect
    ``bystander_broken`` it calls itself ill as soon as one storefront is missing.
    """
    ill = f"{{ nbsrv(storefronts) lt {len(storefronts)} }}" if "bystander_broken" in defects else ""
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

{haproxy.itself(ill)}
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
    scrape: ClassVar[Scrape] = haproxy.SCRAPE
    rules: ClassVar[tuple[Rule, ...]] = (
        down("LbDown", "lb", severity=PAGE, playbook="No shopper gets in: see whether the balancer runs, and start it."),
    )

    def __init__(
        self, ground: Ground, instance: str, *, storefronts: Mapping[str, str], port: int, defects: Collection[str]
    ) -> None:
        files = {haproxy.FILE: settings(storefronts, port, defects)}
        super().__init__(ground, instance, [*haproxy.COMMAND], memory="512m", files=files)
        # Its declared type knows no address; the engine's client takes (address, port), None for any that is free.
        self.ports[f"{PORT}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]

    def not_ready(self) -> str | None:
        """Ready when a storefront answers through it."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask whether it works itself, whatever is behind it."""
        return look(self.ground.now_ns, CALL_S, haproxy.works(self.address))

    def published(self) -> int:
        """Give the port it is published on, on 127.0.0.1."""
        return int(self.get_docker_client().port(self.ref, PORT))
