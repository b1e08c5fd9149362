"""HTTP with a bound on the whole of an answer: how long it may take and be, not only how long each read may."""

import io
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from harness.clock import S, monotonic_ns

PIECE = 1 << 16


class Bounded(requests.Session):
    """A session for ``within_s`` from now, that takes no answer later, or larger than ``body_most``, and uses no proxy."""

    def __init__(self, within_s: float, body_most: int) -> None:
        super().__init__()
        self.trust_env = False
        self._ends_ns, self._body_most = monotonic_ns() + int(within_s * S), body_most

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        """Send, and read the whole answer piece by piece. Raises ``OSError`` where a bound is passed."""
        left_s = (self._ends_ns - monotonic_ns()) / S
        if left_s <= 0:
            raise TimeoutError("there is no time left to ask")
        response = super().send(request, **{**how, "stream": True, "timeout": left_s})
        with response.raw as wire:
            response.raw = io.BytesIO(b"".join(self._pieces(wire)))
        return response

    def _pieces(self, wire: urllib3.HTTPResponse) -> Iterator[bytes]:
        size = 0
        while piece := wire.read1(PIECE, decode_content=True):
            size += len(piece)
            if size > self._body_most:
                raise OSError(f"the answer is longer than {self._body_most:,} bytes")
            if monotonic_ns() > self._ends_ns:
                raise TimeoutError("it was still not over")
            yield piece
