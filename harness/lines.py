"""Lines of evidence on disk: JSON with a number and a CRC-32, so that a torn, changed or missing line is seen."""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

_SEAL = b',"crc":"%08x"}\n'
_SEAL_LENGTH = len(_SEAL % 0)


def encode(number: int, kind: str, body: Mapping[str, Any]) -> bytes:
    """Give one line: ``{"n":…,"kind":…,…,"crc":"…"}``. The check sum covers all that stands before it."""
    payload = msgspec.json.encode({"n": number, "kind": kind, **body})
    return payload[:-1] + _SEAL % zlib.crc32(payload[:-1])


def decode(line: bytes) -> dict[str, Any] | None:
    """Give the object of a line; None where the line is torn, changed, or no object."""
    body, seal = line[:-_SEAL_LENGTH], line[-_SEAL_LENGTH:]
    if not line.endswith(b"\n") or seal != _SEAL % zlib.crc32(body):
        return None
    try:
        found = msgspec.json.decode(body + b"}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def scan(stream: BinaryIO) -> Iterator[dict[str, Any] | None]:
    """Decode line after line; None for each that is broken."""
    return (decode(line) for line in stream)
