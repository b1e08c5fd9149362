"""The certificate of a shop's entry, proved by the run's own authority, and named as Chromium wants it named.

Source: RFC 5280, section 4.1: a certificate holds a sequence of version, serial number, signature algorithm, issuer,
validity, subject, and then the public key. Chromium takes the SHA-256 of that last part for leave to believe it.
"""

import base64
import hashlib
import socket
import ssl
from urllib.parse import urlsplit

LIMIT_S = 5.0
BEFORE_THE_KEY = 5  # serial number, signature algorithm, issuer, validity, subject
VERSION = 0xA0


def key_pin(url: str, ca: str) -> str:
    """Give the pin of the key with which the server of an ``https`` URL proves itself to whoever trusts ``ca`` alone.

    Raises ``OSError`` where nobody is there, ``ssl.SSLError`` where another authority vouches for it or none does.
    """
    parts = urlsplit(url)
    context = ssl.create_default_context(cadata=ca)
    with (
        socket.create_connection((parts.hostname or "", parts.port or 443), timeout=LIMIT_S) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        certificate = secure.getpeercert(binary_form=True) or b""
    return base64.b64encode(hashlib.sha256(public_key(certificate)).digest()).decode()


def public_key(certificate: bytes) -> bytes:
    """Give the part of a certificate (DER) that holds its public key, header and all."""
    body = _content(_content(certificate))
    if body[0] == VERSION:
        body = body[_size(body) :]
    for _ in range(BEFORE_THE_KEY):
        body = body[_size(body) :]
    return body[: _size(body)]


def _head(value: bytes) -> tuple[int, int]:
    """Give the lengths of a value's header and of its content."""
    if value[1] < 0x80:
        return 2, value[1]
    more = value[1] & 0x7F
    return 2 + more, int.from_bytes(value[2 : 2 + more], "big")


def _size(value: bytes) -> int:
    return sum(_head(value))


def _content(value: bytes) -> bytes:
    head, length = _head(value)
    return value[head : head + length]
