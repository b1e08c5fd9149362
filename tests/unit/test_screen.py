"""A console that nobody reads any more must not end a run."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.screen import Screen, tell

PROGRAM = """
import sys
from harness.screen import Screen
screen = Screen()
for number in range(1000):
    screen.print("line", number)
sys.stderr.write("went on")
sys.exit(7)
"""


def test_a_reader_that_hangs_up_is_not_told_any_more() -> None:
    """The program goes on to its own end, with its own exit code, and says nothing about a broken pipe."""
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "line 0\n"
    child.stdout.close()
    child.stdout = None
    _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (7, "went on")


def test_a_full_disk_behind_it_does_not_matter() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        screen = Screen(file=full)
        screen.print("nobody can write this")
        assert screen.quiet
        screen.print("nobody hears")
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), full.fileno())  # so that it can be closed


def test_what_is_read_is_told() -> None:
    """As any console does."""
    file = io.StringIO()
    Screen(file=file).print("hello")
    assert file.getvalue() == "hello\n"


def test_who_mends_goes_on_where_nothing_can_be_told() -> None:
    """On a full disk, on both streams, with an exit code of its own and no word from the interpreter's end."""
    program = (
        "import sys\nfrom harness.screen import tell\nfor err in (False, True) * 2: tell('mended', err=err)\nsys.exit(7)"
    )
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run([sys.executable, "-c", program], stdout=full, stderr=full, check=False).returncode == 7


def test_what_is_told_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    tell("mended")
    tell("not mended", err=True)
    assert capsys.readouterr() == ("mended\n", "not mended\n")
