"""The page of all faults, made from what they say of themselves: ``python -m harness.faultbook > docs/faults.md``."""

import tomllib
from collections.abc import Iterator, Mapping

from harness import described, registry
from harness.described import prose, table
from harness.drivers import driver
from harness.model import noun

HEAD = """\
# Faults

Made by `python -m harness.faultbook` from the doc strings and types in the code, and from what the driver of containers
would have people type; a test keeps it up to date. How to add one is told in [writing-a-fault.md](writing-a-fault.md).

A fault is one table of a step. It acts at `at_s`; one that is held is undone by us after `hold_s`, an impulse never. It
counts only where its witness saw it bite, and one that is held also where it was seen to hold and to heal. Whatever it did
is undone from what was written down before, by whoever is left: the run, its guardian, `windtunnel heal`."""
BY_THE_PRODUCT = "As people would type it: in the way of the product that undergoes it; `windtunnel plan` shows it."
UNITS: Mapping[str, str] = {  # by the end of a parameter's name, the longest first
    "kbytes_per_s": "kbytes (1,024 bytes) a second",
    "kb_per_s": "thousand bytes a second",
    "per_s": "a second",
    "percent": "of 100",
    "bytes": "bytes",
    "ratio": "share, 0 to 1",
    "ms": "milliseconds",
    "s": "seconds",
}


@noun
class Example:
    """The example of a fault, read: its parameters, and the step it would be."""

    params: Mapping[str, object]
    step: str


def example(kind: str) -> Example:
    """Read the example of a fault. Raises ``ValueError`` where it has none, or it is no TOML of this fault."""
    text = described.example(kind)
    if not text.startswith(f"{kind} = {{"):
        raise ValueError(f"{kind}: its doc string must begin with ``{kind} = {{ target = … }}``, and begins with ``{text}``")
    held = "hold_s = 60\n" if registry.cls("faults", kind).held else ""
    return Example(params=tomllib.loads(text)[kind], step=f"[[steps]]\nat_s = 0\n{held}{text}")


def faultbook() -> str:
    """Give the whole page."""
    kinds = registry.kinds("faults")
    return "\n\n".join([HEAD, *_overview(kinds), *(part for kind in kinds for part in _fault(kind))]) + "\n"


def _overview(kinds: tuple[str, ...]) -> Iterator[str]:
    rows = []
    for kind in kinds:
        cls = registry.cls("faults", kind)
        lasts = "held" if cls.held else "impulse"
        rows.append((f"[`{kind}`](#{kind})", described.title("faults", kind), lasts, f"`{cls.sense.__name__}`"))
    yield table(("fault", "what it does", "lasts", "witness looks through"), rows)


def _fault(kind: str) -> Iterator[str]:
    cls = registry.cls("faults", kind)
    yield f"## {kind}"
    yield described.title("faults", kind)
    yield prose(cls.__doc__)
    rows = [(name, _unit(name.strip("`")), *others) for name, *others in described.parameters(cls)]
    yield table(("parameter", "unit", "type", "default"), rows)
    yield f"```\n{example(kind).step}\n```"
    act, undo = driver("docker").TYPED.get(_power(cls.needs), ("", ""))  # else it is the product's own: see ``Component``
    yield f"As people would type it: `{act.format('<target>')}`" if act else BY_THE_PRODUCT
    yield f"Undo: `{undo.format('<target>')}`" if undo else "Undo: none; the shop must get over it."
    yield f"Power: `{cls.needs.__name__}`. Witness: `{cls.sense.__name__}`."


def _unit(name: str) -> str:
    return next((unit for end, unit in UNITS.items() if name == end or name.endswith(f"_{end}")), "")


def _power(protocol: type) -> str:
    return next(name for name in vars(protocol) if not name.startswith("_"))  # a power is one method


if __name__ == "__main__":
    print(faultbook(), end="")
