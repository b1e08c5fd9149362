"""The balancer before the storefronts: HAProxy, where shoppers and edges enter."""

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from sut.components import haproxy
from sut.components.ask import http_get
from sut.components.entrance import Entrance
from sut.components.ground import Ground
from sut.components.watched import PAGE, Rule, Scrape, down

PORT: Final = 8080
ONCE_PORT: Final = 8081  # the same, for connections that begin with the PROXY protocol and are never used again
NOW: Final = "/now"
PERIOD_S: Final = 5
_NOW_FILE: Final = "/etc/haproxy/windtunnel-now.txt"
_ALWAYS: Final = "\n".join(f"line {n:02d} of 16 that are always the same, so that a missing part is seen" for n in range(16))
BEGINNING: Final = "at "  # of that answer
# The moment in milliseconds, then what is always the same, then the two periods of 5 s in which this may be shown.
_TELLS: Final = f"{BEGINNING}%[date(0,ms)]\n{_ALWAYS}\n[%[date,div({PERIOD_S})]] [%[date({PERIOD_S}),div({PERIOD_S})]]\n"


def in_time() -> str:
    """Give what HAProxy must find in the answer to ``GET /now``, if that is whole and not 10 s old."""
    return f"[%[date,div({PERIOD_S})]]"


def settings(storefronts: Mapping[str, str], port: int, defects: Collection[str] = ()) -> str:
    """Render the settings. ``storefronts``: name → address.

    An order is tried again only where connecting failed, so that nothing of it was sent. HAProxy's own 503 is therefore
    a proof of no effect, and says so; its 502 and 504 prove nothing and stay as they are. With the defect
    ``bystander_broken`` it calls itself ill as soon as one storefront is missing.

    ``GET /now`` it answers itself, for those who judge an edge by what that makes of the answer. What the storefronts tell
    monitoring and witnesses is none of the shoppers' business.
    """
    ill = f"{{ nbsrv(storefronts) lt {len(storefronts)} }}" if "bystander_broken" in defects else ""
    servers = "\n".join(f"    server {name} {address}:{port} check" for name, address in storefronts.items())
    now = f'lf-file {_NOW_FILE} hdr Cache-Control "public, s-maxage=1, max-age=0"'
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
    bind :{ONCE_PORT} accept-proxy
    http-request return status 200 content-type text/plain {now} if {{ path {NOW} }}
    http-request return status 404 if {{ path /metrics }} or {{ path_beg /trial/ /carried/ }}
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


class Lb(Entrance):
    """The one balancer."""

    scheme: ClassVar[str] = "http"
    port: ClassVar[int] = PORT
    scrape: ClassVar[Scrape] = haproxy.SCRAPE
    rules: ClassVar[tuple[Rule, ...]] = (
        down("LbDown", "lb", severity=PAGE, playbook="No shopper gets in: see whether the balancer runs, and start it."),
    )

    def __init__(
        self, ground: Ground, instance: str, *, storefronts: Mapping[str, str], port: int, defects: Collection[str]
    ) -> None:
        files = {haproxy.FILE: settings(storefronts, port, defects), _NOW_FILE: _TELLS}
        super().__init__(ground, instance, memory="512m", files=files)

    def not_ready(self) -> str | None:
        """Ready when a storefront answers through it."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"
