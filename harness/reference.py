"""The reference, made from what the shelves say of themselves: ``python -m harness.reference > docs/reference.md``."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib import import_module

import click

from harness import capabilities, demand, described, events, registry, scenario
from harness.cli import cli
from harness.described import prose, table
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
the checker's parameters it may hold `when`, the stretch it looks at: {when}, or the name of a stage of the load. In
`[steady_state]` the checker looks at the baseline, and again after the recovery."""


def reference() -> str:
    """Give the whole document."""
    parts = (_commands(), _scenario(), _faults(), _checkers(), _probes(), _reporters(), _capabilities(), _records())
    return "\n\n".join([HEAD, *(paragraph for part in parts for paragraph in part)]) + "\n"


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield "Each is `windtunnel COMMAND`, or `python -m harness COMMAND`. RUN is a folder, a run's id, or `last`."
    for name, command in _all(cli.commands):
        taken = [one for one in command.params if isinstance(one, click.Argument)]
        yield f"### `{' '.join([name, *map(_argument, taken)])}`"
        yield prose(command.help)
        options = [one for one in command.params if isinstance(one, click.Option)]
        if options:
            yield table(("option", "meaning"), [(_option(one), prose(one.help)) for one in options])


def _all(commands: Mapping[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    """Give every command with its name, those of a group after the group."""
    for name, command in commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in _all(command.commands))


def _argument(argument: click.Argument) -> str:
    word = f"{str(argument.name).upper()}{'…' if argument.nargs < 0 else ''}"
    return word if argument.required else f"[{word}]"


def _option(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or str(option.name).removesuffix('_path').upper()}"
    default = f", default {option.default:g}" if isinstance(option.default, int | float) and not option.is_flag else ""
    return f"`{option.opts[0]}{value}`{', may be repeated' if option.multiple else ''}{default}"


def _scenario() -> Iterator[str]:
    yield "## Tables of a scenario"
    left_out = scenario.parse(SHORTEST, "shortest.toml")
    for title, one in {
        "[load]": demand.Load,
        "[load] arrivals": demand.Arrivals,
        "[load] stages": demand.Stage,
        "[load] resend": demand.Resend,
        "[load] sessions": demand.Sessions,
        "[recovery]": left_out.recovery,
        "[repeat]": scenario.Repeat,
        "[playbook]": left_out.playbook,
    }.items():
        yield f"### `{title}`"
        yield from described.noun(one)
    yield "### `[[steps]]`"
    yield STEP


def _faults() -> Iterator[str]:
    yield "## Faults"
    yield "Each with its parameters, undo, witness and an example is in [faults.md](faults.md)."
    rows = [(f"[`{kind}`](faults.md#{kind})", described.title("faults", kind)) for kind in registry.kinds("faults")]
    yield table(("fault", "what it does"), rows)


def _checkers() -> Iterator[str]:
    yield "## Checkers"
    yield OBJECTIVE.format(when=", ".join(f"`{word}`" for word in WHEN))
    for kind in registry.kinds("checkers"):
        yield f"### `{kind}`"
        yield from described.checker(kind)


def _probes() -> Iterator[str]:
    yield "## Probes"
    rows = []
    for kind in registry.kinds("probes"):
        probe = registry.cls("probes", kind)
        rows.append((f"`{kind}`", f"{probe.interval_s:g} s", f"`{probe.sense.__name__}`", prose(probe.__doc__)))
    yield table(("probe", "every", "sense", "what it observes"), rows)


def _reporters() -> Iterator[str]:
    yield "## Reporters"
    modules = [(kind, import_module(f"harness.reporters.{kind}")) for kind in registry.kinds("reporters")]
    rows = [(f"`{kind}`", f"`{module.FILE}`", prose(module.__doc__)) for kind, module in modules]
    yield table(("reporter", "file", "what it is"), rows)


def _capabilities() -> Iterator[str]:
    yield "## Powers and senses"
    yield prose(capabilities.__doc__)
    for name, protocol in inspect.getmembers(capabilities, inspect.isclass):
        if protocol.__module__ == capabilities.__name__ and name != "Probe":
            yield f"### `{name}`"
            yield prose(protocol.__doc__)
            methods = [(n, m) for n, m in inspect.getmembers(protocol, inspect.isfunction) if not n.startswith("_")]
            yield table(("method", "contract"), [(f"`{name}()`", prose(method.__doc__)) for name, method in methods])


def _records() -> Iterator[str]:
    yield "## Records of the journal"
    yield prose(events.__doc__)
    rows = [
        (f"`{kind}`", ", ".join(f"`{one.name}`" for one in fields(record)), prose(record.__doc__))
        for kind, record in events.KINDS.items()
    ]
    yield table(("kind", "fields", "meaning"), rows)


if __name__ == "__main__":
    print(reference(), end="")
