"""The shop's own services, called as a server would call them."""

import asyncio
from typing import Any

from starlette.applications import Starlette

PAINTED = {"large-0.webp": b"RIFF large", "small-0.webp": b"RIFF small"}


def ask(
    app: Starlette, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request; give status, headers by their names in small letters, and body."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def story() -> None:
        await app(scope, receive, send)

    asyncio.run(asyncio.wait_for(story(), 10))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])
