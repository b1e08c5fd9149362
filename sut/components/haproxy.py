"""What our two HAProxies have in common: a port of their own, where they tell of themselves and nobody else is asked."""

from collections.abc import Callable
from typing import Final

from sut.components.ask import Deadline, healthy
from sut.components.watched import Scrape

FILE: Final = "/etc/haproxy/windtunnel.cfg"
COMMAND: Final = ("haproxy", "-db", "-f", FILE)
OWN_PORT: Final = 8404
SCRAPE: Final = Scrape(port=OWN_PORT, keep="haproxy_(backend_active_servers|frontend_http_responses_total)")


def itself(ill: str = "") -> str:
    """Render the port: GET /health is answered 200 while it works, or 503 where the condition ``ill`` holds; /metrics."""
    fails = f"\n    monitor fail if {ill}" if ill else ""
    return f"""\
frontend itself
    mode http
    bind :{OWN_PORT}
    timeout client 5s
    timeout http-request 5s
    monitor-uri /health{fails}
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404
"""


def works(address: str) -> Callable[[Deadline], str | None]:
    """Give the question whether it works itself, for ``look``."""
    return healthy(address, OWN_PORT)
