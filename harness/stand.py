"""A shop without a scenario: put up to stay, and taken up again by a later command that breaks it or sends it orders."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from harness import mark
from harness.clock import Clock, MachineClock, Watch
from harness.drivers import driver, process
from harness.drivers.redaction import redacted
from harness.errors import ControlError, SetupError, UsageError, WindtunnelError
from harness.guardian import Guardian
from harness.interrupts import InterruptedRun, Interrupts
from harness.mark import Standing
from harness.mend import remove
from harness.model import noun
from harness.planned import Plan
from harness.settings import Settings
from harness.shop import Residence, Resumable, RunningShop, Shop, Site
from harness.store import HARNESS, LOCK, UNDO, Process, read_site, write_site
from harness.undo import Lock, held, still_open

UP_S = 300.0  # a shop that has not come up by then hangs, and its guardian removes it


@noun
class Stood:
    """A shop that stands: the folder of its run, what it has put on this machine, its mark, its secrets."""

    folder: Path
    residence: Residence
    standing: Standing
    secrets: tuple[str, ...]

    @property
    def run(self) -> str:
        """The id that labels everything of it."""
        return self.folder.name


def put_up(plan: Plan, settings: Settings) -> Stood:
    """Start the plan's parts, mark them as standing, and leave them. Other than a run it takes no machine-wide lock.

    Raises ``SetupError`` where the machine is not ready or something is left, ``InterruptedRun`` after a signal that left
    nothing. Whatever is raised, nothing is left behind, or the message names the command that removes it; should we be
    killed, the guardian removes it.
    """
    driver(plan.declaration.driver).leftovers()  # where no engine answers, nothing is made
    clock, folder = MachineClock(), made(settings.out / settings.run)
    stood, hidden = list[Stood](), list[str]()

    def say(line: str) -> None:
        settings.say(redacted(line, hidden))

    def make() -> None:
        guard.interrupts.hurry()
        shop = settings.shop.start(plan, replace(_site(folder, clock, say), hide=hidden.extend))
        write_site(folder, shop.residence)
        url = shop.entry.url if plan.entry in plan.parts else ""
        standing = Standing(shop=settings.shop_name, defects=plan.defects, parts=plan.parts, url=url)
        mark.write(folder, standing, shop.secrets)
        stood.append(Stood(folder=folder, residence=shop.residence, standing=standing, secrets=shop.secrets))

    left: tuple[str, ...] = ()
    with guarded(folder, plan.declaration.driver, Watch(clock), keep=False, longest_s=UP_S) as guard:
        trouble = guard.ended_by(make)
        if trouble is not None:
            left = remove(folder, settings.run, driver(plan.declaration.driver))
    if isinstance(trouble, WindtunnelError | InterruptedRun) and left:
        why = f"interrupted by {trouble.by}" if isinstance(trouble, InterruptedRun) else trouble
        said = f"{why}; not all of it could be removed: `windtunnel heal {settings.run}`"
        raise SetupError(redacted(said, hidden)) from None
    if isinstance(trouble, SetupError | ControlError):
        raise type(trouble)(redacted(str(trouble), hidden)) from None
    if trouble is not None:
        raise trouble
    return stood[0]


def taken_up(folder: Path, shop_name: str) -> Stood:
    """Read what is known of a shop that stands. Raises ``UsageError`` where it is one of another class, ``SetupError``."""
    standing, secrets = mark.read(folder)
    residence = read_site(folder)
    if residence is None:
        raise SetupError(f"{folder}: what runs there is not written down; `windtunnel down {folder.name}` removes it")
    if standing.shop != shop_name:
        raise UsageError(f"{folder.name}: a shop of {standing.shop}, this project has {shop_name}")
    return Stood(folder=folder, residence=residence, standing=standing, secrets=secrets)


def resumed(stood: Stood, shop: Shop, clock: Clock, say: Callable[[str], None]) -> RunningShop:
    """Reach the parts of a shop that stands. Raises ``UsageError`` where its class cannot, ``ControlError``."""
    if not isinstance(shop, Resumable):
        raise UsageError(f"{stood.standing.shop} has no resume(): such a shop can only be put up and removed again")
    return shop.resume(stood.residence, _site(stood.folder, clock, say), stood.secrets)


class Guard:
    """What stands by while a shop's lock is held: caught signals, and a guardian without which nothing is broken."""

    def __init__(self, watch: Watch, interrupts: Interrupts, guardian: Guardian) -> None:
        self._watch, self._guardian, self.interrupts = watch, guardian, interrupts
        interrupts.guarded = guardian.lives
        watch.on(guardian.pidfd, self.check)

    def check(self) -> None:
        """Make sure that the guardian lives. Raises ``ControlError``."""
        if not self._guardian.lives():
            self._watch.off(self._guardian.pidfd)
            raise ControlError("the guardian died; nothing more is broken without it")

    def ended_by(self, doing: Callable[[], None]) -> BaseException | None:
        """Do it, and give what ended it early: an error, a signal, else None. From then on nothing tears the healing."""
        try:
            doing()
        except BaseException as trouble:  # noqa: BLE001 -- also a bug of ours: heal first, then tell
            return trouble
        finally:
            self.interrupts.calm()
            self._watch.off(self._guardian.pidfd)
        return None


@contextmanager
def guarded(folder: Path, machinery: str, watch: Watch, *, keep: bool, longest_s: float) -> Iterator[Guard]:
    """Hold a shop's lock, signals caught, with a guardian that heals and, unless ``keep``, removes the shop should we die.

    What leaves the block by an error is left to the guardian, who acts when this process ends: so heal inside, raise after.
    Raises ``SetupError`` where somebody else holds the lock, or where something is not healed yet.
    """
    run = folder.name
    if held(folder / LOCK):
        raise SetupError(f"{run}: something is being broken there already; wait for it, or type: windtunnel stop {run}")
    with Interrupts(watch) as interrupts, Lock(folder / LOCK):
        if opened := still_open(folder / UNDO):
            raise SetupError(f"{run}: not healed yet: {', '.join(one.step for one in opened)}. First type: windtunnel heal")
        me = Process(pid=os.getpid(), start_ticks=process.started(os.getpid()), zero_ns=watch.clock.zero_ns)
        try:
            (folder / HARNESS).write_bytes(msgspec.json.encode(me))
        except OSError as error:
            raise SetupError(f"{folder / HARNESS}: cannot be written: {error}; free some space") from error
        guardian = Guardian(folder, run, machinery, keep=keep, longest_s=longest_s)
        yield Guard(watch, interrupts, guardian)
        guardian.dismiss()


def made(folder: Path) -> Path:
    """Make a new folder. Raises ``SetupError``."""
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise SetupError(f"{folder}: cannot be made: {error}; nothing was started or broken") from error
    return folder


def _site(folder: Path, clock: Clock, say: Callable[[str], None]) -> Site:
    return Site(id=folder.name, folder=folder, now_ns=clock.now_ns, say=say, receive=_nobody)


def _nobody(address: str) -> str:
    """Give where alerts of a shop that stands go: to the port that discards, for nobody of ours listens any more."""
    return f"http://{address}:9/"
