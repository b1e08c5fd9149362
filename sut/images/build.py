"""Names each image by the hash of what goes into it, and builds the missing ones with the `docker` command."""

import hashlib
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness import engine
from harness.errors import SetupError
from sut.images import base

ROOT = Path(__file__).parents[2]
DOCKERFILE = "sut/images/Dockerfile"
# The machine's, not the images', so they are part of no hash: what checks an https mirror of Debian, and other downloads.
CA_BUNDLE, DOWNLOAD_CA = "ca-bundle.crt", "download-ca.crt"
ON_DEMAND = frozenset({"toxiproxy"})  # costly to build, and seldom needed
BUILD_LIMIT_S = 900
PASSED = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "goproxy")


def roles(root: Path = ROOT) -> list[str]:
    """Name the roles that every shop needs an image of, in the order in which they are best built."""
    return [role for role in _stages(root) if role != "base" and role not in ON_DEMAND]


def tag(role: str, root: Path = ROOT) -> str:
    """Name the image of a role: `windtunnel/<role>:<12 hex digits>`.

    The digits hash the text of the role's stage, of the stages that it is made from, and every file they copy: name,
    content and whether it may be executed. Equal inputs have equal names on every machine. Raises SetupError for a
    role without a stage.
    """
    stages = _stages(root)
    if role not in stages:
        known = ", ".join([*roles(root), *sorted(ON_DEMAND)])
        raise SetupError(f"{DOCKERFILE}: no stage {role!r}; it has {known}. Add a stage, or correct the name.")
    digest = hashlib.sha256()
    for text in _ancestry(role, stages):
        digest.update(text.encode())
        for name, mode, content in _files(root, _copied(text)):
            digest.update(f"\0{name}\0{mode:o}\0{len(content)}\0".encode() + content)
    return f"windtunnel/{role}:{digest.hexdigest()[:12]}"


def build(wanted: Iterable[str], root: Path = ROOT, say: Callable[[str], None] = base.say) -> None:
    """Make sure that the image of each role exists; says one line for each.

    An image gets its name only when its build is complete, so an interrupted build leaves nothing under a good name.
    Raises SetupError when no engine answers, there is no base image, or a build fails or takes longer than 15 minutes.
    """
    if not engine.version():
        raise SetupError("no engine answers, and an engine builds images. Type: python3 harness/prepare.py --engine")
    for role in wanted:
        name = tag(role, root)
        if base.present(name):
            say(f"{name}: present")
            continue
        base.provide(say)
        say(f"{name}: building")
        _build(role, name, root)
        say(f"{name}: built")


def context(root: Path = ROOT, ca_bundle: bytes = b"", download_ca: bytes = b"") -> bytes:
    """Pack what the builder gets into a tar archive: the Dockerfile, all that its COPY lines name, both CA bundles.

    Times, owners and the file modes of a particular checkout are left out, so the builder's own cache holds too.
    """
    copied = [name for text in _stages(root).values() for name in _copied(text)]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for directory in copied:  # the COPY of a directory without files must work too
            if not (root / directory).is_file():
                entry = tarfile.TarInfo(directory)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
        bundles = [(CA_BUNDLE, 0o644, ca_bundle), (DOWNLOAD_CA, 0o644, download_ca)]
        for name, mode, content in [*bundles, *_files(root, [DOCKERFILE, *copied])]:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _build(role: str, name: str, root: Path) -> None:
    mirrors = base.mirrors()
    arguments = {"DEBIAN_MIRROR": mirrors.main, "DEBIAN_SECURITY_MIRROR": mirrors.security}
    arguments |= {key: os.environ[key] for name in PASSED for key in (name, name.upper()) if os.environ.get(key)}
    options = [word for key in arguments for word in ("--build-arg", key)]  # values by environment: not in `ps`
    command = ["docker", "build", "--file", DOCKERFILE, "--target", role, "--tag", name, *options, "-"]
    try:
        done = subprocess.run(
            command,
            input=context(root, base.ca_bundle(mirrors), base.download_ca() if role in ON_DEMAND else b""),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | arguments,
            timeout=BUILD_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"{name}: not built within {BUILD_LIMIT_S} s. Is the network up? Then type: make prepare") from None
    if done.returncode:
        tail = "\n".join("    " + line for line in done.stdout.decode(errors="replace").splitlines()[-15:])
        raise SetupError(
            f"{name}: `{' '.join(command[:7])}` ended with {done.returncode}; its last words:\n{tail}\n"
            "  Nothing was tagged. When the cause is mended, type: make prepare"
        )


def _stages(root: Path) -> dict[str, str]:
    text = (root / DOCKERFILE).read_text()
    parts = re.split(r"(?m)^(?=FROM )", text)[1:]
    return {part.split(maxsplit=4)[3]: part for part in parts}


def _ancestry(role: str, stages: dict[str, str]) -> Iterator[str]:
    parent = stages[role].split(maxsplit=2)[1]
    if parent in stages:
        yield from _ancestry(parent, stages)
    yield stages[role]


def _copied(stage: str) -> list[str]:
    lines = re.findall(r"(?m)^COPY (.+)$", stage)
    words = [word for line in lines for word in line.split()[:-1] if not word.startswith("--")]
    return [word for word in words if word not in (CA_BUNDLE, DOWNLOAD_CA)]


def _files(root: Path, names: Iterable[str]) -> Iterator[tuple[str, int, bytes]]:
    for name in names:
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                yield path.relative_to(root).as_posix(), mode, path.read_bytes()
