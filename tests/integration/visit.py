"""A shopper of the reference shop who has logged in, asking one thing after the other."""

import http.client
import json
from typing import Any

from sut.services.identity import password


class Visit:
    """A shopper who has logged in."""

    def __init__(self, url: str, shopper: int) -> None:
        self._address = url.removeprefix("http://")
        self._cookie = ""
        status, answer = self.ask("POST", "/login", {"shopper": shopper, "password": password(shopper)})
        assert (status, answer) == (200, {"shopper": shopper})

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        """Send one request; give the status and what the answer says."""
        wire = http.client.HTTPConnection(self._address, timeout=8)
        try:
            headers = {"Cookie": self._cookie, "Idempotency-Key": key}
            wire.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            response = wire.getresponse()
            self._cookie = response.headers.get("Set-Cookie", self._cookie).partition(";")[0]
            return response.status, json.loads(response.read())
        finally:
            wire.close()
