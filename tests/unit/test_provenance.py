"""The commit that is flown: what a command writes about it does not make it another, everything else does."""

import subprocess
from pathlib import Path

import pytest

from harness.provenance import commit


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True, timeout=30)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a project below the top of a repository, all of it committed."""
    project = tmp_path / "project"
    (project / "docs").mkdir(parents=True)
    for file in (tmp_path / "outside", project / "code", project / "docs" / "page.md"):
        file.write_text("old")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return project


def test_a_tree_as_committed_is_its_commit(tree: Path) -> None:
    name = commit(tree)
    assert len(name) == 12
    assert not name.endswith("+")
    assert commit(tree, besides=[tree / "docs" / "page.md"]) == name


@pytest.mark.parametrize("changed", ["code", "docs/page.md", "../outside"])
def test_a_tree_that_differs_is_not(changed: str, tree: Path) -> None:
    name = commit(tree)
    (tree / changed).write_text("new")
    assert commit(tree) == f"{name}+"


@pytest.mark.parametrize("new", ["checker.py", "docs/new.toml", "../beside.py"])
def test_a_file_that_git_does_not_know_makes_a_difference_too(new: str, tree: Path) -> None:
    """A new checker or scenario is one new file. What git is told to ignore is none, nor what we write ourselves."""
    name, runs = commit(tree), tree / "reports" / "runs"
    runs.mkdir(parents=True)
    (runs / "scenario.toml").write_text("of a run")
    (tree / "docs" / "built.html").write_text("ignored")
    (tree.parent / ".git" / "info" / "exclude").write_text("*.html\n")
    assert commit(tree, besides=[runs, tree]) == name
    assert commit(tree) == f"{name}+"
    (tree / new).write_text("new")
    assert commit(tree, besides=[runs]) == f"{name}+"


def test_what_is_written_about_a_commit_may_differ(tree: Path) -> None:
    name, page = commit(tree), tree / "docs" / "page.md"
    page.write_text("new")
    assert commit(tree, besides=[page, Path("/elsewhere/page.md")]) == name
    (tree / "code").write_text("new")
    assert commit(tree, besides=[page]) == f"{name}+"


def test_a_commit_of_what_was_written_about_another_is_none_itself(tree: Path) -> None:
    """Else a gallery whose book was committed on the way would begin again."""
    name, docs = commit(tree), tree / "docs"
    for changed, same in (("docs/page.md", True), ("docs/new.md", True), ("code", False)):
        (tree / changed).write_text(f"new {same}")
        git(tree, "add", ".")
        git(tree, "commit", "--quiet", "--message", "Change it")
        assert (commit(tree, besides=[docs]) == name) is same
        assert commit(tree) != name


def test_outside_git_there_is_none(tmp_path: Path) -> None:
    assert commit(tmp_path) == ""
