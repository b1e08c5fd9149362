"""The storefront: the shop's own service, one replica."""

import json
from collections.abc import Collection
from typing import ClassVar

from harness.model import REFUSED, Reading
from sut.components.ask import Deadline, healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part

PORT = 8080


class Storefront(Part):
    """One replica. ``dsn`` leads to the database through its route; ``defects`` are switches of the gallery of bad shops."""

    role = "app"
    packages: ClassVar[tuple[str, ...]] = ("python3-starlette", "python3-uvicorn", "python3-asyncpg")

    def __init__(self, ground: Ground, instance: str, *, dsn: str, defects: Collection[str]) -> None:
        super().__init__(ground, instance, ["python3", "-m", "services.storefront"], memory="256m")
        self.with_envs(DSN=dsn, PORT=str(PORT), DEFECTS=",".join(sorted(defects)))

    def not_ready(self) -> str | None:
        """Ready when it says that it can commit."""
        status, body = http_get(self.address, PORT, "/health", self.deadline())
        return None if status == 200 else f"GET /health gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask whether it can commit."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT))

    def started(self) -> Reading:
        """Ask since when its process runs."""
        return look(self.ground.now_ns, CALL_S, self._started)

    def _started(self, deadline: Deadline) -> str:
        status, body = http_get(self.address, PORT, "/health", deadline)
        answer = json.loads(body) if status in (200, 503) else {}
        return str(answer["started"]) if "started" in answer else REFUSED
