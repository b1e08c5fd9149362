"""The doctor: looks at all that a run needs, each look with a bound, and says what mends what is not well."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from harness import archive, care, host, vitals
from harness.browser import chromium
from harness.drivers import Image, Imaging, driver
from harness.errors import SetupError, WindtunnelError
from harness.finding import Finding, Level
from harness.model import Outcome, noun
from harness.project import Project
from harness.shop import Imaged, Shop
from harness.store import LOCK
from harness.undo import held, machine_lock, take_machine, unlocked_by

WITHIN_S = 20.0
TIGHT_GIB, LEAST_GIB = 1.0, 0.1  # of disk: a run of minutes writes some MiB, one of a million orders some hundred
SHOWN = 3
AGAIN = "windtunnel doctor, when that is mended"


@noun
class Look:
    """One look at one thing. ``vital``: where it cannot be looked at, nobody can tell that a run could start."""

    what: str
    look: Callable[[], tuple[Finding, ...]]
    vital: bool = False


def examine(project: Project) -> Iterator[Finding]:
    """Give every finding about this machine and a project, each as soon as it is made; never raises for what it finds."""
    for look in looks(project):
        yield from looked(look)


def looks(project: Project) -> tuple[Look, ...]:
    """Give all looks, in the order in which a person would mend."""
    return (
        Look(what="system", look=lambda: (vitals.system(),), vital=True),
        Look(what="shop", look=lambda: _shop(project), vital=True),
        Look(what="engine", look=lambda: driver(project.shop().declaration.driver).examine(), vital=True),
        Look(what="images", look=lambda: (_images(project),), vital=True),
        Look(what="browser", look=lambda: (_browser(project),)),
        Look(what="cores", look=lambda: (vitals.cores(),)),
        Look(what="memory", look=lambda: (vitals.memory(),)),
        Look(what="run folders", look=lambda: (_runs(project.runs),), vital=True),
        Look(what="foreign CPU", look=lambda: (vitals.cpu(),)),
        Look(what="clock source", look=lambda: (vitals.clock_source(),)),
        Look(what="wall clock", look=lambda: (vitals.wall_clock(),)),
        Look(what="proxies", look=lambda: (vitals.proxies(),)),
        Look(what="CA bundle", look=lambda: (vitals.certificates(),)),
        Look(what="leftovers", look=lambda: _left(project)),
        Look(what="locks", look=lambda: (_locks(project.runs),), vital=True),
    )


def looked(look: Look, within_s: float = WITHIN_S) -> tuple[Finding, ...]:
    """Look, for so long at most. What did not end, or crashed, is a finding that says so."""
    answers = SimpleQueue[tuple[Finding, ...] | Exception]()

    def answer() -> None:
        try:
            answers.put(look.look())
        except Exception as error:  # noqa: BLE001 -- whatever it is: a doctor that dies of one look sees nothing more
            answers.put(error)

    Thread(target=answer, name=f"look at {look.what}", daemon=True).start()
    try:
        found = answers.get(timeout=within_s)
    except Empty:
        return (_blind(look, f"no answer within {within_s:g} s"),)
    if isinstance(found, WindtunnelError):
        return (_blind(look, str(found)),)
    return (_blind(look, f"the look crashed: {type(found).__name__}: {found}"),) if isinstance(found, Exception) else found


def _blind(look: Look, why: str) -> Finding:
    level = Level.IMPOSSIBLE if look.vital else Level.WARNING
    return Finding(what=look.what, found=f"could not be looked at: {why}", mend=AGAIN, level=level)


def _shop(project: Project) -> tuple[Finding, ...]:
    declaration = project.shop().declaration
    return (Finding(what="shop", found=f"{declaration.name}, on {declaration.driver}"),)


@noun
class Stock:
    """The images that a shop needs, and the machinery that has them or not."""

    shop: Imaged
    machinery: Imaging
    names: tuple[str, ...]

    def present(self) -> Mapping[str, Image]:
        """Give those that are there. Raises ``SetupError`` where the machinery does not answer."""
        return self.machinery.images(self.names)

    def missing(self) -> tuple[str, ...]:
        """Name those that are not there. Raises ``SetupError`` where the machinery does not answer."""
        there = self.present()
        return tuple(name for name in self.names if name not in there)


def stock(shop: Shop) -> Stock | None:
    """Give the images of a shop; None where it needs none. Raises ``SetupError`` where its driver knows no images."""
    if not isinstance(shop, Imaged):
        return None
    machinery = driver(shop.declaration.driver)
    if not isinstance(machinery, Imaging):
        raise SetupError(f"the shop names images, and its driver {shop.declaration.driver!r} knows none; correct the shop")
    return Stock(shop=shop, machinery=machinery, names=shop.images())


def _images(project: Project) -> Finding:
    """Say which images of the shop are there."""
    found = stock(project.shop())
    if found is None:
        return Finding(what="images", found="the shop needs none")
    if missing := found.missing():
        there = ", ".join(name for name in found.names if name not in missing)
        told = f"missing: {', '.join(missing)}; present: {there or 'none'}"
        return Finding(what="images", found=told, mend="windtunnel images build", level=Level.IMPOSSIBLE)
    return Finding(what="images", found=f"present: {', '.join(found.names)}")


def _browser(project: Project) -> Finding:
    """Say which browser can look at the shop, where it names a page to look at; only ``first_screen`` wants one."""
    if project.shop().declaration.screen is None:
        return Finding(what="browser", found="the shop names no page to look at")
    try:
        return Finding(what="browser", found=f"{chromium.version()}, {chromium.found()}")
    except SetupError as error:
        told = f"{str(error).removesuffix(f' Type: {chromium.INSTALL}')} Only scenarios that ask first_screen are refused."
        return Finding(what="browser", found=told, mend=chromium.INSTALL, level=Level.WARNING)


def _runs(runs: Path) -> Finding:
    """Say whether run folders can be made, and how much room there is for them."""
    there = next(one for one in (runs, *runs.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        found = f"{there} is no folder that you may write to"
        return Finding(what="run folders", found=found, mend="windtunnel run --out FOLDER", level=Level.IMPOSSIBLE)
    return host.room("run folders", runs, tight_gib=TIGHT_GIB, least_gib=LEAST_GIB)


def _left(project: Project) -> tuple[Finding, ...]:
    """Say what dead runs left: with open undos, or DIRTY and still there, they are in quarantine, the rest are leftovers.

    A shop that stands is there on purpose; with an open undo it is in quarantine all the same.
    """
    why = care.unseen(project.shop().declaration.driver)
    dead = [one for one in care.found(project.runs) if not one.alive and (one.opened or not one.stands)]
    kept = [one for one in dead if one.opened or (one.folder and archive.outcome(one.folder) is Outcome.DIRTY)]
    rest = [one for one in dead if one not in kept]
    return _remains("leftovers", rest, why), _remains("quarantine", kept, why)


def _remains(what: str, dead: list[care.Found], why: str) -> Finding:
    """Name what is left; where the machinery could not be asked, none seen does not mean that none is there."""
    names = ", ".join(one.run for one in dead[:SHOWN]) + f" and {len(dead) - SHOWN} more" * (len(dead) > SHOWN)
    if why:
        found = f"{names or 'none in sight'}; could not be looked at as a whole: {why}"
        return Finding(what=what, found=found, mend="windtunnel status", level=Level.WARNING)
    if not dead:
        return Finding(what=what, found="none")
    undos, things = sum(len(one.opened) for one in dead), sum(len(one.things) for one in dead)
    found = f"{names}: {undos} open undo(s), {things} thing(s) on this machine"
    return Finding(what=what, found=found, mend="windtunnel heal", level=Level.WARNING)


def _locks(runs: Path) -> Finding:
    """Say whether a run could take the machine, and which runs live."""
    living = ", ".join(folder.name for folder in sorted(runs.glob("*/")) if not folder.is_symlink() and held(folder / LOCK))
    lives = f"; it lives: {living}" if living else ""
    found, mend = _hindrance(machine_lock())
    if found:
        return Finding(what="locks", found=f"{found}{lives}", mend=mend, level=Level.IMPOSSIBLE)
    return Finding(what="locks", found=f"the machine's is free{lives}")


def _hindrance(path: Path) -> tuple[str, str]:
    """Say why the machine's lock cannot be taken, and what to do; both empty where it can. Makes no file."""
    if not path.exists():
        may = os.access(path.parent, os.W_OK | os.X_OK)
        return ("", "") if may else (f"{path}: cannot be made", f"ls -ld {path.parent}")
    try:
        take_machine(wait=False).close()
    except SetupError as error:
        mend = unlocked_by(path, error.__cause__)
        return str(error).removesuffix(f": {mend}"), mend
    return "", ""
