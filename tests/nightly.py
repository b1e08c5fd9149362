"""Types every command that the documents mark as long, page by page, in a fresh clone, as a newcomer would.

    python -m tests.nightly [WHICH…] [--list]

WHICH is a page, or the beginning of a command. A command must end with the code that is shown; one that does not end in
time is ended, and is said to have failed. What stops the engine comes last. The page ``docs/nightly.md`` says how each
command ended when it was typed last, how long it took, and at which commit. Ends with 1 if anything that was asked for did
not end as shown.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness import host, kept, provenance
from harness.model import noun
from tests.shown import NAMES, ROOT, Command, blocks, commands

BOOK, PAGE = ROOT / "docs" / "nightly.jsonl", ROOT / "docs" / "nightly.md"
OTHERWISE = "see to docs/ first"
LIMIT_S = 5400.0
LIVES_S = 120.0
TIMED_OUT = 124  # as timeout(1) says it
SHELL_ONLY = (". ",)  # what changes the shell itself is in the environment already
ENDS_ENGINE = "make stop-engine"
HEAD = """# Nightly

Every command of the documents that takes minutes, typed in a fresh clone. `make nightly` types them and writes this page.

"""


@noun
class Typed:
    """One command as it was typed: how it ended, how it should have, how long that took; of which commit, and where."""

    document: str
    line: str
    code: int
    wanted: int
    took_s: float
    commit: str = ""
    machine: str = ""


def long_ones(documents: Sequence[str]) -> Iterator[tuple[str, Command]]:
    """Give the long commands of some documents in the order of their pages; what ends the engine last.

    What several pages show is given once, where it stands first, unless it must end in another way.
    """
    seen: set[tuple[str, int]] = set()
    ends: list[tuple[str, Command]] = []
    for document in documents:
        for kind, body in blocks(document, "console", "sh"):
            for command in commands(kind, body):
                known = (command.line, command.code)
                if not command.long or command.line.startswith(SHELL_ONLY) or known in seen:
                    continue
                seen.add(known)
                if command.line == ENDS_ENGINE:
                    ends.append((document, command))
                else:
                    yield document, command
    yield from ends


def above(document: str, command: Command) -> list[str]:
    """Give the short commands that stand above a command in its block."""
    for kind, body in blocks(document, "console", "sh"):
        shown = list(commands(kind, body))
        if command in shown:
            return [one.line for one in shown[: shown.index(command)] if not one.long]
    return []


def clone(folder: Path) -> Path:
    """Give a fresh clone with its own environment."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "windtunnel")], check=True)
    fresh = folder / "windtunnel"
    subprocess.run([sys.executable, "harness/prepare.py"], cwd=fresh, check=True)
    return fresh


def type_one(document: str, command: Command, fresh: Path, limit_s: float = LIMIT_S) -> Typed:
    """Type one command, after the short ones above it in its block: it may need what they make.

    One that names a run which lives gets one that does. What does not end in time ends with 124.
    """
    environment = os.environ | {"PATH": f"{fresh / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    line, living = command.line, None
    for place, body in re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL):
        (fresh / place).parent.mkdir(parents=True, exist_ok=True)
        (fresh / place).write_text(body, encoding="utf-8")
    for short in above(document, command):
        Going(["sh", "-c", short], fresh, environment).end(limit_s)
    began = time.monotonic()
    try:
        if re.match(r"windtunnel stop \S", line):
            before = _flown(fresh)
            living = Going(["windtunnel", "run", "scenarios/calm.toml"], fresh, environment)
            line = f"windtunnel stop {_living(fresh, before)}"
        code = Going(["sh", "-c", line], fresh, environment).end(limit_s)
    except TimeoutError:
        code = TIMED_OUT
    if living is not None and living.end(LIVES_S) == TIMED_OUT:
        code = TIMED_OUT
    took_s = time.monotonic() - began
    return Typed(document=document, line=command.line, code=code, wanted=command.code, took_s=took_s)


class Going:
    """A command that was started, with all that it starts in a session of its own."""

    def __init__(self, words: Sequence[str], where: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(words, cwd=where, env=environment, start_new_session=True)

    def end(self, limit_s: float) -> int:
        """Wait for its end, for so long at most; then end it, with time to heal. Gives its exit code, else 124."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(limit_s)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, number)
                self._process.wait(LIVES_S)
        return TIMED_OUT


def _flown(fresh: Path) -> set[Path]:
    """Give the journals that there are."""
    return set((fresh / "reports" / "runs").glob("*-calm-*/journal.jsonl"))


def _living(fresh: Path, before: set[Path]) -> str:
    """Wait until a run that was not there before has its load; give its name. Raises ``TimeoutError``."""
    give_up = time.monotonic() + LIVES_S
    while time.monotonic() < give_up:
        found = [one for one in _flown(fresh) - before if "warm_up" in one.read_text(encoding="utf-8")]
        if found:
            return found[0].parent.name
        time.sleep(0.5)
    raise TimeoutError("no run that lives came up")


def enter(typed: Typed) -> None:
    """Write down how a command ended, in the place of what was known of it. Raises ``UsageError`` and ``SetupError``."""
    known = {_key(one): one for one in kept.read(BOOK, Typed, OTHERWISE)}
    kept.write(BOOK, (known | {_key(typed): typed}).values(), OTHERWISE)


def _key(one: Typed) -> tuple[str, str, int]:
    return one.document, one.line, one.wanted


def page(shown: Sequence[tuple[str, Command]], entries: Sequence[Typed]) -> str:
    """Write the page on all commands that are shown, each with its newest entry."""
    known = {_key(one): one for one in entries}
    found = [(document, command, known.get((document, command.line, command.code))) for document, command in shown]
    typed = [one for _, _, one in found if one is not None]
    good = sum(one.code == one.wanted for one in typed)
    text = f"{HEAD}{good} of {len(found)} commands ended as shown, {len(found) - len(typed)} were not typed; "
    text += f"on {'; '.join(sorted({one.machine for one in typed})) or '-'}.\n"
    for document in dict.fromkeys(document for document, _, _ in found):
        text += f"\n## {document}\n\n| command | exit | as shown | duration | commit |\n|---|---|---|---|---|\n"
        text += "".join(_row(command, one) for place, command, one in found if place == document)
    return text


def _row(command: Command, one: Typed | None) -> str:
    line = command.line.replace("|", "/")
    if one is None:
        return f"| `{line}` | not typed | | | |\n"
    word = "yes" if one.code == one.wanted else f"**no**, {one.wanted} is shown"
    return f"| `{line}` | {one.code} | {word} | {one.took_s:.0f} s | {one.commit} |\n"


def main() -> int:
    """Type what is asked for."""
    parser = argparse.ArgumentParser(prog="tests.nightly", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("which", nargs="*", metavar="WHICH", help="a page, or the beginning of a command (default: all)")
    parser.add_argument("--list", action="store_true", help="only say what would be typed")
    asked = parser.parse_args()
    every = list(long_ones(NAMES))
    chosen = [one for one in every if not asked.which or any(_meant(word, *one) for word in asked.which)]
    if not chosen:
        parser.error(f"no page and no long command is called {' or '.join(asked.which)}; --list names them")
    if asked.list:
        print("\n".join(f"{document}: {command.line}" for document, command in chosen))
        return 0
    bad = 0
    with tempfile.TemporaryDirectory(prefix="windtunnel-nightly-") as folder:
        fresh = clone(Path(folder))
        commit, machine = provenance.commit(fresh), host.describe()
        for number, (document, command) in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {document}: {command.line}", flush=True)
            typed = type_one(document, command, fresh)
            bad += typed.code != typed.wanted
            enter(replace(typed, commit=commit, machine=machine))
            kept.write_text(PAGE, page(every, kept.read(BOOK, Typed, OTHERWISE)), OTHERWISE)
    return int(bad > 0)


def _meant(word: str, document: str, command: Command) -> bool:
    return word == document or command.line.startswith(word)


if __name__ == "__main__":
    sys.exit(main())
