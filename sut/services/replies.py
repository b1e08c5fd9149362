"""How the storefront reads requests and words its answers, and who may keep a copy of those."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from .orders import Answer, MalformedError

BODY_MAX: Final = 8_192
PERSONAL: Final = {"Cache-Control": "private, no-store"}
RETRY_AFTER: Final = PERSONAL | {"Retry-After": "1"}


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """Turn an answer into a response that nobody keeps."""
    status, body = answer
    about = RETRY_AFTER if status == 503 else PERSONAL
    return Response(orjson.dumps(body), status, headers={**about, **(headers or {})}, media_type="application/json")


def page(request: Request, body: bytes, kept_s: int) -> Response:
    """Show a page that is the same for everybody and that edges may keep for so long; 304 to who has this very one."""
    digest = hashlib.sha256(body).digest()
    shared = f"public, s-maxage={kept_s}, max-age=0"
    headers = {"Cache-Control": shared, "ETag": f'"{digest.hex()[:16]}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(body, headers={**headers, **_proof(digest)})


def personal_page(body: bytes, headers: Mapping[str, str]) -> Response:
    """Show a page that is for one shopper alone, and that nobody keeps."""
    return HTMLResponse(body, headers={**PERSONAL, **headers, **_proof(hashlib.sha256(body).digest())})


async def read_body(request: Request) -> bytes:
    """Read a body that may be an order. Raises ``MalformedError`` as soon as it is too long for one."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise MalformedError("too_long")
    return body


def number(text: str, most: int) -> int | None:
    """Read a number from 1 to ``most``; None for what is none."""
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else 0
    return found if 1 <= found <= most else None


def _proof(digest: bytes) -> dict[str, str]:
    """Let whoever gets a page see that it is whole: the digest of its bytes, as RFC 9530 writes it."""
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:"}
