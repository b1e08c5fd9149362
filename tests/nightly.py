"""Types every command that the documents mark as long, page by page, in a fresh clone, as a newcomer would.

    python -m tests.nightly [DOCUMENT…] [--list]

A command must end with the code that is shown; one that does not end in time is ended, and is said to have failed. What
stops the engine comes last. The page ``docs/nightly.md`` says what was typed, how it ended and how long it took, at which
commit, on which machine. Ends with 1 if anything did not end as shown.
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
from pathlib import Path

from harness import host, provenance
from harness.model import noun
from tests.shown import NAMES, ROOT, Command, blocks, commands

PAGE = ROOT / "docs" / "nightly.md"
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
    """One command as it was typed: how it ended, how it should have, and how long that took."""

    document: str
    line: str
    code: int
    wanted: int
    took_s: float


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


def clone(folder: Path) -> Path:
    """Give a fresh clone with its own environment."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "windtunnel")], check=True)
    fresh = folder / "windtunnel"
    subprocess.run([sys.executable, "harness/prepare.py"], cwd=fresh, check=True)
    return fresh


def type_one(document: str, command: Command, fresh: Path, limit_s: float = LIMIT_S) -> Typed:
    """Type one command. One that names a run which lives gets one that does. What does not end in time ends with 124."""
    environment = os.environ | {"PATH": f"{fresh / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    line, living = command.line, None
    for place, body in re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL):
        (fresh / place).parent.mkdir(parents=True, exist_ok=True)
        (fresh / place).write_text(body, encoding="utf-8")
    began = time.monotonic()
    try:
        if re.match(r"windtunnel stop \S", line):
            living = Going(["windtunnel", "run", "scenarios/calm.toml"], fresh, environment)
            line = f"windtunnel stop {_living(fresh)}"
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


def _living(fresh: Path) -> str:
    """Wait until a run has a journal; give its name. Raises ``TimeoutError``."""
    give_up = time.monotonic() + LIVES_S
    while time.monotonic() < give_up:
        found = sorted((fresh / "reports" / "runs").glob("*-calm-*/journal.jsonl"))
        if found and "warm_up" in found[-1].read_text(encoding="utf-8"):
            return found[-1].parent.name
        time.sleep(0.5)
    raise TimeoutError("no run that lives came up")


def page(typed: Sequence[Typed], commit: str) -> str:
    """Write the page on what was typed in a clone of that commit."""
    good = sum(one.code == one.wanted for one in typed)
    text = f"{HEAD}{good} of {len(typed)} commands ended as shown; commit {commit}, {host.describe()}.\n"
    for document in dict.fromkeys(one.document for one in typed):
        text += f"\n## {document}\n\n| command | exit | as shown | duration |\n|---|---|---|---|\n"
        for one in (one for one in typed if one.document == document):
            word = "yes" if one.code == one.wanted else f"**no**, {one.wanted} is shown"
            text += f"| `{one.line.replace('|', '/')}` | {one.code} | {word} | {one.took_s:.0f} s |\n"
    return text


def main() -> int:
    """Type them all."""
    parser = argparse.ArgumentParser(prog="tests.nightly", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("documents", nargs="*", choices=[*NAMES, []], help="only these (default: all)")
    parser.add_argument("--list", action="store_true", help="only say what would be typed")
    asked = parser.parse_args()
    found = list(long_ones(asked.documents or NAMES))
    if asked.list:
        print("\n".join(f"{document}: {command.line}" for document, command in found))
        return 0
    typed: list[Typed] = []
    with tempfile.TemporaryDirectory(prefix="windtunnel-nightly-") as folder:
        fresh = clone(Path(folder))
        commit = provenance.commit(fresh)
        for document, command in found:
            print(f"[{len(typed) + 1}/{len(found)}] {document}: {command.line}", flush=True)
            typed.append(type_one(document, command, fresh))
            PAGE.write_text(page(typed, commit), encoding="utf-8")
    return int(any(one.code != one.wanted for one in typed))


if __name__ == "__main__":
    sys.exit(main())
