"""The machine as a run sees it: its CPU time, and the room on its disks."""

from pathlib import Path

import pytest

from harness import host
from harness.finding import Level


def test_cpu_time_passes_and_is_never_more_than_there_is() -> None:
    before, after = host.cpu(), host.cpu()
    assert 0 < before.busy_s < before.total_s <= after.total_s
    assert 0 <= before.stolen_s <= before.busy_s


@pytest.mark.parametrize(
    ("tight_gib", "least_gib", "level"),
    [(0.0, 0.0, Level.OK), (1e9, 0.0, Level.WARNING), (1e9, 1e9, Level.IMPOSSIBLE)],
)
def test_room_is_measured_against_what_is_wanted(tight_gib: float, least_gib: float, level: Level, tmp_path: Path) -> None:
    """Of a folder that is not there yet, where its parent is."""
    seen = host.room("disk", tmp_path / "not" / "yet", tight_gib=tight_gib, least_gib=least_gib)
    assert seen.level is level
    assert f"GiB free at {tmp_path}" in seen.found
    assert (seen.mend == f"df -h {tmp_path}") == (level is not Level.OK)
