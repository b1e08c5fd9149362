"""Style, script and pictures, each under an address made of its bytes, so that it may be kept for ever."""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.responses import Response

THEME: Final = Path(__file__).parent / "theme"
PICTURES: Final = Path(__file__).parents[1] / "pictures"
OF_THE_SHOP: Final = ("shop.css", "shop.js")
FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "webp": "image/webp"}


class Assets:
    """What pages refer to. ``painted`` are the pictures by name: ``large-0.webp`` and ``small-0.webp`` of each motif.

    Style and script are read from beside this file. Raises ``ValueError`` where there is not one picture.
    """

    def __init__(self, painted: Mapping[str, bytes]) -> None:
        bodies = {name: (THEME / name).read_bytes() for name in OF_THE_SHOP} | dict(painted)
        self._files = {name: addressed(name, body) for name, body in bodies.items()}
        self._responses = {self._files[name]: _kept(name, body) for name, body in bodies.items()}
        self._motifs = sum(name.startswith("large-") for name in painted)
        if not self._motifs:
            raise ValueError("no pictures: they are painted when the image is made")

    def href(self, name: str) -> str:
        """Give the address of an asset. Raises ``KeyError`` for one that does not exist."""
        return f"/a/{self._files[name]}"

    def picture(self, size: str, sku: str) -> str:
        """Give the address of a product's picture, ``large`` or ``small``: always the same motif."""
        return self.href(f"{size}-{zlib.crc32(sku.encode()) % self._motifs}.webp")

    def get(self, file: str) -> Response | None:
        """Give what is answered for the last part of an address, the same object each time; None for no asset."""
        return self._responses.get(file)


def read_pictures(folder: Path) -> dict[str, bytes]:
    """Read the pictures that were painted into a folder; none where there is no such folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.webp"))}


def addressed(name: str, body: bytes) -> str:
    """Give the last part of an asset's address: the begin of its SHA-256, and its kind."""
    return f"{hashlib.sha256(body).hexdigest()[:16]}.{name.rpartition('.')[2]}"


def _kept(name: str, body: bytes) -> Response:
    return Response(body, headers={"Cache-Control": FOR_EVER}, media_type=_TYPES[name.rpartition(".")[2]])
