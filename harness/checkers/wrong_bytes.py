"""``wrong_bytes``: every body that a browser gets is the one that was made for it, to the last byte."""

from typing import ClassVar

import numpy as np

from harness.evidence import decide, plural
from harness.history import Checker, History
from harness.model import Count, Verdict, noun
from harness.sessions import answers, answers_needed, told, too_few_answers, wrong
from harness.visits import ASSET, DIGEST, OTHER_ASSET, OTHER_PAGE, PAGE

ENOUGH = 1_000


@noun
class WrongBytes(Checker):
    """Bodies that were taken for good and were not: at most ``max``.

    A page whose SHA-256 is not the one that its header says, or that is another page than was asked for; an asset whose
    SHA-256 is not the one in its name. An answer that was seen to break off is none: it fails its session instead.
    Evidence: pages and assets that came whole, of those asked for since the last act; 1,000, or nine tenths of the pages
    of 10 s if that is less, 20 at least.
    """

    browses: ClassVar[bool] = True

    max: Count = 0

    def check(self, history: History) -> Verdict:
        """Judge the whole run, whatever the window."""
        rows, sessions = wrong(history, DIGEST, OTHER_PAGE, OTHER_ASSET), history.scenario.load.sessions
        bodies, needed = answers(history, PAGE, ASSET), answers_needed(history, ENOUGH, sessions.pages if sessions else 0)
        why = history.visits.wrong[rows]
        kinds = {f"wrong_{name}": int(np.count_nonzero(why == name)) for name in (DIGEST, OTHER_PAGE, OTHER_ASSET)}
        return decide(
            failed=f"{plural(len(rows), 'body was', 'bodies were')} not what was asked for; at most {self.max:,} may be."
            if len(rows) > self.max
            else "",
            lacking=too_few_answers(history, bodies, needed, "pages and assets"),
            passed=f"{len(rows):,} of {bodies:,} pages and assets were not what was asked for; at most {self.max:,} may be.",
            measured={"wrong_bodies": len(rows), **kinds, "bodies": bodies},
            limit={"max": self.max},
            evidence=bodies,
            needed=needed,
            examples=list(told(history, rows)),
        )
