"""How to run, apart from what."""

from collections.abc import Callable
from pathlib import Path

from harness.events import Event
from harness.model import noun
from harness.shop import Shop


@noun
class Settings:
    """How to run, apart from what. ``project`` is the folder of the configuration; ``show`` hears every record.

    ``cores`` are those of the machine that the generator runs on; all of them where none are named. ``generators`` share
    the load; they join at ``gather`` (host:port), or are started here where that is empty.
    """

    shop: Shop
    shop_name: str
    project: Path
    out: Path
    run: str
    command: str
    show: Callable[[Event], None]
    say: Callable[[str], None]
    keep: bool = False
    wait: bool = False
    part: int = 1
    of: int = 1
    cores: frozenset[int] = frozenset()
    generators: int = 1
    gather: str = ""
