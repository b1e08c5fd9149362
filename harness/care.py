"""Runs on this machine from any shell: which live, what they left open, how to stop one and how to mend a dead one."""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from harness import mark
from harness.clock import pause
from harness.drivers import DRIVERS, Deviation, Driver, Leftover, driver, process
from harness.errors import ControlError, SetupError, UsageError
from harness.mend import ROUNDS, deviations, end_load, heal, remove, twice
from harness.model import noun
from harness.shop import Residence
from harness.store import HARNESS, LOCK, UNDO, Process, read_site
from harness.undo import Lock, Open, Played, held, play, still_open

STOP_S = 180.0
UNKNOWN = "as what it was started cannot be read, so nobody knows if it is well; `windtunnel down {}` removes it"


@noun
class Found:
    """A run that lives, or that left something behind. ``folder`` is None where only labels speak of it.

    ``stands``: a shop that is there on purpose, which only who names it removes.
    """

    run: str
    folder: Path | None
    alive: bool
    opened: tuple[Open, ...]
    things: tuple[str, ...]
    driver: str
    stands: bool = False


def found(runs: Path) -> tuple[Found, ...]:
    """Find every run in a folder of runs, and on every driver's machinery, that lives or has left something.

    Only a link to a run folder is none: it would be mended twice, by two names.
    """
    seen: dict[str, Found] = {}
    for folder in sorted(runs.glob("*/")):
        if folder.is_symlink():
            continue
        site = read_site(folder)
        alive, opened = held(folder / LOCK), still_open(folder / UNDO)
        left = _left(folder, site)
        if alive or opened or left:
            name = site.driver if site else "process" if left else "docker"
            seen[folder.name] = Found(
                run=folder.name,
                folder=folder,
                alive=alive,
                opened=opened,
                things=left,
                driver=name,
                stands=mark.is_set(folder),
            )
    for name in DRIVERS:
        try:
            leftovers = driver(name).leftovers()
        except SetupError:
            continue  # no engine that answers: what can be mended without it is; whoever asks is told (``unseen``)
        for one in leftovers:
            seen[one.run] = _labelled(one, runs, name, known=seen.get(one.run))
    return tuple(seen.values())


def _labelled(one: Leftover, runs: Path, name: str, known: Found | None) -> Found:
    """Make what is known of a run that a driver has found by its label.

    Its folder is the one that the label names or, where that is not there (the project was moved), that of its name in
    ``runs``. It lives if any lock that could be its own is held.
    """
    locks = [one.lock] if one.lock.name else []
    locks += [runs / one.run / LOCK] if Path(one.run).name == one.run and not (runs / one.run).is_symlink() else []
    there = next((lock.parent for lock in locks if _is_folder(lock.parent)), None)
    return Found(
        run=one.run,
        folder=there,
        alive=(known is not None and known.alive) or any(held(lock) for lock in locks),
        opened=still_open(there / UNDO) if there else (),
        things=one.things,
        driver=name,
        stands=there is not None and mark.is_set(there),
    )


def _is_folder(place: Path) -> bool:
    """Say whether there is a folder; not where that cannot be looked at."""
    with suppress(OSError):
        return place.is_dir()
    return False


def _left(folder: Path, site: Residence | None) -> tuple[str, ...]:
    """Name the processes of a run that are still there; containers are found by their label instead.

    A run that died before it had written down what it started is known by what carries its folder's name.
    """
    if site is None:
        return tuple(f"process {one.pid}" for one in process.labelled(folder))
    if site.driver != "process":
        return ()
    return tuple(thing.name for thing in site.things if Path(thing.ref).exists())


def unseen(name: str) -> str:
    """Say why nobody can tell what runs on a driver's machinery; empty where it answers."""
    try:
        driver(name).leftovers()
    except (ControlError, SetupError) as error:
        return str(error)
    return ""


def stop(folder: Path) -> None:
    """Ask a living run to stop, and wait until it has healed and gone.

    Raises ``UsageError`` where no such run lives, ``ControlError`` where it does not end within ``STOP_S``, or not healed.
    """
    if not held(folder / LOCK):
        raise UsageError(f"{folder.name}: no living run; `windtunnel status` lists what there is")
    try:
        harness = msgspec.json.decode((folder / HARNESS).read_bytes(), type=Process)
        pidfd = os.pidfd_open(harness.pid)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{folder.name}: its process cannot be found: {error}; try `windtunnel heal`") from error
    try:
        if process.started(harness.pid) != harness.start_ticks:  # its number belongs to somebody else by now
            raise UsageError(f"{folder.name}: has died, its guardian is healing; see `windtunnel status`")
        with suppress(ProcessLookupError):  # it ended this very moment
            signal.pidfd_send_signal(pidfd, signal.SIGUSR1)
        if not select.select([pidfd], [], [], STOP_S)[0]:
            raise ControlError(
                f"{folder.name}: still runs {STOP_S:g} s after it was told to stop; kill it, its guardian heals"
            )
    finally:
        os.close(pidfd)
    if opened := still_open(folder / UNDO):
        steps = ", ".join(one.step for one in opened)
        raise ControlError(f"{folder.name}: stopped, but {steps} not yet seen healed; `windtunnel status`, then `heal`")


def is_ill(one: Found) -> bool:
    """Say whether a shop that stands is to be mended: something is open in its undo log, or not known to be as declared."""
    site = read_site(one.folder) if one.folder else None
    return bool(one.opened) or site is None or bool(deviations(driver(one.driver), site))


def take_down(one: Found, said: Callable[[str], None]) -> tuple[str, ...]:
    """Remove a shop that stands; what breaks it just now is ended before, and healed. Gives what is still there.

    Raises ``SetupError`` where that does not end.
    """
    if one.folder is not None and held(one.folder / LOCK):
        with suppress(UsageError, ControlError):  # it has died, and its guardian heals; or it could not heal: we do
            stop(one.folder)
        for _ in range(int(STOP_S)):
            if not held(one.folder / LOCK):
                break
            pause(1.0)
    return mend(one, said)


def mend(one: Found, said: Callable[[str], None], *, keep: bool = False) -> tuple[str, ...]:
    """Heal and remove what a dead run left, with its undo log or, without one, from what is seen; give what is still off.

    ``keep``: heal only, and let it stand. Raises ``SetupError`` where the run lives after all.
    """

    def told(step: str, played: Played) -> None:
        thing = played.undo.args.get("instance", played.undo.on)
        said(f"{one.run}: {step}: {played.undo.verb} {thing}: {played.error or 'ok'}")

    machinery = driver(one.driver)
    if one.folder is None:
        return _mend_unknown(one, machinery, told)
    with Lock(one.folder / LOCK):
        end_load(one.folder)
        site = read_site(one.folder)
        off: tuple[str, ...] = ()
        if site is None:
            _play_observed(machinery.observed(one.run), machinery, told)
            off = (UNKNOWN.format(one.run),) if keep else ()
        elif keep or not one.stands or still_open(one.folder / UNDO):  # a shop that is well is taken down at once
            off = tuple(f"{residue.on}: {residue.what}" for residue in heal(one.folder, site, told))
        sweep = partial(remove, one.folder, one.run, machinery)
        left = off if keep else sweep() if site is not None else twice(sweep)
    ended = "mended, and stands" if keep else "removed" if one.stands and not one.opened else "mended and removed"
    said(f"{one.run}: {'; '.join(dict.fromkeys((*off, *left))) if left else ended}")
    return left


def _mend_unknown(one: Found, machinery: Driver, told: Callable[[str, Played], None]) -> tuple[str, ...]:
    """Mend a run of which only labels are left."""
    _play_observed(machinery.observed(one.run), machinery, told)
    return twice(partial(_swept, machinery, one.run))


def _swept(machinery: Driver, run: str) -> tuple[str, ...]:
    """Remove all that carries a run's label; give what is left after ``ROUNDS`` tries."""
    left: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        left = machinery.sweep(run, Path())
        if not left:
            break
        pause(1.0)
    return left


def _play_observed(off: tuple[Deviation, ...], machinery: Driver, told: Callable[[str, Played], None]) -> None:
    for deviation in off:
        if deviation.undo is not None:
            told("seen", play((deviation.undo,), machinery.MENDERS)[0])
