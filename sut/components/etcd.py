"""etcd: where Patroni keeps the leader's lock. One node; ``failsafe_mode`` lets the shop live without it for a while."""

from typing import ClassVar

from harness.model import Reading
from sut.components.ask import healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import PAGE, Rule, Scrape, down

PORT = 2379


class Etcd(Part):
    """The one etcd node."""

    role = "etcd"
    packages: ClassVar[tuple[str, ...]] = ("etcd-server",)
    scrape: ClassVar[Scrape] = Scrape(port=PORT, keep="etcd_server_has_leader")
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "EtcdDown",
            "etcd",
            severity=PAGE,
            or_else="etcd_server_has_leader == 0",
            playbook="Orders go on, but nothing would replace a lost primary: see whether etcd runs, and start it.",
        ),
    )

    def __init__(self, ground: Ground, instance: str) -> None:
        here = f"http://{ground.addresses[instance]}:{PORT}"
        command = ["etcd", "--name", instance, "--data-dir", "/var/lib/etcd/data", "--log-level", "warn"]
        command += ["--listen-client-urls", f"http://0.0.0.0:{PORT}", "--advertise-client-urls", here]
        super().__init__(ground, instance, command, memory="256m")

    def not_ready(self) -> str | None:
        """Ready when it says that it is healthy: it has a leader and can commit."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask for its health, which it proves by a linearizable read."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT))
