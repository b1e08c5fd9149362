"""Takes out of logs what must not be shown, found in the environments of a run's own parts."""

from collections.abc import Iterable, Iterator

NAMES = ("PASSWORD", "SECRET", "TOKEN")
HIDDEN = "***"


def secrets_of(environment: Iterable[str]) -> Iterator[str]:
    """Give what must not be shown of ``NAME=value`` lines: values named like a secret, and passwords inside addresses."""
    for line in environment:
        name, _, value = line.partition("=")
        if any(word in name.upper() for word in NAMES) and value:
            yield value
        if "://" in value and "@" in value:
            password = value.split("://", 1)[1].rsplit("@", 1)[0].partition(":")[2]
            if password:
                yield password


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Write ``***`` wherever one of these stands, the longest first: one may be a part of another."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
