"""Kind → class, for every shelf: the file name is the kind, the class is its CamelCase, its fields are the parameters."""

import difflib
import importlib
import pkgutil
from types import ModuleType
from typing import Any

from harness.errors import ScenarioError
from harness.scenario import Entry
from harness.tables import convert

SHELVES = ("faults", "probes", "checkers", "reporters")


def kinds(shelf: str) -> tuple[str, ...]:
    """Name everything on a shelf, sorted."""
    package = importlib.import_module(f"harness.{shelf}")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")))


def modules(shelf: str) -> tuple[ModuleType, ...]:
    """Give every module on a shelf, in the order of ``kinds``."""
    return tuple(importlib.import_module(f"harness.{shelf}.{kind}") for kind in kinds(shelf))


def cls(shelf: str, kind: str) -> type[Any]:
    """Give the class of a kind: ``orders_lost`` → ``OrdersLost``. Raises ``KeyError`` where the shelf has none."""
    if kind not in kinds(shelf):
        raise KeyError(kind)
    module = importlib.import_module(f"harness.{shelf}.{kind}")
    found: type[Any] = getattr(module, kind.title().replace("_", ""))
    return found


def make(shelf: str, entry: Entry, file: str, key: str) -> Any:
    """Make the object of an entry. Raises ``ScenarioError`` for an unknown kind, an unknown key or a wrong type."""
    try:
        found = cls(shelf, entry.kind)
    except KeyError:
        known = kinds(shelf)
        close = difflib.get_close_matches(entry.kind, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        raise ScenarioError(file, key, f"{entry.kind!r} is none of the {shelf}; {hint}") from None
    return convert(file, key, entry.params, found)
