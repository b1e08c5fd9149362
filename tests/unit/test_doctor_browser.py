"""The doctor on the browser: which one is there, or what to type; it is asked for by some scenarios only."""

from pathlib import Path

import pytest

from harness import doctor
from harness.browser import chromium
from harness.doctor import looked
from harness.finding import Finding, Level
from harness.project import Project
from tests.golden import project as made_project

LOOKED_AT = "sut.shop:ReferenceShop"


def finding(project: Project) -> Finding:
    """Take the look; give what it found."""
    (found,) = looked(next(look for look in doctor.looks(project) if look.what == "browser"))
    return found


def a_browser(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> Path:
    """Put a program with the browser's name onto PATH, and nothing else."""
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return program


def test_a_shop_without_a_page_needs_no_browser(tmp_path: Path) -> None:
    seen = finding(made_project(tmp_path))
    assert (seen.level, seen.found) == (Level.OK, "the shop names no page to look at")


def test_the_browser_is_named_with_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = a_browser(tmp_path, monkeypatch, "echo a warning >&2; echo 'Chromium 156.0 '")
    seen = finding(Project(root=tmp_path, shop_name=LOOKED_AT))
    assert (seen.level, seen.found) == (Level.OK, f"Chromium 156.0, {program}")


@pytest.mark.parametrize(
    ("says", "told"), [("", "no chromium on PATH"), ("exit 3", "exit status 3"), ("sleep 60", "timed out")]
)
def test_without_a_browser_runs_are_possible_and_it_says_what_to_type(
    says: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only scenarios that ask ``first_screen`` are refused."""
    monkeypatch.setattr(chromium, "VERSION_S", 0.2)
    program = a_browser(tmp_path, monkeypatch, says.replace("sleep", "exec /bin/sleep"))
    if not says:
        program.unlink()
    seen = finding(Project(root=tmp_path, shop_name=LOOKED_AT))
    assert (seen.level, seen.mend) == (Level.WARNING, "python3 harness/prepare.py --browser")
    assert told in seen.found
    assert "Type:" not in seen.found
    assert seen.found.endswith("Only scenarios that ask first_screen are refused.")
