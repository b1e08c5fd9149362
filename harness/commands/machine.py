"""This machine: whether a run could start on it, and the images that the shop's parts run from."""

import sys
from pathlib import Path

import click

from harness import doctor
from harness.clock import MachineClock
from harness.doctor import Stock
from harness.drivers import Image
from harness.errors import SetupError, UsageError
from harness.finding import Finding, Level
from harness.project import find
from harness.reporters._words import utc, visible

MIB, HOUR_NS = 2**20, 3_600_000_000_000
SHOWN = {Level.OK: "ok", Level.WARNING: "warning", Level.IMPOSSIBLE: "IMPOSSIBLE"}
NEXT = "next: windtunnel images build, or windtunnel images load FILE"


@click.command("doctor")
def doctor_command() -> None:
    """Look at all that a run needs of this machine, and say what mends it. Ends with 10 if no run can start."""
    hindered = 0
    for finding in doctor.examine(find(Path.cwd())):
        click.echo(_line(finding))
        hindered += finding.level is Level.IMPOSSIBLE
    click.echo(f"no run can start: {hindered} thing(s) to mend" if hindered else "a run can start")
    sys.exit(SetupError.exit_code if hindered else 0)


def _line(finding: Finding) -> str:
    """Write a finding on one line, whatever texts from outside are in it."""
    found = visible(" ".join(finding.found.split()))
    mend = f"  -> {visible(finding.mend)}" if finding.mend else ""
    return f"{SHOWN[finding.level]:10s}  {finding.what:13s}  {found}{mend}"


@click.group("images")
def images_group() -> None:
    """Build, list and carry the images that the shop's parts run from."""


@images_group.command("list")
def list_command() -> None:
    """List each image of the shop: present or missing, its size and age."""
    stock = _stock()
    if isinstance(stock, str):
        click.echo(stock)
        return
    there = stock.present()
    for name in stock.names:
        click.echo(visible(f"{name:40s}  {_told(there.get(name))}"))
    if stock.missing():
        click.echo(NEXT)


@images_group.command("build")
def build_command() -> None:
    """Build the images that are missing."""
    stock = _stock()
    if isinstance(stock, str):
        click.echo(stock)
        return
    stock.shop.build_images(lambda line: click.echo(visible(line)))


@images_group.command("save")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save_command(file: Path) -> None:
    """Write all images of the shop into one tar FILE, for a machine that cannot build them."""
    stock = _stock()
    if isinstance(stock, str):
        raise UsageError(f"{stock}, so there is nothing to save")
    if missing := stock.missing():
        raise SetupError(f"{file}: not written: no image {', '.join(missing)}; type: windtunnel images build")
    stock.machinery.save_images(stock.names, file)
    click.echo(visible(f"{file}: {len(stock.names)} images, {file.stat().st_size / MIB:.1f} MiB: {', '.join(stock.names)}"))


@images_group.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def load_command(file: Path) -> None:
    """Take in the images of a tar FILE, as `save` writes it. Ends with 10 if the shop still lacks one."""
    stock = _stock()
    if isinstance(stock, str):
        raise UsageError(f"{stock}, so there is nothing to load")
    for name in stock.machinery.load_images(file):
        click.echo(visible(f"{name}: loaded"))
    if missing := stock.missing():
        raise SetupError(f"{file}: loaded, but the shop still lacks {', '.join(missing)}; type: windtunnel images build")
    click.echo(f"all {len(stock.names)} images of the shop are present")


def _stock() -> Stock | str:
    """Give the images of the project's shop, or the sentence that says that it needs none."""
    shop = find(Path.cwd()).shop()
    return doctor.stock(shop) or f"{shop.declaration.name}: its parts need no images"


def _told(image: Image | None) -> str:
    if image is None:
        return "missing"
    size = f"present  {image.size_bytes / MIB:8.1f} MiB"
    if image.made_ns is None:
        return f"{size}  of unknown age"
    hours = max(0, MachineClock().wall_ns() - image.made_ns) // HOUR_NS
    age = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    return f"{size}  {age} old (made {utc(image.made_ns)}Z)"
