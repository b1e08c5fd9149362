"""Monitoring that is lost in the middle of a run: what it would have said is not known, and never taken for a PASS."""

from functools import partial

from tests.acceptance.engine import docker
from tests.acceptance.flight import must
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import Stage, shortened, told, verdicts

ENDS_WITHIN_S = 300.0
LOST = {
    "alertmanager_killed": ("kill", "alertmanager", ("noticed",)),
    "prometheus_killed": ("kill", "prometheus", ("noticed", "browsing", "ordering")),
    "receiver_unplugged": ("unplug", "alertmanager", ("noticed",)),
}


def lost(row: str, stage: Stage) -> str:
    """Take a part of the monitoring away in the baseline, by hand."""
    how, part, objectives = LOST[row]
    flight = stage.fly(shortened("db_primary_lost", baseline_s=15, hold_s=40, rto_s=30))
    flight.see(MOMENTS["looked"], COMES_WITHIN_S)
    network = f"windtunnel-{flight.run}"
    words = ("kill", f"{network}-{part}") if how == "kill" else ("network", "disconnect", network, f"{network}-{part}")
    docker(*words)
    stage.landed(flight, ENDS_WITHIN_S)
    found = verdicts(flight.folder)
    said = {name: found[name]["outcome"] for name in objectives}
    must(set(said.values()) == {"INCONCLUSIVE"}, f"{said}; {told(flight.folder)}")
    must("Watchdog" in found["noticed"]["because"], f"open for another reason: {found['noticed']['because']}")
    return "; ".join(f"{name} INCONCLUSIVE: {found[name]['because']}" for name in objectives)


ROWS = [
    Row(
        id=f"noticed.{row}",
        must_say=f"{', '.join(objectives)} INCONCLUSIVE, never PASS",
        minutes=1.5,
        play=partial(lost, row),
    )
    for row, (_, _, objectives) in LOST.items()
]
