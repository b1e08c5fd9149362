"""House rules of marks that a machine can check: what one part of the tests leaves out, another one runs."""

import ast
import re
from collections.abc import Mapping

from tests.test_tidy import ROOT, SOURCES, name, tree

LEFT_OUT = "thorough"
LATER = {f"pytest.mark.{mark}" for mark in ("slow", "docker", "browser", "alone")}


def conformance(files: Mapping[str, ast.Module]) -> set[str]:
    """Name the files whose thorough tests `make conformance` runs: named one by one, or all that need no Docker."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    recipe = re.search(r"(?m)^conformance:.*\n((?:\t.*\n)+)", makefile)
    assert recipe, "the Makefile has no conformance"
    named = set(re.findall(r"\btests/\S+\.py\b", recipe[1]))
    assert named <= files.keys()
    if 'tests/integration -n 3 --dist loadfile -m "thorough and not docker"' not in recipe[1]:
        return named
    return named | {file for file in files if file.startswith("tests/integration/test_") and not _docker(files[file])}


def strays(files: Mapping[str, ast.Module], run: set[str]) -> list[str]:
    """Name the files of tests that carry the mark, or have a helper put it on them, and are not run with it."""
    helpers = {
        node.name
        for file, parsed in files.items()
        if not _holds_tests(file)
        for node in ast.walk(parsed)
        if isinstance(node, ast.FunctionDef) and _marks(node)
    }
    carry = {file for file, parsed in files.items() if _holds_tests(file) and (_marks(parsed) or _imports(parsed, helpers))}
    return sorted(carry - run)


def _holds_tests(file: str) -> bool:
    return file.rpartition("/")[2].startswith("test_")


def _marks(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr == LEFT_OUT for one in ast.walk(node))


def _docker(file: ast.Module) -> bool:
    return any(isinstance(one, ast.Attribute) and ast.unparse(one) == "pytest.mark.docker" for one in ast.walk(file))


def _imports(file: ast.Module, names: set[str]) -> bool:
    found = (node for node in ast.walk(file) if isinstance(node, ast.ImportFrom))
    return any(alias.name in names for node in found for alias in node.names)


def test_what_is_marked_thorough_is_run_by_make_conformance() -> None:
    """`make test` leaves it out, so that elsewhere nobody would ever run it."""
    files = {name(path): tree(path) for path in SOURCES if name(path).startswith("tests/")}
    run = conformance(files)
    assert strays(files, run) == []
    marked = strays(files, set())
    assert marked, "nothing is marked: then the rule is no longer needed"
    assert [strays(files, run - {file}) for file in marked] == [[file] for file in marked]


def far(files: Mapping[str, ast.Module]) -> list[str]:
    """Name the files of tests that carry a mark of the later parts of `make test`, but are not where these look."""
    return [
        file
        for file, parsed in files.items()
        if _holds_tests(file) and not file.startswith("tests/integration/")
        if any(isinstance(one, ast.Attribute) and ast.unparse(one) in LATER for one in ast.walk(parsed))
    ]


def test_what_the_first_part_leaves_out_is_where_the_others_look() -> None:
    """Else it would be run by none."""
    assert far({name(path): tree(path) for path in SOURCES if name(path).startswith("tests/")}) == []
    marked = ast.parse("@pytest.mark.docker\ndef test_it(): ...")
    assert far({"tests/unit/test_it.py": marked, "tests/integration/test_it.py": marked}) == ["tests/unit/test_it.py"]


def test_a_stray_mark_is_found_however_it_got_there() -> None:
    files = {
        "tests/held.py": ast.parse(
            "def all_of(them): return [pytest.param(one, marks=pytest.mark.thorough) for one in them]"
        ),
        "tests/test_by_helper.py": ast.parse("from tests.held import all_of\n"),
        "tests/test_by_hand.py": ast.parse("@pytest.mark.thorough\ndef test_it(): ..."),
        "tests/test_as_a_whole.py": ast.parse("pytestmark = [pytest.mark.docker, pytest.mark.thorough]"),
        "tests/test_without.py": ast.parse("from tests.held import some\n\n@pytest.mark.docker\ndef test_it(): ..."),
    }
    by_hand = ["tests/test_as_a_whole.py", "tests/test_by_hand.py", "tests/test_by_helper.py"]
    assert strays(files, set()) == by_hand
    assert strays(files, set(by_hand[1:])) == by_hand[:1]
