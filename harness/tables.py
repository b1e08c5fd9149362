"""Tables as TOML gives them → nouns, strictly: no unknown key, no wrong type, no number that no limit can be."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

import msgspec

from harness.errors import ScenarioError
from harness.model import Target

LARGEST, LARGEST_SEED = 10**6, 2**63 - 1  # a million: of seconds, eleven days
T = TypeVar("T")


def check_numbers(file: str, key: str, value: Any) -> None:
    """Refuse numbers that no limit and no time can be: a comparison with ``nan`` never fails, ``inf`` never ends."""
    if isinstance(value, dict):
        for name, inner in value.items():
            check_numbers(file, f"{key}.{name}".lstrip("."), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            check_numbers(file, f"{key}[{number}]", inner)
    elif isinstance(value, int | float):
        largest = LARGEST_SEED if key == "seed" else LARGEST
        if not 0 <= value <= largest:
            raise ScenarioError(file, key, f"expected a number, 0 or more, at most {largest:,}, found {value}")


def convert(file: str, key: str, table: Mapping[str, Any], to: type[T]) -> T:
    """Turn a table into a dataclass, strictly: no unknown key, no missing key, no wrong type. Raises ``ScenarioError``."""
    if not isinstance(table, Mapping):
        raise ScenarioError(file, key, f"expected a table, found {table!r}")
    known = {item.name.rstrip("_"): item.name for item in fields(to)}  # type: ignore[arg-type]  # always a dataclass; class_
    for name in table:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known) or 'nothing'}"
            raise ScenarioError(file, f"{key}.{name}".lstrip("."), f"unknown key; {hint}")
    hints = get_type_hints(to)
    try:
        plain = {known[name]: _target(value) if hints[known[name]] is Target else value for name, value in table.items()}
        return msgspec.convert(plain, to)
    except (msgspec.ValidationError, ValueError) as error:
        raise ScenarioError(file, key or "file", str(error)) from error


def _target(value: Any) -> Any:
    """Read what is written as a text but is a noun."""
    if not isinstance(value, str):
        raise ValueError(f"expected a target as text, found {value!r}")  # noqa: TRY004 -- told like any other bad value
    return msgspec.to_builtins(Target.parse(value))
