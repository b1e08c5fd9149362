"""The nightly proof of the documents: whatever becomes of one command, it is written down and the next one is typed."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness import kept
from tests import nightly
from tests.integration.flights import until
from tests.nightly import ENDS_ENGINE, TIMED_OUT, Typed, long_ones, page, type_one
from tests.shown import Command

DOCUMENT = "docs/benchmarks.md"


def shown(line: str, code: int = 0) -> Command:
    return Command(line=line, long=True, code=code, shown=())


@pytest.mark.parametrize(("line", "code"), [("true", 0), ("exit 3", 3), ("exit 0", 3)])
def test_a_command_is_typed_and_its_end_written_down(line: str, code: int, tmp_path: Path) -> None:
    typed = type_one(DOCUMENT, shown(line, code), tmp_path)
    good = line != "exit 0"
    assert (typed.code == typed.wanted) is good
    told = page([(DOCUMENT, shown(line, code)), (DOCUMENT, shown("never"))], [replace(typed, commit="c0ffee")])
    assert f"{int(good)} of 2 commands ended as shown, 1 were not typed" in told
    assert "| c0ffee |" in told


def test_a_command_that_does_not_end_is_ended_and_has_failed(tmp_path: Path) -> None:
    """With all that it started."""
    typed = type_one(DOCUMENT, shown("sleep 60 & echo $! > pid; wait"), tmp_path, limit_s=0.5)
    assert (typed.code, typed.wanted) == (TIMED_OUT, 0)
    assert "| 124 | **no**, 0 is shown |" in page([(DOCUMENT, shown(typed.line))], [typed])
    sleeper = Path("/proc") / (tmp_path / "pid").read_text().strip() / "cmdline"
    assert until(lambda: not sleeper.exists() or not sleeper.read_bytes(), 5) is not None


def test_a_run_that_does_not_come_up_fails_the_command_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other: those after it are typed all the same. A run of before is not taken for it."""
    older = tmp_path / "reports" / "runs" / "1-calm-1" / "journal.jsonl"
    older.parent.mkdir(parents=True)
    older.write_text("warm_up")
    monkeypatch.setattr(nightly, "LIVES_S", 0.5)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program = tmp_path / ".venv" / "bin" / "windtunnel"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    assert type_one(DOCUMENT, shown("windtunnel stop RUN"), tmp_path).code == TIMED_OUT


def test_what_a_command_needs_is_typed_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short commands above it in its block, and no long one."""
    monkeypatch.setattr("tests.shown.ROOT", tmp_path)
    monkeypatch.setattr(nightly, "ROOT", tmp_path)
    (tmp_path / "a.md").write_text("```sh\necho 1 > one\ntouch two   # long\ntest -s one && ! test -e two   # long\n```\n")
    (_, _), (_, command) = long_ones(["a.md"])
    typed = type_one("a.md", command, tmp_path)
    assert typed.code == 0


def test_what_is_typed_again_takes_its_own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "BOOK", tmp_path / "nightly.jsonl")
    first = Typed(document="a.md", line="true", code=1, wanted=0, took_s=1)
    for one in (first, other := replace(first, line="false"), again := replace(first, code=0)):
        nightly.enter(one)
    assert kept.read(nightly.BOOK, Typed, "") == [again, other]


def test_what_several_pages_show_is_typed_once_and_the_engine_is_ended_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.shown.ROOT", tmp_path)
    first = f"```sh\nmake test   # long\n{ENDS_ENGINE}   # long\ntrue\n```\n"
    (tmp_path / "a.md").write_text(first, encoding="utf-8")
    (tmp_path / "b.md").write_text(
        first + "```console\n$ make test      # long, exit 1\n$ ls   # long\n```\n", encoding="utf-8"
    )
    assert [(document, command.line, command.code) for document, command in long_ones(["a.md", "b.md"])] == [
        ("a.md", "make test", 0),
        ("b.md", "make test", 1),
        ("b.md", "ls", 0),
        ("a.md", ENDS_ENGINE, 0),
    ]
