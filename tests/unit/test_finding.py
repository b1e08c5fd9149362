"""Findings: what is not well always says what to do."""

import pytest

from harness.finding import Finding, Level


@pytest.mark.parametrize("level", [Level.WARNING, Level.IMPOSSIBLE])
def test_what_is_not_well_says_what_mends_it(level: Level) -> None:
    with pytest.raises(ValueError, match="engine: none answers: nothing says what mends it"):
        Finding(what="engine", found="none answers", level=level)
    assert Finding(what="engine", found="Docker 28").level is Level.OK
