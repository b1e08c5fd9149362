"""TOML → frozen ``Scenario``. Anything that is not understood is a ``ScenarioError`` with file, key and what was expected.

One rule: the key is the kind (or an id, with ``kind =`` inside), the table holds its parameters. What a kind's
parameters mean is the shelf's business: see ``registry.make``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Literal

from harness import demand
from harness.demand import Load
from harness.errors import ScenarioError
from harness.model import Json, noun
from harness.tables import check_numbers, convert

FORMAT = 1
TAG = re.compile(r"[a-z][a-z0-9_-]*")
NO_TAGS = {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"}  # tags are marks there, and act
STEP_KEYS = frozenset({"id", "at_s", "hold_s"})
RUNS_MAX = 1000


@noun
class Entry:
    """One thing to be made from a shelf: its stable id, its kind, its parameters as written."""

    id: str
    kind: str
    params: Mapping[str, Json]


@noun
class Step:
    """One fault at a time counted from the end of the baseline; ``hold_s`` for held faults only."""

    id: str
    at_s: float
    hold_s: float | None
    fault: Entry


@noun
class Recovery:
    """After the last disturbance: steady for ``stable_s`` ends the run, ``give_up_s`` ends it in any case."""

    stable_s: float
    give_up_s: float


@noun
class Repeat:
    """Run the scenario several times as one: any FAIL fails. ``phase`` shifts each step by a seeded part of a second."""

    runs: int
    vary: Literal["phase", "nothing"] = "nothing"


@noun
class Playbook:
    """What a person does when this happens."""

    owner: str
    steps: tuple[str, ...]


@noun
class Scenario:
    """One scenario file, whole. ``file`` is how messages name it, ``name`` its stem, ``text`` what was read."""

    file: str
    name: str
    hypothesis: str
    incident: int | None
    tags: tuple[str, ...]
    blast_radius: tuple[str, ...]
    seed: int
    load: Load
    steady_state: tuple[Entry, ...]
    steps: tuple[Step, ...]
    recovery: Recovery
    objectives: tuple[Entry, ...]
    playbook: Playbook
    repeat: Repeat | None
    text: str = field(default="", compare=False, repr=False)

    @property
    def disturbed(self) -> bool:
        """Whether anything happens to the shop after the baseline: a step, or a stage of the load."""
        return bool(self.steps or self.load.stages)


@noun
class _File:
    """The top level of the file, as written."""

    format: int
    hypothesis: str
    load: dict[str, Any]
    objectives: dict[str, Any]
    recovery: dict[str, Any] = field(default_factory=dict)
    playbook: dict[str, Any] = field(default_factory=dict)
    incident: int | None = None
    tags: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    seed: int = 1
    steady_state: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    repeat: dict[str, Any] | None = None


def load(path: Path) -> Scenario:
    """Read one scenario file. Raises ``ScenarioError`` naming file, key and what was expected."""
    name = str(path).encode(errors="backslashreplace").decode()
    if name != str(path):
        raise ScenarioError(name, "file", "its name is not UTF-8, so no report could name it; rename it")
    return parse(read(path), str(path))


def read(path: Path) -> str:
    """Read a text that belongs to a scenario. Raises ``ScenarioError`` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(path), "file", f"cannot be read: {error}") from error


def name_of(file: str) -> str:
    """Give the name of a scenario from what its file is called: the stem, or the test that it was written in."""
    return Path(file.replace("::", "/")).stem


def parse(text: str, file: str) -> Scenario:
    """Read a scenario from its text; ``file`` is how messages name it. Raises ``ScenarioError``."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScenarioError(file, "file", f"is not TOML: {error}") from error
    check_numbers(file, "", raw)
    if raw.get("format") != FORMAT:
        raise ScenarioError(file, "format", f"expected {FORMAT}, found {raw.get('format')!r}")
    top = convert(file, "", raw, _File)
    for tag in top.tags:
        if not TAG.fullmatch(tag) or tag in NO_TAGS:
            raise ScenarioError(
                file, "tags", f"expected small letters, digits, - and _, and no mark of pytest's, found {tag!r}"
            )
    return Scenario(
        file=file,
        name=name_of(file),
        hypothesis=top.hypothesis,
        incident=top.incident,
        tags=top.tags,
        blast_radius=top.blast_radius,
        seed=top.seed,
        load=demand.read(file, top.load),
        steady_state=_entries(file, "steady_state", top.steady_state),
        steps=tuple(_step(file, number, table) for number, table in enumerate(top.steps, 1)),
        recovery=convert(file, "recovery", {"stable_s": 15, "give_up_s": 180} | top.recovery, Recovery),
        objectives=_entries(file, "objectives", top.objectives),
        playbook=convert(file, "playbook", {"owner": "", "steps": []} | top.playbook, Playbook),
        repeat=None if top.repeat is None else _repeat(file, top.repeat),
        text=text,
    )


def asked_also(scenario: Scenario, text: str, file: str) -> Scenario:
    """Give a scenario with more objectives, written as the table ``[objectives]`` is. Raises ``ScenarioError``."""
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScenarioError(file, "file", f"is not TOML: {error}") from error
    check_numbers(file, "", raw)
    return replace(scenario, objectives=scenario.objectives + _entries(file, "objectives", raw))


def _repeat(file: str, table: dict[str, Any]) -> Repeat:
    """Read how often a scenario runs."""
    repeat = convert(file, "repeat", table, Repeat)
    if not 1 <= repeat.runs <= RUNS_MAX:
        raise ScenarioError(file, "repeat.runs", f"expected 1 to {RUNS_MAX:,} runs, found {repeat.runs}")
    return repeat


def _step(file: str, number: int, table: dict[str, Any]) -> Step:
    """Read one step: its times, and exactly one fault."""
    key = f"steps[{number}]"
    kinds = [name for name in table if name not in STEP_KEYS]
    if len(kinds) != 1:
        raise ScenarioError(file, key, f"expected one fault beside {', '.join(sorted(STEP_KEYS))}, found {kinds or 'none'}")
    params = table[kinds[0]]
    if not isinstance(params, dict):
        raise ScenarioError(file, f"{key}.{kinds[0]}", f'expected a table such as {{ target = "…" }}, found {params!r}')
    at_s, hold_s = table.get("at_s", 0), table.get("hold_s")
    for name, value in (("at_s", at_s), ("hold_s", hold_s)):
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise ScenarioError(file, f"{key}.{name}", f"expected seconds, found {value!r}")
    name = table.get("id", f"step{number}")
    if not isinstance(name, str):
        raise ScenarioError(file, f"{key}.id", f"expected a text, found {name!r}")
    return Step(id=name, at_s=at_s, hold_s=hold_s, fault=Entry(id=name, kind=kinds[0], params=params))


def _entries(file: str, key: str, tables: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Read the tables of a shelf: the key is the kind, or an id with ``kind`` inside."""
    entries = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ScenarioError(file, f"{key}.{name}", f"expected a table, found {table!r}")
        params = dict(table)
        entries.append(Entry(id=name, kind=str(params.pop("kind", name)), params=params))
    return tuple(entries)
