"""The balancer before the storefronts: HAProxy, where shoppers and edges enter."""

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from harness.model import noun
from sut.components import haproxy
from sut.components.ask import http_get
from sut.components.entrance import Entrance
from sut.components.ground import Ground
from sut.components.watched import PAGE, Rule, Scrape, down

PORT: Final = 8080
ONCE_PORT: Final = 8081  # the same, for connections that begin with the PROXY protocol and are never used again
NOW: Final = "/now"
ORDERING: Final = "ordering"  # the backend that is given orders
PERIOD_S: Final = 5
_NOW_FILE: Final = "/etc/haproxy/windtunnel-now.txt"
_ALWAYS: Final = "\n".join(f"line {n:02d} of 16 that are always the same, so that a missing part is seen" for n in range(16))
BEGINNING: Final = "at "  # of that answer
# The moment in milliseconds, then what is always the same, then the two periods of 5 s in which this may be shown.
_TELLS: Final = f"{BEGINNING}%[date(0,ms)]\n{_ALWAYS}\n[%[date,div({PERIOD_S})]] [%[date({PERIOD_S}),div({PERIOD_S})]]\n"


@noun
class Room:
    """How many requests of a kind one storefront is given at a time, and how many of that kind may wait for all of them."""

    each: int
    waiting: int


# An order takes some 20 ms where nobody waits, so two storefronts need a tenth of this room for a thousand a second; on a
# shop that takes no more than that, whoever is let in last is served within half a second. Browsing has less, and yields.
ORDERS: Final = Room(each=128, waiting=256)
BROWSING: Final = Room(each=64, waiting=256)
YIELDS: Final = 32  # orders that wait
_REFUSAL: Final = """content-type application/json hdr Retry-After 1 string '{{"refused":"{}"}}'"""
_TOO_MANY: Final = " || ".join(
    (
        f"!browses {{ queue({ORDERING}) ge {ORDERS.waiting} }}",
        f"browses {{ queue(browsing) ge {BROWSING.waiting} }}",
        f"browses {{ queue({ORDERING}) ge {YIELDS} }}",
    )
)


_FOR_ALL: Final = f"""\
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
    balance leastconn
    option httpchk GET /health
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1
    retries 2
    retry-on conn-failure
    option redispatch 1
    http-error status 503 {_REFUSAL.format("no_storefront")}
"""


def in_time() -> str:
    """Give what HAProxy must find in the answer to ``GET /now``, if that is whole and not 10 s old."""
    return f"[%[date,div({PERIOD_S})]]"


def settings(
    storefronts: Mapping[str, str], port: int, defects: Collection[str] = (), later: Mapping[str, str] | None = None
) -> str:
    """Render the settings. ``storefronts``: name → address; those that come ``later`` are given orders once they are well.

    An order is tried again only where connecting failed, so that nothing of it was sent. HAProxy's own 503 is therefore
    a proof of no effect, and says so; its 502 and 504 prove nothing and stay as they are. With the defect
    ``bystander_broken`` it calls itself ill as soon as one storefront is missing.

    Who browses (and what is written into logs of that) and who buys have rooms of their own, so that browsing takes none
    from orders. Who would wait longer than makes sense is refused here, where that costs least. With the defect
    ``no_shedding`` there is room for all.

    ``GET /now`` it answers itself, for those who judge an edge by what that makes of the answer. What the storefronts tell
    monitoring and witnesses is none of the shoppers' business.
    """
    ill = f"{{ nbsrv({ORDERING}) lt {len(storefronts)} }}" if "bystander_broken" in defects else ""
    room = "no_shedding" not in defects
    every = {**storefronts, **(later or {})}
    ordering = _servers(every, f"{port} check", ORDERS if room else None)
    browsing = _servers(every, f"{port} track {ORDERING}/{{name}}", BROWSING if room else None)
    now = f'lf-file {_NOW_FILE} hdr Cache-Control "public, s-maxage=1, max-age=0"'
    return f"""\
{_FOR_ALL}
{haproxy.itself(ill)}
frontend shoppers
    bind :{PORT}
    bind :{ONCE_PORT} accept-proxy
    acl browses method GET HEAD
    acl browses path_end /events
    http-request return status 200 content-type text/plain {now} if {{ path {NOW} }}
    http-request return status 404 if {{ path /metrics }} or {{ path_beg /trial/ /carried/ }}
{f"    http-request return status 503 {_REFUSAL.format('busy')} if {_TOO_MANY}" if room else ""}
    use_backend browsing if browses
    default_backend {ORDERING}

backend {ORDERING}
{ordering}

backend browsing
{browsing}
"""


def _servers(storefronts: Mapping[str, str], words: str, room: Room | None) -> str:
    most = f" maxconn {room.each}" if room else ""
    return "\n".join(f"    server {name} {address}:{words.format(name=name)}{most}" for name, address in storefronts.items())


class Lb(Entrance):
    """The one balancer."""

    scheme: ClassVar[str] = "http"
    port: ClassVar[int] = PORT
    scrape: ClassVar[Scrape] = haproxy.SCRAPE
    rules: ClassVar[tuple[Rule, ...]] = (
        down("LbDown", "lb", severity=PAGE, playbook="No shopper gets in: see whether the balancer runs, and start it."),
    )

    def __init__(  # noqa: PLR0913 -- what it is made of
        self,
        ground: Ground,
        instance: str,
        *,
        storefronts: Mapping[str, str],
        port: int,
        defects: Collection[str],
        later: Mapping[str, str],
    ) -> None:
        """Take the storefronts that are there, and those that come ``later``."""
        files = {haproxy.FILE: settings(storefronts, port, defects, later), _NOW_FILE: _TELLS}
        super().__init__(ground, instance, memory="512m", files=files)
        self._later = later

    def not_ready(self) -> str | None:
        """Ready when a storefront answers through it, and nobody is waited for who is not there yet."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        if status != 200:
            return f"GET /health gave {status} {body[:100]!r}"
        awaited = self._later and set(self._later) & set(haproxy.told(self.address, ORDERING, self.deadline()).up)
        return f"it takes {', '.join(awaited)} for there" if awaited else None
