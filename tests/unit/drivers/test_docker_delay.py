"""The words that take a delay's chain away, in a real shell, with an iptables and an nft that say what they are told."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.drivers.docker_delay import CHAIN, unqueueing

THERE = f"table ip mangle {{\n\tchain INPUT {{\n\t}}\n\tchain {CHAIN} {{\n\t}}\n}}"
ELSE = "table ip mangle {\n\tchain INPUT {\n\t}\n}"
FAILS = "echo 'iptables: Resource temporarily unavailable.' >&2; exit 4"
NONE_SUCH = "echo 'iptables: No chain/target/match by that name.' >&2; exit 1"


def typed(folder: Path, iptables: str, nft: str) -> subprocess.CompletedProcess[str]:
    """Run the words with these two programs."""
    for name, text in (("iptables", f'echo "$*" >> {folder}/asked; {iptables}'), ("nft", nft)):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", unqueueing()], env=environment, capture_output=True, text=True, check=False)


def said(text: str) -> str:
    return f"cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize("iptables", ["exit 0", NONE_SUCH])
def test_a_chain_that_is_seen_to_be_gone_is_gone(tmp_path: Path, iptables: str) -> None:
    """Taken away just now, or before: twice is harmless."""
    assert typed(tmp_path, iptables, said(ELSE)).returncode == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [f"-t mangle {part}" for part in (f"-D INPUT -j {CHAIN}", f"-F {CHAIN}", f"-X {CHAIN}")]


def test_what_cannot_be_taken_away_is_not_called_gone(tmp_path: Path) -> None:
    """Because iptables fails at everything, it fails at listing too; its reasons are told."""
    done = typed(tmp_path, FAILS, said(THERE))
    assert done.returncode != 0
    assert "Resource temporarily unavailable" in done.stderr
    assert f"{CHAIN} is still there" in done.stderr


def test_where_nobody_can_list_the_chains_nothing_is_called_gone(tmp_path: Path) -> None:
    done = typed(tmp_path, NONE_SUCH, "echo 'netlink: Error: cache initialization failed' >&2; exit 1")
    assert done.returncode != 0
    assert "cache initialization failed" in done.stderr
