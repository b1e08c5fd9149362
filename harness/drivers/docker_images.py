"""Images of a Docker engine: which are there, many of them into one file, and back."""

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import msgspec
import requests

from harness.drivers import Image
from harness.drivers.docker_client import client
from harness.errors import SetupError, UsageError

STREAM_S = 300  # between two pieces of an archive: an engine may put all of it together before it sends the first
PIECE = 1 << 20
MANIFEST_BYTES = 1 << 20
MANIFEST, LOADED = "manifest.json", ("Loaded image: ", "Loaded image ID: ")


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """Turn what the client library raises into a ``SetupError`` that says what was being done."""
    try:
        yield
    except (docker.errors.DockerException, docker.errors.StreamParseError, requests.exceptions.RequestException) as error:
        raise SetupError(f"{what}: {error}; see `docker image ls` and `docker info`") from error


def images(names: Sequence[str]) -> Mapping[str, Image]:
    """Give those of the named images that the engine has. Raises ``SetupError`` where it does not answer."""
    engine, found = client(), {}
    with _asked("look for images"):
        for name in names:
            with suppress(docker.errors.ImageNotFound):
                attrs = engine.images.get(name).attrs
                found[name] = Image(name=name, size_bytes=int(attrs["Size"]), made_ns=_made_ns(str(attrs.get("Created"))))
    return found


def _made_ns(created: str) -> int | None:
    """Read the engine's time of making; None where it is none, or the zero that stands for none."""
    try:
        at = datetime.fromisoformat(created).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return int(at.timestamp()) * 1_000_000_000 if at.year >= 1970 else None


def save_images(names: Sequence[str], file: Path) -> None:
    """Write the named images into one tar file: to ``<file>.new``, which gets its name when it is whole and on the disk.

    Raises ``SetupError`` where it cannot be written, or where the engine does not give all of them.
    """
    api, fresh = client(STREAM_S).api, file.with_name(f"{file.name}.new")
    url = f"{api.base_url}/v{api.api_version}/images/get"  # the library's own `get_image` takes one name only
    try:
        with (
            fresh.open("wb") as stream,
            _asked(f"save {', '.join(names)}"),
            api.get(url, params={"names": list(names)}, stream=True, timeout=STREAM_S) as answer,
        ):
            answer.raise_for_status()
            for piece in answer.iter_content(PIECE):
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        if lacking := sorted(set(map(_short, names)) - set(_tags(fresh))):
            raise SetupError(f"{file}: the engine's archive lacks {', '.join(lacking)}, so it is not kept; try once more")
        fresh.rename(file)
    except OSError as error:
        raise SetupError(f"{file}: cannot be written: {error}; free some space, or name another file") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


def load_images(file: Path) -> tuple[str, ...]:
    """Let the engine take in an archive; name what it brought.

    Raises ``UsageError`` for a file that is no archive of images, ``SetupError`` where the engine does not take it.
    """
    engine = client(STREAM_S)
    try:
        if not _tags(file):
            raise UsageError(f"{file}: no archive of images; write one with `windtunnel images save FILE`")
        with file.open("rb") as stream, _asked(f"load {file}"):
            words = engine.api.load_image(stream)  # type: ignore[no-untyped-call]  # the library's own
            said = [_heard(file, word) for word in words]
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    return tuple(name for name in said if name)


def _heard(file: Path, word: Mapping[str, Any]) -> str:
    """Give the name of an image that the engine has just taken in; empty for its other words. Raises ``SetupError``."""
    if refusal := word.get("error") or word.get("message"):
        raise SetupError(f"{file}: the engine does not take it: {refusal}; see `docker info`")
    line = str(word.get("stream", "")).strip()
    return next((line.removeprefix(front) for front in LOADED if line.startswith(front)), "")


def _short(name: str) -> str:
    """Write the name of an image as archives do."""
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return short if ":" in short.rpartition("/")[2] else f"{short}:latest"


def _tags(archive: Path) -> tuple[str, ...]:
    """Name the images of an archive, as its manifest does; none where it is no whole archive. Raises ``OSError``."""
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile(MANIFEST)
            text = manifest.read(MANIFEST_BYTES + 1) if manifest else b""
            if len(text) > MANIFEST_BYTES:  # no engine writes so many names: it would be read into memory for nothing
                return ()
            entries = msgspec.json.decode(text, type=list[dict[str, Any]])
            return tuple(str(tag) for entry in entries for tag in entry.get("RepoTags") or ())
    except (tarfile.TarError, KeyError, EOFError, TypeError, ValueError, RecursionError):  # msgspec's are ValueErrors
        return ()
