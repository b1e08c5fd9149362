"""Writes down what `make conformance` has seen of every fault: `docs/conformance.md`, from pytest's own report.

python -m tests.conformance_page REPORT. Ends with 1 where a test of the report failed, or where there is none in it.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from harness import kept
from harness.model import noun
from tests.acceptance import book

PAGE = book.DOCUMENTS / "conformance.md"
BITES, NO_OP, KILLED = ("only_between_act_and_undo", "bites_at_once"), "does_nothing", "killed_harness"
HEAD = """# Conformance of the faults

Every fault on the reference shop, without load. `make conformance` tries them and writes this page. *Bitten*: seconds from
the end of the act until the fault's own witness saw it. *Healed*: seconds from the end of the undo until it saw the target
well again; an impulse has nothing to heal. *Nothing done*: the act was left out, and the witness saw no bite in five looks.
"""


@noun
class Tried:
    """One test, as pytest told it: ``what`` is its parameter, ``seen`` what it measured."""

    name: str
    what: str
    passed: bool
    seen: dict[str, str]


def tried(report: Path) -> tuple[Tried, ...]:
    """Read pytest's report (JUnit XML). Raises ``OSError``, and ``ParseError`` for what is none."""
    found = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 -- our own pytest has written it
        name, _, rest = str(case.get("name")).partition("[")
        failed = any(case.find(word) is not None for word in ("failure", "error", "skipped"))
        seen = {str(one.get("name")): str(one.get("value")) for one in case.iter("property")}
        found.append(Tried(name=name, what=rest.removesuffix("]"), passed=not failed, seen=seen))
    return tuple(found)


def page(all_: Sequence[Tried]) -> Iterator[str]:
    """Give the paragraphs of the page."""
    yield HEAD
    yield f"\n{sum(one.passed for one in all_)} of {len(all_)} tests passed; commit {book.commit()}, {book.machine()}, "
    yield f"{datetime.now(UTC):%Y-%m-%d}.\n\n| fault and target | bitten, s | healed, s | as it must | nothing done |\n"
    yield "|---|---|---|---|---|\n"
    nothing = {one.what: one for one in all_ if NO_OP in one.name}
    for one in all_:
        if any(word in one.name for word in BITES):
            figures = " | ".join(one.seen.get(name, "-") for name in ("bitten_s", "healed_s"))
            yield f"| {one.what} | {figures} | {_word(one)} | {_word(nothing.get(one.what))} |\n"
    yield "\nThe harness was killed between act and undo, once with its undo log and once without; another mended it:\n\n"
    yield "| verb of the mender | mended |\n|---|---|\n"
    yield from (f"| {one.what} | {_word(one)} |\n" for one in all_ if KILLED in one.name)


def _word(one: Tried | None) -> str:
    return "not tried" if one is None else "yes" if one.passed else "**no**"


def main(words: Sequence[str]) -> int:
    """Write the page; give the exit code."""
    try:
        all_ = tried(Path(words[0]))
    except (OSError, ET.ParseError) as error:
        print(f"{words[0]}: no report of pytest's, so nothing was tried: {error}", file=sys.stderr)
        return 1
    kept.write_text(PAGE, "".join(page(all_)), "see to docs/ first")
    print(f"{sum(one.passed for one in all_)} of {len(all_)} passed: docs/{PAGE.name}")
    return 0 if all_ and all(one.passed for one in all_) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
