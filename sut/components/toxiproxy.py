"""Toxiproxy: stands in the path of the links that a plan breaks by it, and passes everything on until it is told not to."""

import json
from collections.abc import Sequence
from typing import ClassVar

from harness.drivers.docker_client import LINKS
from harness.drivers.toxiproxy import PORT
from harness.model import Reading, noun
from sut.components.ask import healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import Rule, Scrape

FILE = "/etc/windtunnel/toxiproxy.json"


@noun
class Detour:
    """A link that goes through the proxy: who begins it finds the other end at ``port``, which is really at ``to``."""

    link: str
    port: int
    to: str


def settings(detours: Sequence[Detour]) -> str:
    """Render the settings: started anew it knows them again, and no toxic."""
    return json.dumps([{"name": one.link, "listen": f"0.0.0.0:{one.port}", "upstream": one.to} for one in detours])


class Toxiproxy(Part):
    """The one proxy, for all links that are broken by it."""

    role = "toxiproxy"
    packages: ClassVar[tuple[str, ...]] = ("toxiproxy",)
    scrape: ClassVar[Scrape] = Scrape(port=PORT, keep="process_(cpu_seconds_total|resident_memory_bytes)")
    rules: ClassVar[tuple[Rule, ...]] = ()

    def __init__(self, ground: Ground, instance: str, *, detours: Sequence[Detour]) -> None:
        command = ["toxiproxy-server", "-host", "0.0.0.0", "-config", FILE, "-runtime-metrics"]  # noqa: S104 -- inside its container
        files = {FILE: settings(detours)}
        self.detours = tuple(detours)
        super().__init__(ground, instance, command, memory="128m", files=files)
        self.with_envs(LOG_LEVEL="warn", GOMEMLIMIT="100MiB")

    def labels(self) -> dict[str, str]:
        """Say too which links it carries, so that these can be mended from any shell."""
        return super().labels() | {LINKS: ",".join(one.link for one in self.detours)}

    def not_ready(self) -> str | None:
        """Ready when it carries each of its links; whether somebody is at the other end is not its business."""
        _, body = http_get(self.address, PORT, "/proxies", self.deadline())
        found = json.loads(body)
        closed = [one.link for one in self.detours if not found.get(one.link, {}).get("enabled")]
        return f"it does not carry {', '.join(closed)}" if closed else None

    def answer_ms(self) -> Reading:
        """Ask whether it works itself, whatever it was told to do with what it carries."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT, "/version"))
