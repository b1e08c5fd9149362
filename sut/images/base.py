"""Provides `debian:trixie-slim`: present, else pulled, else made from Debian's packages under the same name."""

import os
import re
import shutil
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import machine
from harness.errors import SetupError
from harness.machine import apt_install, as_root, call

IMAGE = "debian:trixie-slim"
SUITE = "trixie"
PULL_LIMIT_S = 90
BOOTSTRAP_LIMIT_S = 600
IMPORT_LIMIT_S = 120
APT_SOURCES = Path("/etc/apt")
say = partial(machine.say, "images")
CONTENTS = (
    '--dpkgopt=path-exclude="/usr/share/doc/*"',
    '--dpkgopt=path-exclude="/usr/share/man/*"',
    '--dpkgopt=path-exclude="/usr/share/info/*"',
    '--dpkgopt=path-exclude="/usr/share/locale/*"',
    '--dpkgopt=path-include="/usr/share/doc/*/copyright"',
    '--aptopt=APT::Install-Recommends "false"',
    "--customize-hook=printf '#!/bin/sh\\nexit 101\\n' > \"$1/usr/sbin/policy-rc.d\"",
    '--customize-hook=chmod 755 "$1/usr/sbin/policy-rc.d"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Where this machine's apt gets Debian's packages; empty text: apt names none, Debian's own will do."""

    main: str = ""
    security: str = ""


def present(name: str) -> bool:
    """Tell whether the engine has an image of this name."""
    return call(["docker", "image", "inspect", "--format", "{{.Id}}", name], limit_s=30).returncode == 0


def provide(say: Callable[[str], None] = say) -> None:
    """Make sure that the base image exists. Raises SetupError, and leaves nothing under its name, when it cannot."""
    if present(IMAGE):
        return
    say(f"{IMAGE}: pulling it, because every image starts from it")
    pulled = call(["docker", "pull", "--quiet", IMAGE], limit_s=PULL_LIMIT_S)
    if pulled.returncode == 0:
        return
    why = (pulled.stdout.strip().splitlines() or ["no answer"])[-1]
    say(f"{IMAGE}: no registry gave it ({why}); making it from Debian's packages")
    bootstrap()


def bootstrap() -> None:
    """Make the base image with mmdebstrap and import it when it is complete; a failure leaves nothing behind."""
    if not shutil.which("mmdebstrap"):
        apt_install(["mmdebstrap", "debian-archive-keyring"], why=f"{IMAGE} cannot be pulled, so it is made here")
    source = mirrors().main
    with tempfile.TemporaryDirectory(prefix="windtunnel-base-") as folder:
        archive = Path(folder, "base.tar")
        made = call(
            [*as_root("mmdebstrap"), "--variant=minbase", *CONTENTS, SUITE, str(archive), *([source] if source else [])],
            limit_s=BOOTSTRAP_LIMIT_S,
        )
        if made.returncode:
            tail = "\n".join("    " + line for line in made.stdout.splitlines()[-15:])
            raise SetupError(
                f"{IMAGE}: mmdebstrap ended with {made.returncode}; its last words:\n{tail}\n"
                "  Nothing was imported. When the cause is mended, type: make prepare"
            )
        imported = call(["docker", "import", "--change", 'CMD ["bash"]', str(archive), IMAGE], limit_s=IMPORT_LIMIT_S)
    if imported.returncode:
        raise SetupError(f"{IMAGE}: `docker import` failed: {imported.stdout.strip()}. Type: docker info")


def mirrors(sources: Path = APT_SOURCES) -> Mirrors:
    """Read from apt's own configuration where this machine gets Debian's packages.

    Only a Debian mirror can serve: "debian" in its address, Debian's names of suites, section main (other vendors
    and Ubuntu fall through). An address that holds a password is passed over: build arguments end up in an image's
    history.
    """
    main, security = "", ""
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]
    for file in files:
        if file.suffix not in {".list", ".sources"} or not file.is_file():
            continue
        for uri, suite, sections in _entries(file.read_text(errors="replace"), deb822=file.suffix == ".sources"):
            named = re.fullmatch(r"(?:stable|bullseye|bookworm|trixie|forky|sid|testing)(-security)?", suite)
            if named and "main" in sections.split() and re.match(r"https?://[^@]*debian[^@]*$", uri):
                main = main or ("" if named[1] else uri)
                security = security or (uri if named[1] else "")
    return Mirrors(main=main, security=security if main else "")


def ca_bundle(where: Mirrors) -> bytes:
    """Give the certificates with which apt checks an https mirror; empty for http, where Debian's signatures suffice.

    `WINDTUNNEL_CA_BUNDLE`, then `SSL_CERT_FILE`, then the machine's own bundle. Raises SetupError if it is unreadable.
    """
    if not any(uri.startswith("https:") for uri in (where.main, where.security)):
        return b""
    file = _named() or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    return _certificates(file, where.main)


def download_ca() -> bytes:
    """Give the certificates with which downloads from elsewhere are checked; empty where nobody has named any.

    Those of `WINDTUNNEL_CA_BUNDLE`, then `SSL_CERT_FILE`; else Debian's own will do. Raises SetupError if unreadable.
    """
    file = _named()
    return _certificates(file, "downloads") if file else b""


def _named() -> str | None:
    return os.environ.get("WINDTUNNEL_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")


def _certificates(file: str, what: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SetupError(
            f"{file}: the certificates for {what} cannot be read ({error.strerror}). Type: export WINDTUNNEL_CA_BUNDLE=FILE"
        ) from None


def _entries(text: str, *, deb822: bool) -> list[tuple[str, str, str]]:
    """List (address, suite, sections) of one apt source file, in either of its two formats."""
    if not deb822:
        return re.findall(r"(?m)^deb[ \t]+(?:\[[^\]]*\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+(.+)$", text)
    found = []
    for block in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"(?m)^(\w+):[ \t]*(.+)$", block))
        if fields.get("Enabled", "yes") != "no" and "deb" in fields.get("Types", "deb").split():
            uris, suites = fields.get("URIs", "").split(), fields.get("Suites", "").split()
            found += [(uri, suite, fields.get("Components", "")) for uri in uris for suite in suites]
    return found
