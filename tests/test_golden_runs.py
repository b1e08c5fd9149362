"""Golden runs get the verdicts they got when they were stored, byte for byte, and say what they are there to say."""

from pathlib import Path

import pytest

from harness.conclude import conclude
from harness.judge import encode
from harness.model import Outcome
from tests.golden import GOLDEN, HISTORIES, judged, project, unpack


@pytest.mark.parametrize("name", GOLDEN)
def test_judging_again_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Where words were changed on purpose: ``python -m tests.golden`` writes the new ones down; read the difference."""
    mine = project(tmp_path)
    folder = unpack(name, mine)
    first, again = encode(conclude(folder, mine).judgement), encode(conclude(folder, mine).judgement)
    assert first == again
    assert first.decode() == (HISTORIES / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_each_says_what_it_is_there_to_say(name: str, tmp_path: Path) -> None:
    judgement = judged(name, project(tmp_path))
    fails = {verdict.objective for verdict in judgement.verdicts if verdict.outcome is Outcome.FAIL}
    assert fails == set(GOLDEN[name].fails)
    assert judgement.outcome is (Outcome.FAIL if fails else Outcome.PASS)


def test_they_stay_small() -> None:
    assert sum(path.stat().st_size for path in HISTORIES.iterdir()) < 300_000
