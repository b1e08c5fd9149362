"""The gallery on the fake shop: one bad shop is caught, one without room to show is reported as missed, nothing is lost."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_gallery import EVENING
from tests.integration.flights import Project, awaited

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Give a committed project with one scenario."""
    made = Project(tmp_path / "project", "tests.fake_gallery:GalleryShop")
    (made.root / "scenarios").mkdir()
    made.scenario("scenarios/evening", EVENING)
    (made.root / ".gitignore").write_text("tmp*/\n")  # where its flights keep what is for a moment
    git(made, "init", "--quiet")
    git(made, "add", ".gitignore", "pyproject.toml", "scenarios")
    git(made, "commit", "--quiet", "--message", "Begin")
    yield made
    made.end()


def git(project: Project, *words: str) -> None:
    """Have git do something in a project."""
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(project.root), *who, *words], check=True, capture_output=True, timeout=30)


def test_a_gallery_that_was_interrupted_goes_on_and_says_who_was_missed(project: Project) -> None:
    """The shop that places twice what was sent twice is missed on an evening on which nobody sends anything twice."""
    book, page = (project.root / "docs" / f"gallery.{ending}" for ending in ("jsonl", "md"))
    flight = project.start("gallery", name="evening")
    awaited(lambda: book.exists() or flight.process.poll() is not None, 90, "the first run in the book")
    awaited(lambda: "[2/3] oversell in evening" in flight.printed, 30, "the second run")
    awaited(lambda: len(list((project.root / "reports" / "runs").glob("*"))) == 2, 30, "its folder")
    flight.signal(signal.SIGINT)
    cut = flight.land()
    assert cut.code == 130, cut.out
    assert [one["word"] for one in _entries(book)] == ["quiet"], cut.out
    assert "Bad shops: 0 of 2 pairs" in page.read_text()

    git(project, "add", "docs")
    git(project, "commit", "--quiet", "--message", "Write what is known so far")
    landed = project.start("gallery", "--resume").land()
    assert landed.code == 1, landed.out
    assert "2 runs: about " in landed.out
    words = {one["defect"]: one["word"] for one in _entries(book)}
    assert words == {"": "quiet", "oversell": "caught", "no_idempotency": "missed"}, landed.out
    bad = {one["defect"]: one for one in _entries(book)}
    assert bad["oversell"]["failed"] == ["sold"]
    assert bad["no_idempotency"]["meant_outcome"] == "PASS"
    assert all((project.root / "reports" / "runs" / one["run"] / "verdicts.json").exists() for one in bad.values())

    said = page.read_text()
    assert "Bad shops: 1 of 2 pairs" in said
    assert "1 caught, 0 caught by another, 1 missed, 0 open; 0 not flown." in said
    assert "Good shop: 0 false alarms in 1 decided run; with 95 % confidence at most 95.0 %" in said

    again = project.told("gallery", "--resume")
    assert (again.code, "nothing is left to fly" in again.out) == (1, True), again.out


def _entries(book: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in book.read_text().splitlines()]
