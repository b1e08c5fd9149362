"""Where we are: the nearest ``pyproject.toml`` with ``[tool.windtunnel]``, and the shop it names."""

import importlib
import sys
import tomllib
from pathlib import Path

from harness.errors import UsageError
from harness.model import noun
from harness.shop import Shop


@noun
class Project:
    """A project: its folder, the name of its shop's class (``module:Class``), and where its runs are kept."""

    root: Path
    shop_name: str

    @property
    def runs(self) -> Path:
        """The folder of run folders."""
        return self.root / "reports" / "runs"

    @property
    def documents(self) -> Path:
        """The folder of documents."""
        return self.root / "docs"

    @property
    def written(self) -> tuple[Path, ...]:
        """What commands write about a commit, or people: runs, and the pages and books of documents. It flies nothing."""
        return (self.runs, *(path for ending in ("md", "jsonl") for path in sorted(self.documents.glob(f"*.{ending}"))))

    def shop(self, defects: tuple[str, ...] = ()) -> Shop:
        """Make the project's shop. Raises ``UsageError`` where its class cannot be found."""
        module, _, name = self.shop_name.partition(":")
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        try:
            made: Shop = getattr(importlib.import_module(module), name)(defects=frozenset(defects))
        except (ImportError, AttributeError, TypeError, ValueError, SyntaxError) as error:
            raise UsageError(f"{self.root}/pyproject.toml: tool.windtunnel.shop: {self.shop_name}: {error}") from error
        return made


def find(start: Path) -> Project:
    """Find the project that a folder belongs to. Raises ``UsageError`` where there is none, with what to write."""
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            shop = str(tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["windtunnel"]["shop"])
        except KeyError:
            continue  # somebody else's: the project may lie around it
        except (OSError, ValueError, TypeError) as error:  # not to be read, not UTF-8, not TOML, no table
            raise UsageError(f"{file}: cannot be read: {error}") from error
        return Project(root=folder, shop_name=shop)
    raise UsageError(f'{start}: no pyproject.toml with [tool.windtunnel] here or above; write shop = "module:Class" into it')


def near(path: Path) -> Path:
    """Name a file as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
