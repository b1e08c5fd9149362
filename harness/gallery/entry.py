"""What one run says of the judge: was the bad shop caught, and by whom; was the good one blamed. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from harness.clock import S
from harness.gallery.pairs import GOOD, Pair, kinds, pair
from harness.host import describe
from harness.model import Judgement, Outcome, Verdict, noun
from harness.planned import Plan
from harness.report import Report
from harness.reporters._words import utc, visible

LONGEST = 400
Key = tuple[str, str, int]  # a pair, and the number of its run


class Word(StrEnum):
    """What a run of a bad shop (the first three) or of the good one (the last two) has shown; OPEN is nothing, of both."""

    CAUGHT = "caught"
    ANOTHER = "caught by another"
    MISSED = "missed"
    OPEN = "open"
    QUIET = "quiet"
    ALARM = "false alarm"


@noun
class Entry:
    """One run of a gallery, as it is kept: a line of JSON.

    ``defect`` is empty for the good shop. ``meant`` is the kind of objective that must catch the bad shop, and
    ``meant_outcome`` the worst that one of that kind said (both empty for the good shop). ``failed`` and ``undecided`` are
    ids of objectives; ``part`` is the run's number in its pair; ``began`` is UTC, ``duration_s`` by the run's own journal.
    """

    defect: str
    scenario: str
    part: int
    word: Word
    meant: str
    meant_outcome: str
    outcome: str
    failed: tuple[str, ...]
    undecided: tuple[str, ...]
    seen: str
    orders_per_s: float
    commit: str
    machine: str
    began: str
    duration_s: float
    run: str

    @property
    def pair(self) -> Pair:
        """The pair it is a run of."""
        return self.defect, self.scenario

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.defect, self.scenario, self.part

    @property
    def decided(self) -> bool:
        """Whether flying it again could change nothing but a word that was believed."""
        return self.word is not Word.OPEN and (self.word is not Word.ANOTHER or self.disproves)

    @property
    def disproves(self) -> bool:
        """Whether it proves the judge wrong: blind where it was to see, or seeing what is not there."""
        blind = self.word is Word.ANOTHER and self.meant_outcome == Outcome.PASS.name
        return blind or self.word in (Word.MISSED, Word.ALARM)


def word(plan: Plan, judgement: Judgement) -> Word:
    """Say what a run has shown. A run that is INCONCLUSIVE or DIRTY has shown nothing, unless the meant objective failed.

    A shop that could not be mended is no evidence, whatever else was said of it.
    """
    outcome = judgement.outcome
    if outcome is Outcome.DIRTY:
        return Word.OPEN
    if not plan.defects:
        return {Outcome.PASS: Word.QUIET, Outcome.FAIL: Word.ALARM}.get(outcome, Word.OPEN)
    if any(verdict.outcome is Outcome.FAIL for verdict in meant(plan, judgement)):
        return Word.CAUGHT
    return {Outcome.PASS: Word.MISSED, Outcome.FAIL: Word.ANOTHER}.get(outcome, Word.OPEN)


def meant(plan: Plan, judgement: Judgement) -> tuple[Verdict, ...]:
    """Give the verdicts of the kind that must catch the plan's bad shop; none of the good shop."""
    kind = {caught_by for name, caught_by in plan.declaration.defects.items() if name in plan.defects}
    known = kinds(plan)
    return tuple(verdict for verdict in judgement.verdicts if known.get(verdict.objective) in kind)


def entry(report: Report, part: int, *, commit: str) -> Entry:
    """Give the entry of a run that has come to its end."""
    made, judgement, run = report.plan, report.judgement, report.history.run
    defect, scenario = pair(made)
    asked = meant(made, judgement)
    return Entry(
        defect=defect,
        scenario=scenario,
        part=part,
        word=word(made, judgement),
        meant=made.declaration.defects.get(defect, ""),
        meant_outcome=max(verdict.outcome for verdict in asked).name if asked else "",
        outcome=judgement.outcome.name,
        failed=_ids(judgement, Outcome.FAIL, Outcome.DIRTY),
        undecided=_ids(judgement, Outcome.INCONCLUSIVE),
        seen=_seen(judgement, asked),
        orders_per_s=made.orders_per_s,
        commit=commit,
        machine=describe(),
        began=utc(run.wall_ns) if run else "",
        duration_s=round(max((event.at_ns for event in report.history.events), default=0) / S, 1),
        run=report.folder.name,
    )


def exit_code(asked: Sequence[Key], entries: Mapping[Key, Entry]) -> int:
    """Give the exit code of a gallery.

    0 where every bad shop was caught by what must catch it, and the good one was never blamed; 1 where a run proves the
    judge wrong; else 12, for something stays open: a run without a word or not flown, or a bad shop caught by others only
    while what must catch it could not decide. Nothing asked is nothing shown: 12.
    """
    found = [entries[key] for key in asked if key in entries]
    if any(one.disproves for one in found):
        return Outcome.FAIL.exit_code
    shown = all(one.word is (Word.CAUGHT if one.defect != GOOD else Word.QUIET) for one in found)
    complete = len(found) == len(asked) and any(one.defect != GOOD for one in found)
    return Outcome.PASS.exit_code if shown and complete else Outcome.INCONCLUSIVE.exit_code


def _ids(judgement: Judgement, *outcomes: Outcome) -> tuple[str, ...]:
    return tuple(verdict.objective for verdict in judgement.verdicts if verdict.outcome in outcomes)


def _seen(judgement: Judgement, asked: Sequence[Verdict]) -> str:
    """Tell on one line what speaks: the objectives meant, those that failed first, then whatever is worse than PASS."""
    first = sorted(asked, key=lambda verdict: -verdict.outcome)
    rest = sorted(judgement.verdicts, key=lambda verdict: -verdict.outcome)
    said = [*first[:1], *(one for one in rest if one.outcome is not Outcome.PASS and one not in first[:1])]
    text = "; ".join(f"{one.objective} {one.outcome.name}: {one.because}" for one in said) or "every objective PASS"
    return visible(" ".join(text.split()), most=LONGEST)
