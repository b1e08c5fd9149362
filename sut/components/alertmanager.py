"""Alertmanager: takes Prometheus's alerts and tells whoever is on call, here the receiver of the harness."""

import json
from typing import Any, ClassVar

from harness.errors import ControlError
from harness.model import Reading
from sut.components.ask import healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import WATCHDOG, Rule, Scrape

PORT = 9093
SETTINGS = "/etc/prometheus/windtunnel-alertmanager.json"  # YAML, of which JSON is a part


def settings(tells: str) -> str:
    """Render the settings. ``tells`` is the URL of the receiver, and its name too: Alertmanager shows no URLs to anybody.

    Each alert is a group of its own, told at once; that it is over, a second later at most.
    """
    watchdog = {"matchers": [f'alertname = "{WATCHDOG.name}"'], "receiver": tells, "repeat_interval": "3s"}
    route = {
        "receiver": tells,
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "1m",
        "routes": [watchdog],
    }
    webhook = {"url": tells, "send_resolved": True}
    return json.dumps({"route": route, "receivers": [{"name": tells, "webhook_configs": [webhook]}]}, indent=2)


class Alertmanager(Part):
    """The one Alertmanager. ``tells`` is the URL of the receiver."""

    role = "alertmanager"
    packages: ClassVar[tuple[str, ...]] = ("prometheus-alertmanager",)
    scrape: ClassVar[Scrape] = Scrape(
        port=PORT, keep="process_(cpu_seconds_total|resident_memory_bytes)|alertmanager_notifications(_failed)?_total"
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    def __init__(self, ground: Ground, instance: str, *, tells: str) -> None:
        command = ["prometheus-alertmanager", f"--config.file={SETTINGS}", f"--web.listen-address=:{PORT}"]
        command += ["--cluster.listen-address=", "--storage.path=/var/lib/prometheus/alertmanager", "--data.retention=2h"]
        super().__init__(ground, instance, [*command, "--log.level=warn"], memory="128m", files={SETTINGS: settings(tells)})
        self.with_envs(GOMEMLIMIT="100MiB", GOMAXPROCS="1")

    def not_ready(self) -> str | None:
        """Ready when Prometheus has told it of the alert that always fires, and of no other."""
        status, body = http_get(self.address, PORT, "/-/ready", self.deadline())
        if status != 200:
            return f"GET /-/ready gave {status} {body[:100]!r}"
        names = sorted(one["labels"]["alertname"] for one in self._listed("/api/v2/alerts"))
        return None if names == [WATCHDOG.name] else f"alerts that fire: {', '.join(names) or 'none'}"

    def answer_ms(self) -> Reading:
        """Ask whether it works itself."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT, "/-/healthy"))

    def receiver(self) -> str:
        """Give the name of its one receiver, which is the URL that it sends to. Raises ``ControlError``."""
        try:
            (only,) = self._listed("/api/v2/receivers")
            return str(only["name"])
        except (OSError, ValueError) as error:
            raise ControlError(f"{self.instance} did not say to whom it sends: {error or type(error).__name__}") from error

    def _listed(self, path: str) -> list[dict[str, Any]]:
        """GET a list. Raises ``OSError``, ``ValueError``."""
        status, body = http_get(self.address, PORT, path, self.deadline())
        listed = json.loads(body) if status == 200 else None
        if not isinstance(listed, list):
            raise ValueError(f"GET {path} gave {status} {body[:100]!r}")  # noqa: TRY004 -- unreadable, like all others
        return listed
