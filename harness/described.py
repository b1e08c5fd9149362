"""What the shelves say of themselves, in Markdown: from the doc strings and types of faults, checkers and probes."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from importlib import import_module
from typing import Any, Literal, get_args, get_origin, get_type_hints

from harness import registry


def fault(kind: str) -> Iterator[str]:
    """Give the paragraphs about a fault: what it does, its parameters, whether it is held, its power and its witness."""
    cls = registry.cls("faults", kind)
    yield from noun(cls, title("faults", kind))
    kept = "Held until it is undone." if cls.held else "An impulse: nothing is held, nothing is undone."
    yield f"{kept} Power: `{cls.needs.__name__}`. Witness: `{cls.sense.__name__}`."


def example(kind: str) -> str:
    """Give the example of a fault as it stands first in its doc string: ``kind = { target = "…" }``."""
    found = re.search(r"``(.+?)``", str(registry.cls("faults", kind).__doc__))
    return found[1] if found else ""


def checker(kind: str) -> Iterator[str]:
    """Give the paragraphs about a checker: what it demands, its parameters, what may deceive it and what it needs."""
    cls = registry.cls("checkers", kind)
    yield from noun(cls, title("checkers", kind))
    says = {
        "A slow machine may fake its failure.": cls.timing,
        "It expects the shop to react to a fault.": cls.reaction,
        f"It needs the probe {', '.join(f'`{probe}`' for probe in cls.probes)}.": cls.probes,
        "It has a real browser look while the load goes on.": cls.screened,
        f"It needs {cls.shortest_s:g} s of load at least.": cls.shortest_s,
    }
    if any(says.values()):
        yield " ".join(sentence for sentence, applies in says.items() if applies)


def probe(kind: str) -> Iterator[str]:
    """Give the paragraphs about a probe: what it observes, and how often through which sense."""
    cls = registry.cls("probes", kind)
    yield title("probes", kind)
    yield prose(cls.__doc__)
    yield f"Every {cls.interval_s:g} s. Sense: `{cls.sense.__name__}`."


def title(shelf: str, kind: str) -> str:
    """Give the first sentence of a kind's file, without the kind itself."""
    said = prose(import_module(f"harness.{shelf}.{kind}").__doc__).removeprefix(f"`{kind}`: ")
    return said[:1].upper() + said[1:]


def noun(one: Any, heading: str = "") -> Iterator[str]:
    """Give what a noun says of itself, then its fields; of an instance, its values are what is taken if nothing is said."""
    if heading:
        yield heading
    yield prose(one.__doc__)
    if rows := parameters(one):
        yield table(("parameter", "type", "default"), rows)


def parameters(one: Any) -> list[tuple[str, str, str]]:
    """Give the fields of a noun: its name as a scenario writes it, its type, and what is taken if nothing is said."""
    hints = get_type_hints(one if isinstance(one, type) else type(one))
    return [(f"`{field.name.rstrip('_')}`", _type(hints[field.name]), _default(one, field)) for field in fields(one)]


def _default(one: Any, parameter: Field[Any]) -> str:
    default = parameter.default if isinstance(one, type) else getattr(one, parameter.name)
    if default is MISSING:
        return "must be given"
    return "none" if default in (None, (), "") else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _type(hint: Any) -> str:
    """Name a type as the writer of a scenario sees it."""
    if get_origin(hint) is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if options := [option for option in get_args(hint) if option is not type(None)]:
        return " or ".join(_type(option) for option in options)
    named: Mapping[str, str] = {"float": "number", "int": "whole number", "str": "text", "Target": "target"}
    return named.get(hint.__name__, f"table `{hint.__name__.lower()}`")


def prose(text: str | None) -> str:
    """Turn a doc string into Markdown: paragraphs on one line each, names in single back quotes."""
    paragraphs = inspect.cleandoc(text or "").replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write rows of cells below their heads as a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n\n", " ") for cell in line) + " |" for line in lines
    )
