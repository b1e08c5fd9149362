"""Stored runs are judged again: byte for byte the same; spoilt in any way, never PASS where they were not."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import lines
from harness.conclude import conclude
from harness.errors import StoredRunError
from harness.judge import encode
from harness.model import Judgement, Outcome
from harness.project import find
from harness.store import JOURNAL, read_journal
from tests.acceptance.flight import ROOT, must, windtunnel
from tests.acceptance.rows import Row
from tests.acceptance.spoilt import LONGEST_S
from tests.acceptance.stage import RUNS, Stage, outcome, shortened
from tests.unit.test_never_a_false_green import mixed_up

PROJECT = find(ROOT)
RECOVERY = (
    "tests/unit/test_outages.py::test_recovery_is_measured_to_a_fifth_of_a_second_over_generated_outages",
    "tests/integration/test_outages_through_the_load.py",
)
EXAMPLES, EACH = 300, 2
VERDICTS = "verdicts.json"
ELSEWHERE = ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C", "COLUMNS": "40"})


def again(stage: Stage) -> str:
    """Fly, and judge again what was flown, and the newest stored run of each outcome."""
    flight = stage.fly(shortened("db_process_crash"))
    stage.landed(flight, LONGEST_S)
    written = (flight.folder / VERDICTS).read_bytes()
    must(_judged(flight.folder) == {written}, "judged again, the verdicts of the run just flown differ")
    stored = [folder for one in Outcome for folder in newest(one.name)[:1]]
    for folder in stored:
        must(len(_judged(folder)) == 1, f"{folder.name}: judged twice, the verdicts differ")
    digest = hashlib.sha256(written).hexdigest()[:12]
    return f"{1 + len(stored)} runs judged again, each with the same bytes (that just flown: SHA-256 {digest}…)"


def _judged(folder: Path) -> set[bytes]:
    """Judge a stored run in several surroundings; give the different bytes written."""
    said = set()
    for surroundings in ELSEWHERE:
        _, printed = windtunnel("judge", str(folder), env=surroundings)
        must("Traceback" not in printed, f"judge printed a traceback: {printed[-400:]}")
        said.add((folder / VERDICTS).read_bytes())
    return said


def newest(wanted: str) -> list[Path]:
    """Give the stored runs of an outcome, the newest first."""
    judged = [folder for folder in sorted(RUNS.glob("*"), reverse=True) if (folder / VERDICTS).exists()]
    return [folder for folder in judged if outcome(folder) == wanted]


class Copy:
    """A stored run whose journal can be written anew; its other files are links."""

    def __init__(self, folder: Path, into: Path) -> None:
        self.path = into / folder.name
        self.path.mkdir()
        for file in folder.iterdir():
            if file.is_file() and file.name != JOURNAL:
                (self.path / file.name).symlink_to(file)
        self.data = (folder / JOURNAL).read_bytes()
        self.lines = self.data.splitlines(keepends=True)
        (self.path / JOURNAL).write_bytes(self.data)
        judgement = conclude(self.path, PROJECT).judgement
        must(judgement.outcome is not Outcome.PASS, f"{folder.name} is PASS: it cannot show anything")
        self.not_passed = _not_passed(judgement)

    def judge(self, journal: bytes) -> Judgement | None:
        """Judge the run with another journal; None where it is refused as no run at all."""
        (self.path / JOURNAL).write_bytes(journal)
        try:
            return conclude(self.path, PROJECT).judgement
        except StoredRunError:
            return None

    def must_not_pass(self, journal: bytes, how: str) -> None:
        """Judge it with another journal. Raises ``NotAsRequired`` where anything is PASS that was not."""
        judgement = self.judge(journal)
        if judgement is None:
            return
        passed = sorted(self.not_passed - _not_passed(judgement))
        must(not passed and judgement.outcome is not Outcome.PASS, f"{self.path.name}, {how}: {passed} passed")


def _not_passed(judgement: Judgement) -> set[str]:
    return {verdict.objective for verdict in judgement.verdicts if verdict.outcome is not Outcome.PASS}


def written(records: Iterable[dict[str, object]], *, renumbered: bool) -> bytes:
    """Write records with right check sums; ``renumbered`` as if nobody had touched them, with a true seal."""
    out = []
    for place, record in enumerate(records):
        body = {key: value for key, value in record.items() if key not in ("n", "kind", "crc")}
        if renumbered and record["kind"] == "sealed":
            body["records"] = place
        number = place if renumbered else record["n"]
        out.append(lines.encode(int(str(number)), str(record["kind"]), body))
    return b"".join(out)


def spoilt(wanted: str, stage: Stage) -> str:
    """Drop, repeat, move, mirror and cut records of stored runs of an outcome, and mend numbers and check sums."""
    folders = newest(wanted)[:EACH]
    must(folders, f"there is no stored run that is {wanted}; fly the rows before this one")
    for folder in folders:
        copy = Copy(folder, stage.folder)
        records = [record for line in copy.lines if (record := lines.decode(line)) is not None]
        _mixed(copy, records)
        for end in range(len(records)):
            copy.must_not_pass(written(records[:end], renumbered=True), f"cut after record {end}")
        stage.runs.append(folder.name)
        shutil.rmtree(copy.path)
    return f"{len(folders)} runs, each mixed up in {EXAMPLES} ways and cut after each record: nothing PASS that was not"


@st.composite
def mixes(draw: st.DrawFn, count: int) -> list[int]:
    """Draw which of ``count`` things are left, and in which order."""
    return mixed_up(draw, count)


def _mixed(copy: Copy, records: Sequence[dict[str, object]]) -> None:
    doubtful = ("interrupted", "gap")  # doubts themselves: that one is missing shows in the numbers only
    seal = [record for record in records if record["kind"] == "sealed"]
    plain = [record for record in records if record["kind"] not in ("sealed", *doubtful)]

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
    @given(st.data())
    def mixed(data: st.DataObject) -> None:
        renumbered = data.draw(st.booleans())
        kept = plain if renumbered else [record for record in records if record["kind"] != "sealed"]
        places = data.draw(mixes(len(kept)))
        extra = [record for record in records if renumbered and record["kind"] in doubtful]
        copy.must_not_pass(written([*(kept[place] for place in places), *extra, *seal], renumbered=renumbered), "mixed up")

    mixed()


def cut(stage: Stage) -> str:
    """Cut the journal of a run that failed at every byte; what is read the same way is judged once."""
    folders = newest("FAIL")
    must(folders, "there is no stored run that is FAIL; fly the rows before this one")
    copy = Copy(min(folders, key=lambda folder: (folder / JOURNAL).stat().st_size), stage.folder)
    known: set[tuple[int, tuple[str, ...]]] = set()
    for end in range(len(copy.data)):
        (copy.path / JOURNAL).write_bytes(copy.data[:end])
        events, doubts = read_journal(copy.path / JOURNAL)
        key = len(events), tuple(doubt.because for doubt in doubts)
        if key not in known:
            known.add(key)
            copy.must_not_pass(copy.data[:end], f"cut at byte {end}")
    whole = copy.judge(copy.data)
    must(whole is not None and encode(whole) == (copy.path / VERDICTS).read_bytes(), "whole again, it is judged otherwise")
    stage.runs.append(copy.path.name)
    return f"cut at each of {len(copy.data):,} bytes, {len(known):,} ways of reading it: nothing PASS that was not"


def recovery(stage: Stage) -> str:
    """Measure recovery over 200 made-up ledgers of a scripted shop, and over outages of a server under the real load.

    These are tests of their own.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *RECOVERY], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    stage.exit_codes.append(done.returncode)
    said = done.stdout.strip().splitlines()[-1]
    must(done.returncode == 0 and "3 passed" in said, said)
    return f"{', '.join(RECOVERY)}: {said}"


ROWS = [
    Row(
        id="recovery.generated",
        must_say="200 generated outages in made-up ledgers, and 7 of a server under the real load at 300 orders a second: "
        "off by 0.2 s at most where they are refusals, by 1.2 s where they are silence",
        minutes=0.8,
        play=recovery,
    ),
    Row(id="judged.again", must_say="byte-identical verdicts", minutes=1.2, play=again),
    *(
        Row(
            id=f"judged.spoilt.{one.name.lower()}",
            must_say="never PASS where it was not",
            minutes=3,
            play=partial(spoilt, one.name),
        )
        for one in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.DIRTY)
    ),
    Row(id="judged.cut_at_every_byte", must_say="never PASS where it was not", minutes=8, play=cut),
]
