"""House rules that a machine can check: who may import whom, how long a file may be. Of time and marks: ``test_tidy_*``."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from harness import registry
from harness.plan import plan
from harness.project import find
from harness.scenario import load

ROOT = Path(__file__).parents[1]
SOURCES = tuple(sorted(path for room in ("harness", "sut", "tests") for path in (ROOT / room).rglob("*.py")))
SCENARIOS = tuple(sorted((ROOT / "scenarios").glob("*.toml")))

# Lowest first: a module imports its own layer and those below. A new module is written in here, once.
LAYERS = {
    "words": "errors model declaration finding capabilities clock lines kept machine bounds",
    "scenario": "scenario demand rates tables registry events interrupts host forecast",
    "history": (
        "history audited visits views sessions outages aftermath evidence cost "
        "load load.schedule load.shopper load.visitor load.spec load.tally load.books"
    ),
    "plan": "planned refusals adding looking plan shop report project settings",
    "while it runs, and after": (
        "nemesis sampler receiver recovery arrivals drivers undo mark mend guardian load.sealed load.ledger "
        "load.requests load.generator browser store recorder provenance judge doubts"
    ),
    "load child": "load.common load.team load.wire load.walk load.user load.master load.worker load.child",
    "run": "run",
    "doors": (
        "cli commands gallery gate campaign tunnel pytest_plugin __main__ dryrun progress screen conclude care "
        "prepare engine reference faultbook described explain archive doctor vitals stand strike drive telling byhand "
        "knee cores"
    ),
}
SHELVES = {
    "faults": {"model", "capabilities", "errors", "faults"},
    "probes": {"model", "capabilities", "errors"},
    "checkers": {
        "model",
        "declaration",
        "history",
        "audited",
        "views",
        "visits",
        "sessions",
        "events",
        "errors",
        "evidence",
        "cost",
        "forecast",
        "outages",
        "aftermath",
    },
    "reporters": {
        "model",
        "history",
        "events",
        "errors",
        "evidence",
        "cost",
        "outages",
        "aftermath",
        "sessions",
        "report",
        "reporters",
    },
}
CHILD = {"load.wire", "load.walk", "load.user", "load.master", "load.worker", "load.child"}
ONLY_IN = {
    "docker": ("harness/drivers/",),
    "toxiproxy": ("harness/drivers/",),
    "prometheus_api_client": ("harness/drivers/",),
    "requests": ("harness/drivers/",),
    "testcontainers": ("sut/", "tests/"),
    "psycopg": ("sut/", "tests/"),
    "locust": ("harness/load/",),
    "gevent": ("harness/load/",),
    "geventhttpclient": ("harness/load/",),
}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
LONGER = {  # file or file:function → why
    "harness/events.py": "the closed set of a journal's records, in one place",
    "harness/capabilities.py": "the closed set of what can be undergone and seen, in one place",
}
PRODUCTS = r"postgres|patroni|haproxy|\betcd\b|psycopg|valkey|varnish|nginx|pgbackrest"
# Put together, so that this file does not break its own rules.
UNFINISHED = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3))
PLACES = "|".join(f"/{place}/" for place in ("work", "root", "home", "Users", "mnt"))


def name(path: Path) -> str:
    """Name a file as the rules do."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """Name a module of ``harness`` without the package: ``load.user``, ``drivers`` for its ``__init__``."""
    parts = path.relative_to(ROOT / "harness").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """Parse a file, once."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Give every module a file imports, wherever in the file; of ``from a import b`` both ``a`` and ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


HARNESS = {module(path): path for path in SOURCES if path.is_relative_to(ROOT / "harness")}


def own(path: Path) -> set[str]:
    """Give the modules of ``harness`` that a file imports, packages left out where a module in them is meant."""
    found = {item.removeprefix("harness.") for item in imported(path) if item.startswith("harness.")} & HARNESS.keys()
    return found - {item.rpartition(".")[0] for item in found if HARNESS[item.rpartition(".")[0]].name == "__init__.py"}


def layer(item: str) -> int:
    """Give the place of a module among the layers; a package's modules are where the package is, if not named."""
    for place, modules in enumerate(LAYERS.values()):
        if item in modules.split():
            return place
    if item.startswith(("drivers.", "load.", "browser.", "commands.", "gallery.", "knee.")):
        return layer(item.rpartition(".")[0])
    raise AssertionError(f"harness/{item}.py has no place in LAYERS of tests/test_tidy.py: write it in")


def on_shelf(item: str) -> str:
    """Give the shelf a module stands on; empty where it is on none."""
    room = item.partition(".")[0]
    return room if room in SHELVES else ""


def test_imports_point_one_way() -> None:
    places = {item: layer(item) for item in HARNESS if item and not on_shelf(item)}
    wrong = [
        f"{item} imports {other}, which is above it"
        for item, place in places.items()
        for other in own(HARNESS[item]) & places.keys()
        if places[other] > place
    ]
    assert not wrong


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = TopologicalSorter({item: own(path) - {item} for item, path in HARNESS.items()})
    assert list(graph.static_order())


@pytest.mark.parametrize("shelf", SHELVES)
def test_what_stands_on_a_shelf_imports_little(shelf: str) -> None:
    for item, path in HARNESS.items():
        if on_shelf(item) == shelf:
            others = {other if not on_shelf(other) else on_shelf(other) for other in own(path)}
            assert others <= SHELVES[shelf], item


def test_only_doors_import_from_the_shelves() -> None:
    """All others go through the registry, so that one file is all there is to a new thing."""
    for item, path in HARNESS.items():
        if not on_shelf(item) and any(on_shelf(other) for other in own(path)):
            assert layer(item) == layer("cli"), item


def test_the_harness_knows_neither_shop_nor_tests() -> None:
    for path in HARNESS.values():
        assert not {item for item in imported(path) if item.split(".")[0] in ("sut", "tests", "services")}, name(path)


def test_the_shop_does_not_know_the_tests() -> None:
    for path in SOURCES:
        if path.is_relative_to(ROOT / "sut"):
            assert not {item for item in imported(path) if item.split(".")[0] == "tests"}, name(path)


def test_each_client_library_is_imported_in_its_own_room_only() -> None:
    wrong = [
        f"{name(path)} imports {library}"
        for path in SOURCES
        for library in sorted({item.split(".")[0] for item in imported(path)} & ONLY_IN.keys())
        if not name(path).startswith(ONLY_IN[library]) and not name(path).startswith("tests/")
    ]
    wrong += [f"{item} imports Locust" for item, path in HARNESS.items() if item not in CHILD and _is_gevent(path)]
    assert not wrong


def _is_gevent(path: Path) -> bool:
    return any(item.split(".")[0] in ("locust", "gevent", "geventhttpclient") for item in imported(path))


def test_locust_is_never_in_the_harness_process() -> None:
    modules = sorted(f"harness.{item}".rstrip(".") for item in HARNESS.keys() - CHILD - {"__main__"})
    program = f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
    program += "print(*sorted({name.split('.')[0] for name in sys.modules} & {'locust', 'gevent', 'geventhttpclient'}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert not done.stdout.split()


def test_files_and_functions_are_short() -> None:
    assert {place: length for place, length in _too_long() if place not in LONGER} == {}
    assert LONGER.keys() <= {place for place, _ in _too_long()}, "these are short by now: take them off the list"


def _too_long() -> Iterator[tuple[str, int]]:
    for path in SOURCES:
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST_FILE:
            yield name(path), length
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{name(path)}:{node.name}", lines


def test_every_module_says_what_it_is() -> None:
    assert not [name(path) for path in SOURCES if not ast.get_docstring(tree(path)) and path.stat().st_size]


def _texts() -> Iterator[tuple[str, str]]:
    """Give every text of the project, runs left out."""
    rooms = ("harness", "sut", "tests", "scenarios", "docs", ".ci")
    paths = [path for room in rooms for path in (ROOT / room).rglob("*")]
    paths += [path for path in ROOT.iterdir() if path.is_file()] + list((ROOT / "reports").glob("*.*"))
    for path in sorted(paths):
        if path.is_file() and path.suffix not in (".pyc", ".png", ".zip"):
            yield name(path), path.read_text(encoding="utf-8")


def test_nothing_is_left_unfinished_or_tied_to_one_machine() -> None:
    found = [
        f"{file}: {match.group()}" for file, text in _texts() for match in re.finditer(rf"\b({UNFINISHED})\b|{PLACES}", text)
    ]
    assert not found


def test_the_harness_names_no_product() -> None:
    """Products are the business of ``sut/components``."""
    named = [
        f"{name(path)}: {match.group()}"
        for path in HARNESS.values()
        for match in re.finditer(PRODUCTS, path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert not named


@pytest.mark.parametrize("shelf", ["faults", "probes", "checkers"])
def test_the_file_name_is_the_kind(shelf: str) -> None:
    for kind in registry.kinds(shelf):
        assert isinstance(registry.cls(shelf, kind), type)


def test_every_reporter_names_its_file_and_renders() -> None:
    for kind in registry.kinds("reporters"):
        reporter = import_module(f"harness.reporters.{kind}")
        assert isinstance(reporter.FILE, str)
        assert callable(reporter.render)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_plans(path: Path) -> None:
    assert plan(load(path), find(ROOT).shop().declaration).objectives


def test_every_scenario_tells_people_what_to_do() -> None:
    for path in SCENARIOS:
        scenario = load(path)
        assert scenario.hypothesis.endswith("."), path.stem
        assert scenario.playbook.owner, path.stem
        assert scenario.playbook.steps, path.stem
