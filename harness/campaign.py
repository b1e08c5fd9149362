"""A campaign: scenario files, all planned before the first starts, then flown and judged one by one. Every door uses it."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.browser import chromium
from harness.conclude import conclude, write
from harness.cores import Confined, Cores
from harness.errors import SetupError
from harness.model import Outcome, noun
from harness.plan import plan
from harness.planned import Plan
from harness.progress import Progress
from harness.project import Project
from harness.report import Report
from harness.run import Flight
from harness.scenario import load
from harness.settings import Settings

NAME_LONGEST = 40  # of what a run, and so its containers and their hosts, are called after


@noun
class Sortie:
    """One run that is to be flown: its plan, and its number in the series of its scenario."""

    plan: Plan
    part: int
    of: int


@noun
class Change:
    """What is different from the scenario files: orders a second, the seed, and the defects of the shop."""

    rate: float | None = None
    seed: int | None = None
    defects: tuple[str, ...] = ()


@noun
class Manner:
    """How to fly: where run folders go, the command as it was typed, whether the shop stays, whether to wait.

    ``apart``: the cores of the shop and of the generator, where they must not take any from each other. ``generators``
    share the load; they join at ``gather`` (host:port), or are started here where that is empty.
    """

    out: Path
    command: str
    keep: bool = False
    wait: bool = False
    apart: Cores | None = None
    generators: int = 1
    gather: str = ""


@noun
class Flown:
    """A run that has ended and was judged. ``interrupted``: the exit code of what ended it early, else None."""

    report: Report
    interrupted: int | None


def planned(project: Project, files: Sequence[Path], change: Change) -> tuple[Sortie, ...]:
    """Plan every run of every file. Raises ``ScenarioError`` and ``PlanError``; nothing has started then."""
    declaration = project.shop().declaration
    sorties = []
    for file in files:
        scenario = load(file)
        runs = scenario.repeat.runs if scenario.repeat else 1
        for part in range(1, runs + 1):
            made = plan(scenario, declaration, defects=change.defects, rate=change.rate, seed=change.seed, part=part)
            sorties.append(Sortie(plan=made, part=part, of=runs))
    return tuple(sorties)


def demand_browser(sorties: Sequence[Sortie]) -> None:
    """Raise ``SetupError``, with what to type, where a real browser is to look and there is none."""
    if any(sortie.plan.looked_through for sortie in sorties):
        chromium.found()


def fly(project: Project, sortie: Sortie, manner: Manner, progress: Progress) -> Flown:
    """Fly one run, judge it, write its reports. Raises ``SetupError`` where the machine is not ready.

    Where the reports of a DIRTY run cannot be written, that is said, and its outcome is given all the same.
    """
    demand_browser([sortie])
    shop = project.shop(sortie.plan.defects)
    settings = Settings(
        shop=shop if manner.apart is None else Confined(shop, manner.apart.shop),
        shop_name=project.shop_name,
        project=project.root,
        out=manner.out.resolve(),
        run=run_id(sortie.plan.scenario.name),
        command=manner.command,
        show=progress.show,
        say=progress.say,
        keep=manner.keep,
        wait=manner.wait,
        part=sortie.part,
        of=sortie.of,
        cores=frozenset() if manner.apart is None else manner.apart.load,
        generators=manner.generators,
        gather=manner.gather,
    )
    ended = Flight(sortie.plan, settings).fly()
    report = conclude(ended.folder, project)
    if ended.dirty and report.judgement.outcome is not Outcome.DIRTY:  # a full disk: the journal could not say so any more
        report = replace(report, judgement=replace(report.judgement, outcome=Outcome.DIRTY))
        progress.say(f"windtunnel: the shop is still broken; type: windtunnel heal {settings.run}")
    try:
        write(report, ended.folder)
    except SetupError as error:
        if report.judgement.outcome is not Outcome.DIRTY:
            raise
        progress.say(f"windtunnel: {error}")  # that the shop is still broken is the graver news
    return Flown(report=report, interrupted=ended.interrupted)


def run_id(name: str) -> str:
    """Name a run after its moment and its scenario (or what else it is); unique, and fit for a container's name."""
    fit = re.sub(r"[^a-z0-9_.]+", "-", name.lower())[:NAME_LONGEST]
    return f"{datetime.now(UTC):%Y%m%dt%H%M%S}-{fit}-{secrets.token_hex(2)}"
