"""What the browser saw, on disk beside the ledger: what its process writes, and what the judge believes of it.

A ``sealed`` file. A row that is not beyond doubt is left out, and a doubt voids PASS.
"""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.load import sealed
from harness.load.sealed import Format, Numbers
from harness.model import Doubt, Outcome
from harness.views import ERRORS, OWN, PATIENCE_NS, STATUS, UNREACHED, Views, nothing_seen

COLUMNS = ("nth", "begun_ns", "done_ns", "status", "fcp_us", "picture_us")
TEXTS = ("edge", "served", "error", "shot")
SEEN = Format(name="the record of what the browser saw", numbers=COLUMNS, texts=TEXTS)
SERVED, SHOT = re.compile(r"[\w.#-]{0,40}", re.ASCII), re.compile(r"([0-9a-f]{16})?")
NEVER_US = -1
SHOT_BYTES = 400_000  # of one screenshot: a report holds several
SHOTS = "screens"  # the folder of what the screen looked like: for people, and judged by nobody
ROUNDED_NS = 5_000_000  # browsers tell times coarsely
LONGEST_NS = 8 * PATIENCE_NS  # of a whole load: the page's patience, then a look whether the browser itself still works
T = TypeVar("T", bound=np.generic)
Row = tuple[int, int, int, int, int, int, str, str, str, str]


class Writer(sealed.Writer):
    """Writes a new record: a ``Row`` for each load."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SEEN)


def read(path: Path, edges: Sequence[str], begin_ns: int, until_ns: int) -> tuple[Views, tuple[Doubt, ...]]:
    """Read what was seen of the loads that were due. Never raises. Where there is no file, nobody looked: no doubt.

    Of rows for the same load the first credible counts.
    """
    views, doubts = nothing_seen(edges, begin_ns, until_ns), list[str]()
    if not path.exists():
        return views, ()
    table = sealed.read(path, SEEN, until_ns, doubts)
    kept = _credible(table.numbers, table.texts, views, doubts)
    nth, begun, done, status, fcp, picture = table.numbers[:, kept]
    _, served, error, shot = (np.array([texts[row] for row in kept.tolist()], dtype="U40") for texts in table.texts)
    seen = replace(
        views,
        begun_ns=_put(views.begun_ns, nth, begun),
        done_ns=_put(views.done_ns, nth, done),
        status=_put(views.status, nth, status.astype(np.int16)),
        fcp_ms=_put(views.fcp_ms, nth, _ms(fcp)),
        picture_ms=_put(views.picture_ms, nth, _ms(picture)),
        served=_put(views.served, nth, served),
        error=_put(views.error, nth, error),
        shot=_put(views.shot, nth, shot),
    )
    return seen, tuple(Doubt(because=text, voids=frozenset({Outcome.PASS})) for text in doubts)


def picture_of(edge: str, nth: int) -> str:
    """Name the file of a screenshot."""
    return f"{edge}-{nth}.png"


def shots(folder: Path, views: Views) -> dict[int, bytes]:
    """Read the screenshots whose hash is in the record, by the ``nth`` of their loads; others are none. Never raises."""
    found = {}
    for nth in np.flatnonzero(views.shot != "").tolist():
        with suppress(OSError), (folder / picture_of(str(views.edge[nth]), nth)).open("rb") as stream:
            png = stream.read(SHOT_BYTES + 1)
            if len(png) <= SHOT_BYTES and fingerprint(png) == views.shot[nth]:
                found[nth] = png
    return found


def fingerprint(png: bytes) -> str:
    """Give the beginning of a screenshot's hash, as it stands in the record."""
    return hashlib.sha256(png).hexdigest()[:16]


def _put(column: NDArray[T], places: Numbers, values: NDArray[T]) -> NDArray[T]:
    filled = column.copy()
    filled[places] = values
    return filled


def _ms(us: Numbers) -> NDArray[np.float64]:
    return np.where(us == NEVER_US, np.inf, us / 1e3)


def _credible(table: Numbers, texts: tuple[list[str], ...], views: Views, doubts: list[str]) -> Numbers:
    """Give the places of the rows to believe, each load once."""
    known = np.flatnonzero((table[0] >= 0) & (table[0] < len(views)))
    known = known[[texts[0][row] == views.edge[table[0, row]] for row in known.tolist()]] if len(known) else known
    if strange := table.shape[1] - len(known):
        doubts.append(f"{strange} rows of {SEEN.name} belong to no planned load")
    nth, begun, done, status, fcp, picture = table[:, known]
    possible = (
        (begun >= views.due_ns[nth]) & (done >= begun) & (done - begun <= LONGEST_NS) & (status >= 0) & (status < 1000)
    )
    for us in (fcp, picture):
        possible &= (us == NEVER_US) | ((us >= 0) & (us * 1000 <= done - begun + ROUNDED_NS))
    error = np.array([texts[2][row] for row in known.tolist()], dtype=np.str_)
    possible &= np.isin(error, ("", *ERRORS)) & ((error == "") == ((fcp >= 0) & (picture >= 0)))
    possible &= ~np.isin(error, (UNREACHED, STATUS, *OWN)) | ((fcp == NEVER_US) & (picture == NEVER_US))
    possible &= (error != "") | (status == 200)
    possible &= np.array(
        [bool(SERVED.fullmatch(texts[1][row]) and SHOT.fullmatch(texts[3][row])) for row in known.tolist()], dtype=np.bool_
    )
    if odd := int(np.count_nonzero(~possible)):
        doubts.append(f"{odd} rows of {SEEN.name} say what cannot be: a picture before its page, an unknown error")
    believed = known[possible]
    once, first = np.unique(table[0, believed], return_index=True)
    if twice := len(believed) - len(once):
        doubts.append(f"{twice} rows of {SEEN.name} repeat a load")
    kept: Numbers = believed[first]
    return kept
