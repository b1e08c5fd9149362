"""The reference, made from what the shelves say of themselves: ``python -m harness.reference > docs/reference.md``."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from importlib import import_module
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from harness import capabilities, events, registry, scenario
from harness.cli import cli
from harness.plan import WHEN

HEAD = """\
# Reference

Made by `python -m harness.reference` from the doc strings and types in the code; a test keeps it up to date. What the
words mean and how things are measured is told in [measuring.md](measuring.md), how a scenario is written in
[writing-a-scenario.md](writing-a-scenario.md)."""
SHORTEST = """
format = 1
hypothesis = "It is written down."
load = { arrivals = { orders_per_s = 1 }, warm_up_s = 0, baseline_s = 60 }
objectives = {}
"""
STEP = "A step holds `at_s`, for a held fault `hold_s`, if wanted an `id`, and one fault with its parameters."
OBJECTIVE = """\
An objective is a table in `[objectives]`: its key is a checker, or an id of your own with `kind = "<checker>"` in it. Beside
the checker's parameters it may hold `when`, the stretch it looks at: {when}. In `[steady_state]` the checker looks at the
baseline, and again after the recovery."""


def reference() -> str:
    """Give the whole document."""
    parts = (_commands(), _scenario(), _faults(), _checkers(), _probes(), _reporters(), _capabilities(), _records())
    return "\n\n".join([HEAD, *(paragraph for part in parts for paragraph in part)]) + "\n"


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield "Each is `windtunnel COMMAND`, or `python -m harness COMMAND`. RUN is a folder, a run's id, or `last`."
    for name, command in cli.commands.items():
        taken = [one for one in command.params if isinstance(one, click.Argument)]
        yield f"### `{' '.join([name, *map(_argument, taken)])}`"
        yield _prose(command.help)
        options = [one for one in command.params if isinstance(one, click.Option)]
        if options:
            yield _table(("option", "meaning"), [(_option(one), _prose(one.help)) for one in options])


def _argument(argument: click.Argument) -> str:
    word = f"{str(argument.name).upper()}{'…' if argument.nargs < 0 else ''}"
    return word if argument.required else f"[{word}]"


def _option(option: click.Option) -> str:
    value = "" if option.is_flag else f" {str(option.name).removesuffix('_path').upper()}"
    return f"`{option.opts[0]}{value}`{', may be repeated' if option.multiple else ''}"


def _scenario() -> Iterator[str]:
    yield "## Tables of a scenario"
    left_out = scenario.parse(SHORTEST, "shortest.toml")
    for title, table in {
        "[load]": scenario.Load,
        "[load] arrivals": scenario.Arrivals,
        "[load] resend": scenario.Resend,
        "[recovery]": left_out.recovery,
        "[repeat]": scenario.Repeat,
        "[playbook]": left_out.playbook,
    }.items():
        yield f"### `{title}`"
        yield from _described(table)
    yield "### `[[steps]]`"
    yield STEP


def _faults() -> Iterator[str]:
    yield "## Faults"
    for kind in registry.kinds("faults"):
        fault = registry.cls("faults", kind)
        yield f"### `{kind}`"
        yield from _described(fault, _title("faults", kind))
        kept = "Held until it is undone." if fault.held else "An impulse: nothing is held, nothing is undone."
        yield f"{kept} Power: `{fault.needs.__name__}`. Witness: `{fault.sense.__name__}`."


def _checkers() -> Iterator[str]:
    yield "## Checkers"
    yield OBJECTIVE.format(when=", ".join(f"`{word}`" for word in WHEN))
    for kind in registry.kinds("checkers"):
        checker = registry.cls("checkers", kind)
        yield f"### `{kind}`"
        yield from _described(checker, _title("checkers", kind))
        says = {
            "A slow machine may fake its failure.": checker.timing,
            "It expects the shop to react to a fault.": checker.reaction,
            f"It needs the probe {', '.join(f'`{probe}`' for probe in checker.probes)}.": checker.probes,
            f"It needs {checker.shortest_s:g} s of load at least.": checker.shortest_s,
        }
        if any(says.values()):
            yield " ".join(sentence for sentence, applies in says.items() if applies)


def _probes() -> Iterator[str]:
    yield "## Probes"
    rows = []
    for kind in registry.kinds("probes"):
        probe = registry.cls("probes", kind)
        rows.append((f"`{kind}`", f"{probe.interval_s:g} s", f"`{probe.sense.__name__}`", _prose(probe.__doc__)))
    yield _table(("probe", "every", "sense", "what it observes"), rows)


def _reporters() -> Iterator[str]:
    yield "## Reporters"
    modules = [(kind, import_module(f"harness.reporters.{kind}")) for kind in registry.kinds("reporters")]
    rows = [(f"`{kind}`", f"`{module.FILE}`", _prose(module.__doc__)) for kind, module in modules]
    yield _table(("reporter", "file", "what it is"), rows)


def _capabilities() -> Iterator[str]:
    yield "## Powers and senses"
    yield _prose(capabilities.__doc__)
    for name, protocol in inspect.getmembers(capabilities, inspect.isclass):
        if protocol.__module__ == capabilities.__name__ and name != "Probe":
            yield f"### `{name}`"
            yield _prose(protocol.__doc__)
            methods = [(n, m) for n, m in inspect.getmembers(protocol, inspect.isfunction) if not n.startswith("_")]
            yield _table(("method", "contract"), [(f"`{name}()`", _prose(method.__doc__)) for name, method in methods])


def _records() -> Iterator[str]:
    yield "## Records of the journal"
    yield _prose(events.__doc__)
    rows = [
        (f"`{kind}`", ", ".join(f"`{one.name}`" for one in fields(record)), _prose(record.__doc__))
        for kind, record in events.KINDS.items()
    ]
    yield _table(("kind", "fields", "meaning"), rows)


def _title(shelf: str, kind: str) -> str:
    """Give the first sentence of a kind's file, without the kind itself."""
    title = _prose(import_module(f"harness.{shelf}.{kind}").__doc__).removeprefix(f"`{kind}`: ")
    return title[:1].upper() + title[1:]


def _described(noun: Any, title: str = "") -> Iterator[str]:
    """Give what a noun says of itself, then its fields; of an instance, its values are what is taken if nothing is said."""
    if title:
        yield title
    yield _prose(noun.__doc__)
    hints = get_type_hints(noun if isinstance(noun, type) else type(noun))
    rows = [(f"`{one.name}`", _type(hints[one.name]), _default(noun, one)) for one in fields(noun)]
    if rows:
        yield _table(("parameter", "type", "default"), rows)


def _default(noun: Any, parameter: Field[Any]) -> str:
    default = parameter.default if isinstance(noun, type) else getattr(noun, parameter.name)
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


def _prose(text: str | None) -> str:
    """Turn a doc string into Markdown: paragraphs on one line each, names in single back quotes."""
    paragraphs = inspect.cleandoc(text or "").replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n\n", " ") for cell in line) + " |" for line in lines
    )


if __name__ == "__main__":
    print(reference(), end="")
