"""What the documents show: their fenced blocks, and the commands in them.

Blocks marked ``console`` hold commands after ``$`` and what they print, where ``…`` stands for anything; ``sh`` blocks hold
commands alone. A command ends with the exit code 0, or as its comment says (``# exit 2``). ``# long`` marks one that takes
minutes, needs a run that lives or changes the machine.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WRITTEN_BY_COMMANDS = {
    "acceptance.md",
    "benchmarks.md",
    "conformance.md",
    "gallery.md",
    "nightly.md",
}  # they tell what happened, not what to type
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if path.name not in WRITTEN_BY_COMMANDS)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


class Command(NamedTuple):
    """One shown command, with the exit code it must end with and what it must print."""

    line: str
    long: bool
    code: int
    shown: tuple[str, ...]


def blocks(document: str, *kinds: str) -> list[tuple[str, str]]:
    """Give the fenced blocks of some kinds, in order, each with its kind."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [(kind, body) for kind, body in BLOCK.findall(text) if kind in kinds]


def commands(kind: str, body: str) -> Iterator[Command]:
    """Take a block apart."""
    found: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if kind == "sh" or line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    for line, shown in found:
        words, _, comment = line.partition("   # ")
        code = re.search(r"exit (\d+)", comment)
        yield Command(line=words.strip(), long="long" in comment, code=int(code[1]) if code else 0, shown=tuple(shown))
