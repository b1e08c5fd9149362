"""Stored runs as a heap: what lies there, how large it is, and what may go when it is too much."""

import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness import care, lines
from harness.conclude import VERDICTS
from harness.errors import SetupError
from harness.events import KINDS, Run
from harness.mark import STANDING
from harness.model import Outcome, noun
from harness.store import JOURNAL, LOCK, SCENARIO, read_site
from harness.undo import Lock

KEEP, MAX_GIB = 50, 5.0
UNSEEN = "what it left cannot be told: `windtunnel doctor` says why"
GIB = 2**30


@noun
class Kept:
    """A stored run. ``started_ns``: wall time since 1970, None where its journal does not tell; ``scenario``: its name then.

    ``outcome`` is the word in its verdicts, None where it has none that can be read. ``needed`` says what still needs the
    folder (it lives, open undos, things on this machine, nobody can tell), empty where it may go.
    """

    folder: Path
    started_ns: int | None
    scenario: str
    outcome: Outcome | None
    size_bytes: int
    needed: str


@noun
class Bound:
    """How much may stay: so many runs, so many bytes of all together; None: any number."""

    runs: int | None
    size_bytes: int | None

    def broken(self, runs: Sequence[Kept]) -> bool:
        """Say whether these are too many, or too large together."""
        too_many = self.runs is not None and len(runs) > self.runs
        return too_many or (self.size_bytes is not None and sum(run.size_bytes for run in runs) > self.size_bytes)


def stored(runs: Path) -> tuple[Kept, ...]:
    """Give every run folder in a folder of runs, newest first; what is no run folder, or only a link to one, is left out.

    The engine is asked what dead runs have left on it; where it does not answer, its runs are needed.
    """
    needed = {one.run: _needed(one) for one in care.found(runs)}
    unseen = {name: care.unseen(name) for name in {_driver(folder) for folder in _folders(runs)}}
    found = [_kept(folder, needed, unseen) for folder in _folders(runs)]
    return tuple(sorted(found, key=_age, reverse=True))


def _folders(runs: Path) -> list[Path]:
    return [folder for folder in runs.glob("*/") if not folder.is_symlink() and is_run(folder)]


def is_run(folder: Path) -> bool:
    """Say whether a folder is that of a run, or of a shop put up by hand, which has no scenario.

    Its lock is there, or the mark of what stands, or scenario and journal; not where that cannot be looked at.
    """
    with suppress(OSError):
        there = [(folder / name).is_file() for name in (LOCK, STANDING, SCENARIO, JOURNAL)]
        return there[0] or there[1] or (there[2] and there[3])
    return False


def _driver(folder: Path) -> str:
    site = read_site(folder)
    return site.driver if site else "docker"


def _kept(folder: Path, needed: Mapping[str, str], unseen: Mapping[str, str]) -> Kept:
    run = _first_record(folder)
    why = unseen[_driver(folder)]
    return Kept(
        folder=folder,
        started_ns=run.wall_ns if run else None,
        scenario=Path(run.scenario).stem if run and run.scenario else "",
        outcome=outcome(folder),
        size_bytes=_size(folder),
        needed=needed.get(folder.name) or (UNSEEN if why else ""),
    )


def _first_record(folder: Path) -> Run | None:
    with suppress(OSError, KeyError, TypeError, ValueError), (folder / JOURNAL).open("rb") as stream:
        line = next(lines.scan(stream), None)
        return msgspec.convert(line, type=Run) if line and KINDS[line["kind"]] is Run else None
    return None


def outcome(folder: Path) -> Outcome | None:
    """Read the outcome in a run's verdicts; None where there are none, or none that can be read."""
    try:
        return Outcome[msgspec.json.decode((folder / VERDICTS).read_bytes(), type=_Verdicts).outcome]
    except (OSError, KeyError, ValueError, RecursionError):
        return None


@noun
class _Verdicts:
    """Of ``verdicts.json``, what is needed here."""

    outcome: str


def _size(folder: Path) -> int:
    """Give the bytes that a folder's files hold; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            seen = path.lstat()
            total += 0 if stat.S_ISDIR(seen.st_mode) else seen.st_size
    return total


def _needed(one: care.Found) -> str:
    if one.alive or one.stands:
        return "lives" if one.alive else "stands"
    left = f"{len(one.things)} thing(s) left on this machine" if one.things else ""
    return ", ".join(word for word in (f"dirty: {len(one.opened)} open undo(s)" * bool(one.opened), left) if word)


def _age(run: Kept) -> tuple[int, str]:
    """Order runs by when they started; one that does not tell, by when its folder was last written to."""
    with suppress(OSError):
        return (run.started_ns if run.started_ns is not None else run.folder.stat().st_mtime_ns), run.folder.name
    return 0, run.folder.name


def prune(runs: Sequence[Kept], bound: Bound, said: Callable[[str], None]) -> tuple[Kept, ...]:
    """Remove the oldest of ``runs`` (newest first) until the bound holds; give those that stay.

    A run that is still needed stays, and counts. One that cannot be removed stays and is told of.
    """
    left = list(runs)
    for run in reversed(runs):
        if not bound.broken(left):
            break
        if run.needed:
            continue
        try:
            remove(run.folder)
        except (OSError, SetupError) as error:
            said(f"{run.folder.name}: cannot be removed: {error}")
            continue
        left.remove(run)
        said(f"{run.folder.name}: removed")
    return tuple(left)


def remove(folder: Path) -> None:
    """Remove a run folder, by whose lock nobody lives; what marks it as one goes last, so that a rest is found again.

    Raises ``SetupError`` where the run lives after all, ``OSError`` where something cannot be removed.
    """
    with Lock(folder / LOCK):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (SCENARIO, LOCK):
                path.unlink()
        (folder / SCENARIO).unlink(missing_ok=True)
        (folder / LOCK).unlink()
        folder.rmdir()
