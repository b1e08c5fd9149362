"""What our two HAProxies have in common: a port of their own, where they tell of themselves and nobody else is asked."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from harness.model import noun
from sut.components.ask import Deadline, answers, healthy
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


@noun
class Told:
    """What a backend tells of its servers: how many requests each has answered with 2xx since HAProxy began, who is up."""

    served: Mapping[str, float]
    up: Collection[str]


def told(address: str, backend: str, deadline: Deadline) -> Told:
    """Ask what a backend tells of its servers. Raises ``OSError``, ``ValueError``."""
    page = answers(address, OWN_PORT, "/metrics", deadline).decode()
    of = re.escape(f'{{proxy="{backend}",server=')
    served = re.findall(rf'(?m)^haproxy_server_http_responses_total{of}"([^"]+)",code="2xx"}} (\S+)$', page)
    up = re.findall(rf'(?m)^haproxy_server_status{of}"([^"]+)",state="UP"}} 1$', page)
    return Told(served={name: float(count) for name, count in served}, up=up)


def works(address: str) -> Callable[[Deadline], str | None]:
    """Give the question whether it works itself, for ``look``."""
    return healthy(address, OWN_PORT)
