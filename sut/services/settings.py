"""What the storefront is told from outside, through its environment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``DSN`` reaches the database, by name, through its route, which is called ``ROUTE``; ``PORT`` is listened on.

    ``SIGNING_SECRET`` is the key of the shop's tokens, the same for all replicas; ``CACHE`` is the cache's address, empty
    where there is none. ``DEFECTS`` are switches of bad shops.
    """

    dsn: str
    route: str
    signing_secret: str
    cache: str = ""
    port: int
    defects: frozenset[str]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the environment. Raises ``KeyError`` without ``DSN`` or secret, ``ValueError`` for a bad ``PORT``."""
        names = environment.get("DEFECTS", "").split(",")
        return cls(
            dsn=environment["DSN"],
            route=environment.get("ROUTE", "localhost"),
            signing_secret=environment["SIGNING_SECRET"],
            cache=environment.get("CACHE", ""),
            port=int(environment.get("PORT", "8080")),
            defects=frozenset(name.strip() for name in names if name.strip()),
        )
