"""Signals and ``stop`` at any time: healed, the exit code that CI expects, evidence kept, nothing left."""

import signal
import time
from functools import partial

from harness.events import Interrupted, Sealed
from tests.acceptance.broken import GUARDIAN_ENDS_S
from tests.acceptance.engine import see_cleared, things
from tests.acceptance.flight import Flight, must, windtunnel
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import RUNS, Stage, judged_again, shortened

CODES = {"SIGINT": 130, "SIGTERM": 143, "stop": 11}
WHEN = ("shop_up", "warm_up", "looked", "acted", "held", "healing", "recovery", "audit", "shop_down")
ENDS_WITHIN_S = 150.0
OVER = ("audit", "shop_down")  # little is left to interrupt: the run may just as well come to its end
INT_TERM_S, TERM_KILL_S = 7.5, 2.5  # what runners of CI grant


def interrupted(way: str, moment: str, stage: Stage) -> str:
    """Interrupt a run at a moment."""
    flight = stage.fly(shortened("db_primary_lost"))
    flight.see(MOMENTS[moment], COMES_WITHIN_S)
    if moment == "shop_up":
        time.sleep(4)  # some of the shop is there by then
    _interrupt(way, flight)
    since = time.monotonic()
    code = stage.landed(flight, ENDS_WITHIN_S)
    took_s = time.monotonic() - since
    must(not things(flight.run), f"left behind: {things(flight.run)}")
    said = [event.by for event in flight.records if isinstance(event, Interrupted)]
    if moment in OVER and not said and isinstance(flight.records[-1], Sealed):  # too late to end it early
        return f"it came to its end, exit {code}, {took_s:.1f} s later"
    must(code == CODES[way], f"exit {code} instead of {CODES[way]}: {flight.printed[-400:]}")
    must(
        said == [way] and isinstance(flight.records[-1], Sealed), f"the journal says {said}, and ends unsealed or otherwise"
    )
    return f"exit {code} after {took_s:.1f} s, all removed, evidence sealed; judged {judged_again(flight.folder)}"


def _interrupt(way: str, flight: Flight) -> None:
    if way != "stop":
        flight.send(signal.Signals[way])
        return
    code, said = windtunnel("stop", str((RUNS / flight.run).relative_to(RUNS.parents[1])), within_s=ENDS_WITHIN_S)
    must(code == 0 and "stopped and healed" in said, f"`stop` ended with {code}: {said}")


def as_ci_does(moment: str, stage: Stage) -> str:
    """SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL, to the harness and its load, as runners of CI do."""
    flight = stage.fly(shortened("db_primary_lost"))
    flight.see(MOMENTS[moment], COMES_WITHIN_S)
    flight.send(signal.SIGINT)
    since = time.monotonic()
    for number, after_s in ((signal.SIGTERM, INT_TERM_S), (signal.SIGKILL, INT_TERM_S + TERM_KILL_S)):
        while time.monotonic() - since < after_s and not flight.ended():
            time.sleep(0.05)
        if not flight.ended():
            flight.send(number)
    code = stage.landed(flight, GUARDIAN_ENDS_S)
    ended = time.monotonic()
    must(code in (130, 143, -signal.SIGTERM, -signal.SIGKILL), f"exit {code}: {flight.printed[-400:]}")
    clearing = see_cleared(flight.run, ended)
    return f"exit {code} {ended - since:.1f} s after SIGINT; {clearing}; judged {judged_again(flight.folder)}"


ROWS = [
    *(
        Row(
            id=f"{way.lower()}.{moment}",
            must_say=f"healed, exit {code}, evidence kept; nothing PASS, unless it came to its end all the same",
            minutes=1,
            play=partial(interrupted, way, moment),
        )
        for way, code in CODES.items()
        for moment in WHEN
    ),
    *(
        Row(
            id=f"ci.{moment}",
            must_say="INT, TERM, KILL within 10 s: nothing off after 15 s, nothing left after 60 s; nothing PASS",
            minutes=1.2,
            play=partial(as_ci_does, moment),
        )
        for moment in ("shop_up", "acted", "held", "recovery")
    ),
]
