"""A shop without a scenario: put it up, send it orders, break it by hand, take it down."""

import importlib
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from harness import byhand, care
from harness.campaign import run_id
from harness.commands import completing
from harness.declaration import Declaration
from harness.drive import Driven, drive
from harness.errors import SetupError, UsageError, WindtunnelError
from harness.events import Event
from harness.evidence import ms
from harness.interrupts import EXIT_CODES, InterruptedRun
from harness.load.shopper import ByHand
from harness.model import Outcome
from harness.progress import Progress
from harness.project import Project, find
from harness.reporters._words import visible
from harness.screen import Screen, tell
from harness.settings import Settings
from harness.shop import Shop
from harness.stand import Stood, put_up, taken_up
from harness.strike import Strike
from harness.telling import Teller

LONGEST_S = 4 * 3600.0
DEFECT = click.option("--defect", "defects", multiple=True, help="A switch of the gallery of bad shops.")
WHICH = "Which shop, where several stand."
ON = click.option("--on", "run", metavar="RUN", shell_complete=completing.standing, help=WHICH)


class Seconds(click.ParamType[float]):
    """A length of time as people write it: ``60s``, ``5m``, ``90`` (seconds); from a second to four hours."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Give it in seconds."""
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([sm]?)", str(value))
        seconds = float(match[1]) * (60 if match[2] == "m" else 1) if match else 0.0
        if not 1 <= seconds <= LONGEST_S:
            self.fail(f"{value!r}: expected a duration such as 60s, 5m or 90 (seconds), from 1s to 240m", param, ctx)
        return seconds


@click.command("up")
@click.argument("parts", nargs=-1)
@DEFECT
def up_command(parts: tuple[str, ...], defects: tuple[str, ...]) -> None:
    """Start the shop alone, without a run, and leave it standing: all of it, or PARTS with what they need."""
    project, console = find(Path.cwd()), Screen(highlight=False)
    shop = project.shop(defects)
    plan = byhand.standing(shop.declaration, parts, defects)
    settings = _settings(project, shop, project.runs / run_id("up"), console, lambda _: None)
    try:
        stood = put_up(plan, settings)
    except InterruptedRun as stop:
        console.print(f"interrupted by {stop.by}: nothing is left of the shop")
        sys.exit(EXIT_CODES[stop.by])
    for line in _addresses(stood, shop.declaration):
        console.print(Text(visible(line)), soft_wrap=True)


@click.command("down")
@click.argument("run", required=False, shell_complete=completing.standing)
def down_command(run: str | None) -> None:
    """Remove the shop that stands, healed first where something is broken. RUN says which, where several stand."""
    left = care.take_down(_standing(find(Path.cwd()), run, "windtunnel down {}"), tell)
    sys.exit(Outcome.DIRTY.exit_code if left else 0)


@click.command("break")
@click.argument("fault", shell_complete=completing.faults)
@click.argument("target")
@click.argument("parameters", nargs=-1)
@click.option("--for", "duration", type=Seconds(), help="How long it is held: 60s, 5m. An impulse has none.")
@ON
def break_command(fault: str, target: str, parameters: tuple[str, ...], duration: float | None, run: str | None) -> None:
    """Break one thing of the shop that stands, watched by a witness, and heal it: 0 only where both were seen.

    PARAMETERS are the fault's own, as in `ms=300 jitter_ms=20`.
    """
    project, console = find(Path.cwd()), Screen(highlight=False)
    stood = _taken_up(project, run)
    shop = project.shop(stood.standing.defects)
    plan = byhand.one_break(shop.declaration, fault, target, duration, stood.standing.parts, parameters)
    teller = Teller(console, duration)
    settings = _settings(project, shop, stood.folder / "breaks" / run_id(fault), console, teller.show)
    struck = Strike(plan, stood, settings).carry_out()
    if struck.unhealed:
        console.print("`windtunnel heal` tries again and lets the shop stand; `windtunnel down` removes it")
    if isinstance(struck.trouble, WindtunnelError):
        click.echo(f"windtunnel: {visible(str(struck.trouble))}", err=True)
    sys.exit(struck.exit_code)


@click.command("load")
@click.option("--orders-per-s", type=float, required=True, help="Orders a second, at most 2,000.")
@click.option("--for", "duration", type=Seconds(), required=True, help="For how long: 60s, 5m.")
@ON
def load_command(orders_per_s: float, duration: float, run: str | None) -> None:
    """Send orders to the shop that stands, as a run does, and say what became of them: 0 only where that is beyond doubt."""
    project, console = find(Path.cwd()), Screen(highlight=False)
    stood = _taken_up(project, run)
    shop = project.shop(stood.standing.defects)
    plan = byhand.only_load(shop.declaration, orders_per_s, duration)
    if not stood.standing.url:
        raise UsageError(f"{stood.run}: {plan.entry}, where shoppers enter, does not run; put up all parts")
    with Progress(console, stood.run) as progress:
        settings = _settings(project, shop, stood.folder / "loads" / run_id("load"), console, progress.show)
        driven = drive(plan, stood, settings)
    console.print(_table(driven))
    for doubt in driven.doubts:
        console.print(Text(visible(f"not to be believed without question: {doubt}")), soft_wrap=True)
    if isinstance(driven.trouble, InterruptedRun):
        sys.exit(EXIT_CODES[driven.trouble.by])
    if driven.trouble is not None:
        raise driven.trouble
    sys.exit(Outcome.INCONCLUSIVE.exit_code if driven.doubts else 0)


def _settings(project: Project, shop: Shop, folder: Path, console: Screen, show: Callable[[Event], None]) -> Settings:
    """Say how, apart from what: the folder of its records, and who hears of them."""
    return Settings(
        shop=shop,
        shop_name=project.shop_name,
        project=project.root,
        out=folder.parent.resolve(),
        run=folder.name,
        command=shlex.join(["windtunnel", *sys.argv[1:]]),
        show=show,
        say=lambda line: console.print(Text(visible(line)), soft_wrap=True),
    )


def _standing(project: Project, run: str | None, how: str) -> care.Found:
    """Find the shop that is meant among those of this project that stand. Raises ``UsageError``, ``SetupError``."""
    runs = project.runs.resolve()
    there = {one.run: one for one in care.found(runs) if one.stands and one.folder and one.folder.parent == runs}
    if run is None and len(there) > 1:
        raise UsageError(f"several shops stand: say which: {'; '.join(how.format(name) for name in sorted(there))}")
    if run is not None and run in there:
        return there[run]
    if run is None and there:
        return next(iter(there.values()))
    if why := care.unseen(project.shop().declaration.driver):
        raise SetupError(f"nobody can tell whether a shop stands: {why}")
    named = f"{run}: no shop of that name stands" if run else "no shop stands"
    others = f"; standing: {', '.join(sorted(there))}" if there else "; `windtunnel up` puts one up"
    raise UsageError(named + others)


def _taken_up(project: Project, run: str | None) -> Stood:
    folder = _standing(project, run, "--on {}").folder
    assert folder is not None  # noqa: S101 -- only those with a folder are looked among
    return taken_up(folder, project.shop_name)


def _addresses(stood: Stood, declaration: Declaration) -> list[str]:
    """Tell what stands, where, how to send it an order, and how to end it."""
    bad = f", with the defect {', '.join(stood.standing.defects)}" if stood.standing.defects else ""
    lines = [f"{declaration.name} stands{bad}: {stood.run}"]
    things = {thing.name: str(thing.state.get("address", "runs")) for thing in stood.residence.things}
    if url := stood.standing.url:
        things["shoppers enter"] = url
        if order := _order_by_hand(declaration, stood.run, url):
            things["an order"] = order
    things["it stays until"] = f"windtunnel down {stood.run}"
    return [*lines, *(f"  {name:15s}{value}" for name, value in things.items())]


def _order_by_hand(declaration: Declaration, run: str, url: str) -> str:
    """Give the shell line that sends one order; empty where the shop's shopper tells none."""
    module, _, name = declaration.shopper.partition(":")
    with suppress(ImportError, AttributeError, TypeError):  # a shopper that cannot be made is the load's business to tell
        shopper = getattr(importlib.import_module(module), name)(run, 0)
        return shopper.by_hand(url) if isinstance(shopper, ByHand) else ""
    return ""


def _table(driven: Driven) -> Table:
    """Lay out what became of the orders."""
    table = Table(box=None, show_header=False, padding=(0, 2))
    for name, count in (("offered", driven.offered), *driven.fates.items()):
        table.add_row(name, f"{count:,} orders")
    for percent, latency in driven.latency_ms.items():
        table.add_row(f"p{percent}", f"{ms(latency)} from the intended time")
    table.add_row("generator", f"p99 {driven.late_ms:.1f} ms late")
    return table
