"""Who somebody is and what the shop has told them, in tokens that every replica can check and nobody else can make."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from .schema import SHOPPERS

SESSION_S: Final = 86_400
CONFIRMATION_S: Final = 600
LONGEST: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A shopper who has logged in, once: each log-in has an id of its own, and so a cart of its own."""

    shopper: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a session was told that it is about to buy: (sku, qty, price in cents), sorted by sku."""

    session: str
    lines: tuple[tuple[str, int, int], ...]

    @property
    def amount_cents(self) -> int:
        """What that costs in all."""
        return sum(qty * price for _, qty, price in self.lines)


def password(shopper: int) -> str:
    """Give a shopper's password: a rule, since shoppers of a load have no secrets to lose."""
    return hashlib.blake2b(f"shopper {shopper}".encode(), digest_size=8).hexdigest()


def log_in(shopper: object, word: object) -> Session | None:
    """Begin a session; None for no shopper of this shop, or the wrong password."""
    if type(shopper) is not int or not 1 <= shopper <= SHOPPERS or not isinstance(word, str):
        return None
    if not hmac.compare_digest(password(shopper).encode(), word.encode()):
        return None
    return Session(shopper=shopper, id=secrets.token_hex(8))


class Signer:
    """Signs with the shop's key. What it reads is what it once wrote, not changed and not too old, or None."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def session(self, session: Session) -> str:
        """Write a session down."""
        return self._seal("session", [session.shopper, session.id], SESSION_S)

    def read_session(self, token: str) -> Session | None:
        """Read it again."""
        content = self._open("session", token)
        return content and Session(shopper=content[0], id=content[1])

    def confirmation(self, confirmation: Confirmation) -> str:
        """Write a confirmation down."""
        return self._seal("confirmation", [confirmation.session, confirmation.lines], CONFIRMATION_S)

    def read_confirmation(self, token: str) -> Confirmation | None:
        """Read it again."""
        content = self._open("confirmation", token)
        return content and Confirmation(session=content[0], lines=tuple((sku, n, price) for sku, n, price in content[1]))

    def _seal(self, kind: str, content: list[Any], lasts_s: int) -> str:
        body = _text(json.dumps([int(time.time()) + lasts_s, content]).encode())
        return f"{body}.{self._mark(kind, body)}"

    def _open(self, kind: str, token: str) -> Any:
        body, _, mark = token[:LONGEST].rpartition(".")
        if not token.isascii() or not hmac.compare_digest(self._mark(kind, body), mark):
            return None
        until, content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return content if time.time() < until else None

    def _mark(self, kind: str, body: str) -> str:
        return _text(hmac.digest(self._key, f"{kind}.{body}".encode(), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
