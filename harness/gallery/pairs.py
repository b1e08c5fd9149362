"""Which bad shop flies in which scenario, and the good shop in all of them: planned whole before anything starts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.campaign import Sortie
from harness.declaration import Declaration
from harness.errors import UsageError
from harness.model import noun
from harness.plan import plan
from harness.planned import Plan
from harness.project import Project, near
from harness.scenario import load

GOOD = ""  # the defect of the shop that has none
Pair = tuple[str, str]  # a defect, or GOOD, and the name of a scenario


@noun
class Matrix:
    """What a gallery flies, the good shop first. ``homeless``: asked-for bad shops that no scenario is declared to show."""

    sorties: tuple[Sortie, ...]
    homeless: tuple[str, ...]


def pair(made: Plan) -> Pair:
    """Say which pair a plan belongs to."""
    return next(iter(made.defects), GOOD), made.scenario.name


def matrix(
    project: Project, files: Sequence[Path], defects: Sequence[str], *, runs: int = 1, rate: float | None = None
) -> Matrix:
    """Plan ``runs`` runs of each pair, each with a seed of its own, in place of a scenario's ``[repeat]``.

    A bad shop flies in the scenarios that its declaration says it shows in (of ``files``, where there are any; else of
    all in ``scenarios/``); with both files and defects named, in exactly those. The good shop flies in every scenario in
    which a bad one does, and in all that were asked for. Raises ``UsageError`` for what would prove nothing: an unknown
    name, a scenario that does not ask what must catch the bad shop, no bad shop at all.
    """
    declaration = project.shop().declaration
    scenarios = _scenarios(project, files)
    for name in defects:
        if name not in declaration.defects:
            raise UsageError(f"--defect {name}: is none of {', '.join(declaration.defects) or '- the shop declares none'}")
    shown = {
        name: tuple(scenarios) if files and defects else _shown_in(name, declaration, scenarios, chosen=bool(files))
        for name in dict.fromkeys(defects or declaration.defects)
    }
    bad = [(name, scenario) for name, names in shown.items() for scenario in names]
    homeless = () if files else tuple(name for name, names in shown.items() if not names)
    if not bad or (defects and homeless):
        lacking = ", ".join(homeless) or "none of the bad shops"
        raise UsageError(f"{lacking}: no scenario here is declared to show it; name both FILES and --defect to try a pair")
    good = dict.fromkeys(scenario for _, scenario in bad) if defects else scenarios
    sorties = (
        sortie
        for one in (*((GOOD, scenario) for scenario in good), *bad)
        for sortie in _sorties(one, scenarios[one[1]], declaration, rate=rate, runs=runs)
    )
    return Matrix(sorties=tuple(sorties), homeless=homeless)


def _scenarios(project: Project, files: Sequence[Path]) -> dict[str, Path]:
    """Give the files by the names of their scenarios. Raises ``UsageError`` for none, and for two of one name."""
    named = tuple(files) or tuple(near(path) for path in sorted((project.root / "scenarios").rglob("*.toml")))
    if not named:
        raise UsageError(f"{project.root / 'scenarios'}: no scenario in it; name scenario files")
    found: dict[str, Path] = {}
    for file in named:
        if file.stem in found:
            raise UsageError(f"{found[file.stem]}, {file}: two scenarios of one name cannot be told apart; rename one")
        found[file.stem] = file
    return found


def _shown_in(name: str, declaration: Declaration, known: Mapping[str, Path], *, chosen: bool) -> tuple[str, ...]:
    """Give the scenarios that a bad shop is declared to show in, of those chosen. Raises ``UsageError`` for no such."""
    declared = declaration.shown_in.get(name, ())
    lost = [one for one in declared if one not in known]
    if lost and not chosen:
        raise UsageError(f"{name}: is declared to show in {', '.join(lost)}, and there is no such file in scenarios/")
    return tuple(one for one in declared if one in known)


def _sorties(one: Pair, file: Path, declaration: Declaration, *, rate: float | None, runs: int) -> Iterator[Sortie]:
    """Plan the runs of a pair. Raises ``ScenarioError``, ``PlanError`` and, where nothing could catch it, ``UsageError``."""
    defect, scenario = one[0], load(file)
    for part in range(1, runs + 1):
        made = plan(scenario, declaration, defects=(defect,) if defect != GOOD else (), rate=rate, part=part)
        if defect != GOOD:
            _must_ask(made, declaration.defects[defect])
        yield Sortie(plan=made, part=part, of=runs)


def _must_ask(made: Plan, caught_by: str) -> None:
    """Refuse a scenario that does not ask what is to catch the bad shop. Raises ``UsageError``."""
    if caught_by not in kinds(made).values():
        scenario = made.scenario
        because = f"does not ask {caught_by}, which must catch {', '.join(made.defects)}; add it to [objectives]"
        raise UsageError(f"{scenario.file}: {because}")


def kinds(made: Plan) -> dict[str, str]:
    """Give the kind of each objective of a plan, by its id."""
    return {one.id: one.kind for one in made.objectives}


def asked(sorties: Iterable[Sortie]) -> dict[Pair, tuple[int, ...]]:
    """Give the pairs of some runs, in their order, each with the numbers of its runs."""
    found: dict[Pair, tuple[int, ...]] = {}
    for sortie in sorties:
        found[pair(sortie.plan)] = (*found.get(pair(sortie.plan), ()), sortie.part)
    return found
