"""The mark of a shop that stands on purpose: ``standing.json`` in its run folder.

Beside it lies ``secrets.json``, the passwords that another command needs to ask the shop's parts. Only its owner may read
it, no report, log or archive holds it, and it goes when the shop goes.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.errors import SetupError
from harness.model import noun

STANDING, SECRETS = "standing.json", "secrets.json"


@noun
class Standing:
    """A shop that was put up to stay: its class, its defects, the components that run, and the URL shoppers enter at.

    ``url`` is empty where the component shoppers enter at does not run.
    """

    shop: str
    defects: tuple[str, ...]
    parts: tuple[str, ...]
    url: str


def write(folder: Path, standing: Standing, secrets: tuple[str, ...]) -> None:
    """Keep the secrets, then set the mark. Raises ``SetupError``; without a mark whatever runs there is to be removed."""
    try:
        kept = os.open(folder / SECRETS, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(kept, "wb") as stream:
            stream.write(msgspec.json.encode(secrets))
        fresh = folder / f"{STANDING}.new"
        fresh.write_bytes(msgspec.json.encode(standing))
        fresh.rename(folder / STANDING)
    except OSError as error:
        raise SetupError(f"{folder}: the shop cannot be marked as standing: {error}; free some space") from error


def is_set(folder: Path) -> bool:
    """Say whether what runs there stands on purpose; not where that cannot be looked at."""
    with suppress(OSError):
        return (folder / STANDING).is_file()
    return False


def read(folder: Path) -> tuple[Standing, tuple[str, ...]]:
    """Give the mark and the secrets. Raises ``SetupError`` where they cannot be read."""
    try:
        standing = msgspec.json.decode((folder / STANDING).read_bytes(), type=Standing)
        return standing, msgspec.json.decode((folder / SECRETS).read_bytes(), type=tuple[str, ...])
    except (OSError, ValueError, RecursionError) as error:
        mend = f"`windtunnel down {folder.name}`, then `windtunnel up`"
        raise SetupError(f"{folder}: how to ask the shop's parts cannot be read: {error}; {mend}") from error


def remove(folder: Path) -> None:
    """Take the mark and the secrets away; twice is harmless. A disk that refuses keeps them: what they open has gone."""
    for name in (STANDING, SECRETS):
        with suppress(OSError):
            (folder / name).unlink()
