"""pytest's door on the real shop: the good shop passes all that CI asks, each bad shop fails exactly what is to catch it."""

import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from xml.etree import ElementTree as ET

from tests.acceptance.engine import things
from tests.acceptance.flight import Flight, must
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import MACHINE_S, RUNS, Stage, shortened

TIMES, CI_S, LONGEST_S = 3, 720.0, 2400.0
INTERRUPTED = 2  # pytest's own exit code
LOSSES = ("db_primary_lost", "storefront_replica_lost")
CAUGHT: Mapping[str, frozenset[str]] = {
    "alert_missing": frozenset(f"{loss}::noticed" for loss in LOSSES),
    "alert_slow": frozenset(f"{loss}::noticed" for loss in (*LOSSES, "cdn_black_hole")),
    "missing_index": frozenset({"calm::looking_back"}),
    "bystander_broken": frozenset(f"{loss}::blast_radius" for loss in LOSSES),
}


def take_off(stage: Stage, *words: str) -> Flight:
    """Start pytest; its first run begins once the machine is free."""
    number = len(stage.flights)
    junit, printed = stage.folder / f"junit-{number}.xml", stage.folder / f"printed-{number}"
    flight = Flight((sys.executable, "-m", "pytest", "-v", "--junit-xml", str(junit)), words, RUNS, printed, {})
    stage.flights.append(flight)
    flight.take_off(MACHINE_S)
    return flight


def cases(stage: Stage) -> dict[str, str]:
    """Give what the last pytest said of each test: ``scenario::objective`` → passed, failure or error."""
    found = {}
    for case in ET.parse(stage.folder / f"junit-{len(stage.flights) - 1}.xml").iter("testcase"):  # noqa: S314 -- our own
        tag = next((one.tag for one in case if one.tag in ("failure", "error")), "passed")
        found[f"{case.get('classname', '').split('.')[-2]}::{case.get('name')}"] = tag
    return found


def good(stage: Stage) -> str:
    """Run all that CI asks three times in a row."""
    took = []
    for _ in range(TIMES):
        flight, since = take_off(stage, "scenarios", "-m", "ci"), time.monotonic()
        code = stage.landed(flight, LONGEST_S)
        took.append(time.monotonic() - since)
        bad = {name: tag for name, tag in cases(stage).items() if tag != "passed"}
        must(code == 0 and not bad and len(cases(stage)) > 1, f"exit {code}; {bad}; {flight.printed[-600:]}")
        must(took[-1] <= CI_S, f"it took {took[-1]:.0f} s, {CI_S:.0f} s are the limit")
    return f"{len(cases(stage))} tests passed, {', '.join(f'{one:.0f}' for one in took)} s"


def bad(defect: str, stage: Stage) -> str:
    """Run all that CI asks on a bad shop."""
    flight = take_off(stage, "scenarios", "-m", "ci", "--windtunnel-defect", defect)
    code = stage.landed(flight, LONGEST_S)
    must(code == 1, f"exit {code}; {flight.printed[-600:]}")
    return caught(defect, cases(stage))


def caught(defect: str, said: Mapping[str, str]) -> str:
    """Require that all that is to catch a defect failed, and everything else passed."""
    wrong = {name: tag for name, tag in said.items() if tag != "passed"}
    must(wrong == dict.fromkeys(CAUGHT[defect], "failure"), f"not exactly what is to catch it: {wrong}")
    return f"failed: {', '.join(sorted(wrong))}; passed: {len(said) - len(wrong)}"


def ended(stage: Stage) -> str:
    """End pytest by SIGTERM while a fault is held."""
    file = shortened("db_frozen")
    flight = take_off(stage, str(file), "-k", "rto or orders_lost")
    flight.see(MOMENTS["held"], COMES_WITHIN_S)
    flight.send(signal.SIGTERM)
    code = stage.landed(flight, COMES_WITHIN_S)
    must(code == INTERRUPTED, f"exit {code}; {flight.printed[-600:]}")
    must(not things(flight.run), f"left behind: {things(flight.run)}")
    must(list(cases(stage).values()) == ["error"], f"not one error, but {cases(stage)}")
    return f"healed, all removed, exit {code}; reported {', '.join(cases(stage))} as an error"


ROWS = [
    Row(id="gate.good", must_say=f"all pass, {TIMES} times in a row, within {CI_S / 60:g} min each", minutes=30, play=good),
    *(
        Row(
            id=f"gate.{defect}",
            must_say=f"{' and '.join(sorted(tests))} {'fails' if len(tests) == 1 else 'fail'}, all others pass",
            minutes=10,
            play=partial(bad, defect),
        )
        for defect, tests in CAUGHT.items()
    ),
    Row(id="gate.ended", must_say="healed; the tests that were asked for are errors", minutes=1.5, play=ended),
]
