"""Mending a run whose harness is gone: what the guardian does, and ``windtunnel heal`` from any shell."""

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness import mark
from harness.clock import pause
from harness.drivers import Driver, process
from harness.drivers import driver as driver_named
from harness.errors import SetupError
from harness.events import Event, Mended
from harness.model import Residue, Undo
from harness.shop import Residence
from harness.store import LOAD, UNDO
from harness.undo import Open, Played, UndoLog, play, still_open

CONTROL_S = 5.0  # a call may still be queued in the engine when its caller died: wait this long, then look again
ROUNDS = 3


def end_load(folder: Path) -> None:
    """End the load of a dead harness, even one that was stopped; usually it has ended by itself. Never raises."""
    with suppress(Exception):  # whatever its pid file holds, nothing is healed before we come back
        process.send(process.read(folder / LOAD), signal.SIGKILL)


def recorded(record: Callable[[Event], None], now_ns: Callable[[], int]) -> Callable[[str, Played], None]:
    """Give what makes a record of each undo played, for ``heal``."""

    def said(step: str, played: Played) -> None:
        record(Mended(at_ns=now_ns(), step=step, undo=played.undo, error=played.error))

    return said


def heal(
    folder: Path, residence: Residence, said: Callable[[str, Played], None], *, late_acts: bool = True
) -> tuple[Residue, ...]:
    """Play the open undos of a run, wait for late acts, compare with the declaration, mend what is off, look again.

    Only for the holder of the run's lock. ``said`` hears of each undo played. Gives what is still off after ``ROUNDS``
    rounds, empty when all is as declared; the undo log is closed in that case.
    """
    driver = driver_named(residence.driver)
    opened = still_open(folder / UNDO)
    for one in reversed(opened):
        for played in play(one.undo, driver.MENDERS):
            said(one.step, played)
    if late_acts:
        pause(CONTROL_S)
    for _ in range(ROUNDS):
        off = deviations(driver, residence)
        if not off:
            break
        for undo in (undo for _, undo in off if undo is not None):
            said("fingerprint", play((undo,), driver.MENDERS)[0])
        pause(1.0)
    left = tuple(residue for residue, _ in deviations(driver, residence))
    if not left:
        _close(folder, opened)
    return left


def deviations(driver: Driver, residence: Residence) -> tuple[tuple[Residue, Undo | None], ...]:
    """What is off, or, where not even that can be asked, that fact."""
    try:
        return tuple((one.residue, one.undo) for one in driver.deviations(residence))
    except Exception as error:  # noqa: BLE001 -- what cannot be compared is off, and must not end the mending
        return ((Residue(on=residence.driver, what=str(error) or type(error).__name__), None),)


def _close(folder: Path, opened: tuple[Open, ...]) -> None:
    """Note in the undo log that its acts are healed; on a full disk they stay open there, and are mended once more."""
    if not opened:
        return
    with suppress(SetupError):
        log = UndoLog(folder / UNDO)
        for one in opened:
            log.close_step(one.step)


def twice(sweep: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Sweep, wait for late acts, sweep again; give what is left.

    For a run that died before it had written down what it put on this machine: the engine may still be making some of it.
    """
    sweep()
    pause(CONTROL_S)
    return sweep()


def remove(folder: Path, run: str, driver: Driver) -> tuple[str, ...]:
    """Collect the logs, then remove everything of a run; give the names of what is left after ``ROUNDS`` tries.

    Where nothing is left, nothing is left to undo: what the undo log still holds open is closed. The mark of a shop that
    stood goes with it, and what was sending it orders ends first.
    Logs that cannot be collected or written hinder nothing; ``logs/collect.error`` says why, where it can.
    """
    left: tuple[str, ...] = ()
    for load in folder.glob("loads/*/"):
        end_load(load)
    try:
        driver.collect(run, folder / "logs")
    except Exception as error:  # noqa: BLE001 -- logs are not worth a container that stays
        with suppress(OSError):
            (folder / "logs").mkdir(exist_ok=True)
            (folder / "logs" / "collect.error").write_text(f"{error}\n", encoding="utf-8")
    for _ in range(ROUNDS):
        try:
            left = driver.sweep(run, folder)
        except Exception as error:  # noqa: BLE001 -- it is tried again, and then said
            left = (str(error) or type(error).__name__,)
        if not left:
            _close(folder, still_open(folder / UNDO))
            mark.remove(folder)
            return ()
        pause(1.0)
    return left
