"""What counts as enough evidence, and how a checker says its word: shared by all checkers, pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.audited import Audit
from harness.events import Parts, Sample
from harness.history import ACKNOWLEDGED, History, Window
from harness.model import Outcome, Series, Verdict

FEWEST_ARRIVALS = 20
EXAMPLES = 20
SHORTFALL = 0.005  # of the arrivals, no more may be unsent, or without a record
GAP_NS = 10_000_000_000


def decide(  # noqa: PLR0913 -- a verdict has these parts; all are named
    *,
    passed: str,
    evidence: int,
    needed: int,
    failed: str = "",
    lacking: str = "",
    measured: Mapping[str, float] | None = None,
    limit: Mapping[str, float] | None = None,
    examples: Sequence[str] = (),
) -> Verdict:
    """Say the word: FAIL where ``failed`` says what is proved, else INCONCLUSIVE where evidence lacks, else PASS.

    Each of the three sentences is the one a person reads. Less evidence than needed is lacking evidence by itself.
    """
    outcome, because = Outcome.PASS, passed
    if failed:
        outcome, because = Outcome.FAIL, failed
    elif lacking:
        outcome, because = Outcome.INCONCLUSIVE, lacking
    elif evidence < max(needed, 1):
        outcome = Outcome.INCONCLUSIVE
        because = f"Too little evidence: {evidence} of the {max(needed, 1)} pieces needed."
    return Verdict(
        objective="",
        outcome=outcome,
        because=because,
        measured=measured or {},
        limit=limit or {},
        evidence=evidence,
        needed=needed,
        examples=tuple(examples[:EXAMPLES]),
    )


def arrivals_needed(history: History, window: Window) -> int:
    """Give how many orders must have been due in a window: nine tenths of rate x seconds, and never fewer than 20.

    Random arrivals scatter by the square root of their number; five times that is allowed where it is more than a tenth.
    """
    return due_needed(history.due(window))


def sessions_needed(history: History, window: Window) -> int:
    """Give how many sessions must have been due in a window, likewise."""
    sessions = history.scenario.load.sessions
    return due_needed(sessions.per_s * history.scale * max(0.0, window.seconds) if sessions else 0.0)


def due_needed(due: float) -> int:
    """Give how many arrivals must have been due where so many were to come; see ``arrivals_needed``."""
    return max(FEWEST_ARRIVALS, math.ceil(due - max(0.1 * due, 5 * math.sqrt(due))))


def too_few(offered: int, needed: int) -> str:
    """Say that too few orders were due to tell; empty where there were enough."""
    return f"Only {offered:,} orders were due in this stretch; {needed:,} are needed to tell." if offered < needed else ""


def acknowledged(history: History, window: Window | None = None) -> int:
    """Count the orders acknowledged: of those of one call due in a window or, without one, of all in the whole run."""
    rows = history.ledger.keyed if window is None else history.cohort(window)
    return int(np.count_nonzero(rows & (history.ledger.fate == ACKNOWLEDGED)))


def audit_lacks(history: History) -> str:
    """Say why the audit cannot prove that all is well; empty where it can. What it does show is still a proof of harm."""
    audit, load, run = history.audit, history.load, history.run
    if audit is None:
        return "No audit was read back, so nothing is known of what the shop stored."
    if load is None or run is None:
        return "The journal does not say which run this is, or when its load began and ended."
    missing = ", ".join(f"{node} ({why})" for node, why in sorted(audit.missing.items()))
    early = audit.at_ns < max([load.end_ns, *(disturbance.at_ns for disturbance in history.disturbances)])
    reasons = {
        f"The audit could not read {missing}.": bool(missing),
        f"The audit says nothing of {', '.join(_unread(history, audit))}.": bool(_unread(history, audit)),
        "The audit found no primary, so there is no truth to compare with.": audit.primary is None,
        "The audit found several primaries, so nobody knows the truth.": sum(n.role == "primary" for n in audit.nodes) > 1,
        "The audit found no order at all, which proves nothing.": audit.primary is not None and not audit.primary.key,
        "The audit was read before the load and the last heal were over, so it is not the final truth.": early,
    }
    return " ".join(reason for reason, applies in reasons.items() if applies)


def _unread(history: History, audit: Audit) -> list[str]:
    """Name the nodes of which an audit does not even say that they are missing: instances beside those that were read."""
    parts, told = history.first(Parts), {*audit.missing, *(node.node for node in audit.nodes)}
    together = [names for names in parts.instances.values() if told & set(names)] if parts else []
    return sorted({name for names in together for name in names} - told)


def ms(value: float) -> str:
    """Write milliseconds for people; a time without end is one that never came."""
    return "never (no answer)" if math.isinf(value) else f"{value:,.0f} ms"


def nearest_rank(ordered: NDArray[np.float64], percent: int) -> float:
    """Give the nearest-rank percentile of sorted values: the ceil(percent x n / 100)-th; infinite where there are none."""
    if len(ordered) == 0:
        return math.inf
    return float(ordered[max(0, -(-percent * len(ordered) // 100) - 1)])


def plural(count: int, one: str, many: str = "") -> str:
    """Write a count with its noun: ``1 order``, ``1,200 orders``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def increase(series: Series, window: Window, others: Iterable[Series] = ()) -> float:
    """Give by how much a counter grew in a window, from its samples there; see ``grown``."""
    ends = pairwise(series.times_ns)
    return sum(
        more
        for (begin, end), more in zip(ends, grown(series, others), strict=False)
        if window.holds(begin) and window.holds(end)
    )


def grown(series: Series, others: Iterable[Series] = ()) -> list[float]:
    """Give by how much a counter grew from each sample to the next; a restarted instance began at zero again.

    Of ``others``, those of the same instance tell of its restarts too: this one may have outgrown its last sample since.
    """
    fell = {at for one in (series, *others) if one.on == series.on for at in _fell(one)}
    samples = zip(series.times_ns, series.values, strict=False)
    return [later if at in fell else later - earlier for (_, earlier), (at, later) in pairwise(samples)]


def _fell(series: Series) -> Iterator[int]:
    """Give the times of samples below their predecessors: no counter falls but by a restart."""
    samples = zip(series.times_ns, series.values, strict=False)
    return (at for (_, earlier), (at, later) in pairwise(samples) if later < earlier)


def unsampled(history: History, found: Sequence[Series], gap_max_ns: int = GAP_NS) -> str:
    """Say whose samples are missing in the window and, where that is known, why; empty where all were there.

    Missing are they where more than ``gap_max_ns`` of the window have none.
    """
    if not found:
        why = next((f": {miss.why}" for miss in history.all(Sample) if miss.probe == "metrics" and miss.value is None), "")
        return f"The shop's monitoring has no samples of such calls{why}."
    parts, seen = history.first(Parts), {one.on for one in found}
    siblings = [names for names in (parts.instances.values() if parts else ()) if seen & set(names)]
    for instance in sorted({name for names in siblings for name in names} | seen):
        times = sorted(at for one in found if one.on == instance for at in one.times_ns if history.window.holds(at))
        gap_ns = max(
            later - earlier for earlier, later in pairwise([history.window.start_ns, *times, history.window.end_ns])
        )
        if gap_ns > gap_max_ns:
            return f"{instance} was not sampled for {gap_ns / 1e9:.{0 if gap_ns > GAP_NS else 1}f} s of this stretch."
    return ""
