"""What a name means: a scenario, a fault, a checker, a probe or a defect, in the words that each has for itself."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness import described, registry
from harness.errors import UsageError
from harness.judge import HEALED, healed
from harness.model import Json
from harness.project import Project, near
from harness.rates import courses
from harness.scenario import Entry, Scenario, load
from harness.shop import Gallery, Shop

SHELVES: Mapping[str, tuple[str, Callable[[str], Iterator[str]]]] = {
    "faults": ("a fault", described.fault),
    "checkers": ("a checker", described.checker),
    "probes": ("a probe", described.probe),
}
NEAR = 3


def explain(name: str, project: Project | None) -> str:
    """Explain everything of that name, as Markdown. Without a project there are no stems of scenarios, and no defects.

    Raises ``UsageError`` with near matches where nothing has that name, ``ScenarioError`` for a file that is none.
    """
    found = [
        "\n\n".join([f"`{name}`: {what}", *paragraphs(name)])
        for shelf, (what, paragraphs) in SHELVES.items()
        if name in registry.kinds(shelf)
    ]
    if name == HEALED:
        found.append(f"`{name}`: an objective of every run\n\n{described.prose(healed.__doc__)}")
    if (file := _file(name, project)) is not None:
        found.append("\n".join(_scenario(load(file))))
    if not found and project is not None:
        shop = project.shop()
        if name not in shop.declaration.defects:
            raise UsageError(_unknown(name, project, tuple(shop.declaration.defects)))
        found.append("\n\n".join(_defect(name, shop)))
    if not found:
        raise UsageError(_unknown(name, project, ()))
    return "\n\n".join(found)


def names(project: Project | None) -> tuple[str, ...]:
    """Name all that can be explained without asking the shop: kinds, and the stems of the project's scenarios."""
    stems = {file.stem for file in (project.root / "scenarios").glob("*.toml")} if project else set()
    return tuple(sorted({kind for shelf in SHELVES for kind in registry.kinds(shelf)} | {HEALED} | stems))


def _unknown(name: str, project: Project | None, defects: tuple[str, ...]) -> str:
    known = sorted({*names(project), *defects})
    close = difflib.get_close_matches(name, known, NEAR)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
    if project is None:
        hint += "; no project is here, so neither scenarios nor defects were looked up"
    return f"{name}: no scenario, fault, checker, probe or defect is called so; {hint}"


def _file(name: str, project: Project | None) -> Path | None:
    """Find the scenario file that is meant: a path, or one of the project's by file name or stem."""
    folder = project.root / "scenarios" if project else Path()
    paths = [Path(name), folder / name] if name.endswith(".toml") else [folder / f"{name}.toml"]
    with suppress(OSError):  # a name longer than any file's
        return next((near(path) for path in paths if path.is_file()), None)
    return None


def _scenario(scenario: Scenario) -> Iterator[str]:
    """Tell a scenario: why, what breaks and when, what must hold and what that means, what people do."""
    yield f"`{scenario.name}`: a scenario ({scenario.file})"
    yield f"\nHypothesis: {scenario.hypothesis}"
    if scenario.incident is not None:
        yield f"Incident: {scenario.incident}"
    if scenario.tags:
        yield f"Tags: {', '.join(scenario.tags)}"
    yield "\nWhat breaks (T counts from the first arrival):"
    yield from _steps(scenario)
    for title, key, entries in (
        ("Steady state, before and after:", "steady_state", scenario.steady_state),
        ("Objectives:", "objectives", scenario.objectives),
    ):
        if entries:
            yield f"\n{title}"
        for entry in entries:
            named = entry.id if entry.id == entry.kind else f"{entry.id} ({entry.kind})"
            yield f"  {named}: {_params(entry)}. {_meaning('checkers', entry, scenario.file, f'{key}.{entry.id}')}"
    yield f"\nPlaybook{f', for {scenario.playbook.owner}' if scenario.playbook.owner else ''}:"
    yield from (f"  {number}. {step}" for number, step in enumerate(scenario.playbook.steps, 1))
    if not scenario.playbook.steps:
        yield "  none"


def _steps(scenario: Scenario) -> Iterator[str]:
    begin_s = scenario.load.warm_up_s + scenario.load.baseline_s
    for number, step in enumerate(scenario.steps, 1):
        meaning = _meaning("faults", step.fault, scenario.file, f"steps[{number}].{step.fault.kind}")
        held = f", held for {step.hold_s:g} s" if step.hold_s is not None else ""
        yield f"  T+{begin_s + step.at_s:g} s  {step.id}: {step.fault.kind}, {_params(step.fault)}{held}. {meaning}"
    for stage, (at_s, _) in zip(scenario.load.stages, courses(scenario.load).values(), strict=True):
        yield f"  T+{float(at_s):g} s  {stage.name}: {stage.orders_per_s:g} orders/s for {stage.for_s:g} s"
    if not scenario.disturbed:
        yield "  nothing"
    yield f"May look unhealthy: {', '.join(scenario.blast_radius) or 'nothing'}"


def _meaning(shelf: str, entry: Entry, file: str, key: str) -> str:
    """Give the first words of a kind about itself. Raises ``ScenarioError`` where entry or kind are not understood."""
    params = {name: value for name, value in entry.params.items() if name != "when"}  # any objective may have one
    registry.make(shelf, Entry(id=entry.id, kind=entry.kind, params=params), file, key)
    return described.title(shelf, entry.kind)


def _params(entry: Entry) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in entry.params.items()) or "no parameters"


def _value(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _defect(name: str, shop: Shop) -> Iterator[str]:
    """Tell a defect: what it spoils, and what must catch it."""
    objective = shop.declaration.defects[name]
    yield f"`{name}`: a defect of the {shop.declaration.name}"
    if isinstance(shop, Gallery):
        yield shop.spoils(name)
    meaning = f" {described.title('checkers', objective)}" if objective in registry.kinds("checkers") else ""
    yield f"A run with `--defect {name}` must fail by `{objective}`.{meaning}"
    if shown_in := shop.declaration.shown_in.get(name):
        yield f"It has room to show in {', '.join(f'`{scenario}`' for scenario in shown_in)}."
