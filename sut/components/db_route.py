"""The way to the orders database: HAProxy, which asks Patroni who is the primary and drops sessions when that changes."""

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from harness.model import Reading
from sut.components import haproxy
from sut.components.ask import look, query
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.patroni import REST_PORT, SQL_PORT
from sut.components.watched import PAGE, Rule, Scrape, down

_ASKS_PATRONI: Final = """\
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions"""
_ASKS_NOBODY: Final = "    default-server inter 1s fastinter 500ms fall 2 rise 1 on-marked-up shutdown-backup-sessions"


def settings(nodes: Mapping[str, str], defects: Collection[str] = ()) -> str:
    """Render the settings. ``nodes``: name → address, the first primary first. Silence costs half a second, not more.

    With the defect ``naive_route`` it leads to the first node that takes connections, and back to it as soon as it does
    so again: nobody is asked which of them is the primary.
    """
    naive = "naive_route" in defects
    checks = ["check", *["check backup"] * (len(nodes) - 1)] if naive else [f"check port {REST_PORT}"] * len(nodes)
    servers = "\n".join(
        f"    server {name} {address}:{SQL_PORT} {check}"
        for (name, address), check in zip(nodes.items(), checks, strict=True)
    )
    return f"""\
global
    nbthread 1
    maxconn 400

defaults
    mode tcp
    timeout connect 500ms
    timeout check 1s
    timeout client 10m
    timeout server 10m

{haproxy.itself()}
listen orders_db
    bind :{SQL_PORT}
{_ASKS_NOBODY if naive else _ASKS_PATRONI}
{servers}
"""


class DbRoute(Part):
    """The one route. ``probe`` is libpq's words for a login through it."""

    role = "haproxy"
    packages: ClassVar[tuple[str, ...]] = ("haproxy",)
    scrape: ClassVar[Scrape] = haproxy.SCRAPE
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "DbRouteDown",
            "db_route",
            severity=PAGE,
            playbook="No order reaches the database: see whether the route runs, and start it.",
        ),
    )

    def __init__(
        self, ground: Ground, instance: str, *, nodes: Mapping[str, str], probe: str, defects: Collection[str]
    ) -> None:
        self._probe = probe
        files = {haproxy.FILE: settings(nodes, defects)}
        super().__init__(ground, instance, [*haproxy.COMMAND], memory="128m", files=files)

    def not_ready(self) -> str | None:
        """Ready when a query reaches a database that takes writes."""
        recovering = query(self._probe, "select pg_is_in_recovery()", self.deadline())[0][0]
        return None if recovering == "f" else "it leads to a standby"

    def answer_ms(self) -> Reading:
        """Ask whether it works itself, whatever is behind it: a database without a primary is not its illness."""
        return look(self.ground.now_ns, CALL_S, haproxy.works(self.address))
