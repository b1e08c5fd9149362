"""Products as shoppers are shown them, and as they are kept for the next one who looks."""

import json
from dataclasses import asdict, dataclass

KEPT_MS = 1_500  # the cache keeps it for no longer than this after the database was asked
SHOWN_MS = 3_600  # and whoever keeps it on its way to a shopper, nothing is shown that is older than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product as the database had it."""

    sku: str
    name: str
    category: str
    price_cents: int
    qty: int

    @property
    def in_stock(self) -> bool:
        """Whether there is a piece of it."""
        return self.qty > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Products, by sku, and when the database was asked for them (milliseconds since 1970)."""

    products: tuple[Product, ...]
    as_of_ms: int

    def left_s(self, now_ms: int) -> int:
        """For how many seconds it may still be kept, 0 for not at all: edges count whole ones, and may add most of one."""
        return max(0, (SHOWN_MS - abs(now_ms - self.as_of_ms)) // 1_000 - 1)


def key(kind: str, *asked: object) -> str:
    """Name what is kept: the class of the statement, and what it was asked for."""
    return ":".join((kind, *map(str, asked)))


def written(shown: Shown) -> bytes:
    """Write down what is to be kept."""
    return json.dumps(asdict(shown)).encode()


def read(text: bytes) -> Shown:
    """Read it again. Raises ``ValueError`` for what is nothing of the kind."""
    try:
        found = json.loads(text)
        return Shown(products=tuple(Product(**product) for product in found["products"]), as_of_ms=int(found["as_of_ms"]))
    except (TypeError, KeyError) as error:
        raise ValueError(f"not what was kept: {error}") from error
