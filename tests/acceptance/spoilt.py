"""Faults that do nothing are INCONCLUSIVE, menders that do nothing are DIRTY: neither can pass."""

from functools import partial

from harness.events import Acted, EngineEvent
from tests.acceptance.engine import things
from tests.acceptance.flight import must, windtunnel
from tests.acceptance.rows import Row
from tests.acceptance.stage import ENGINE_WORD, Stage, doubts, outcome, shortened, told

INJECTORS = {"kill": "db_primary_lost", "crash": "db_process_crash", "pause": "db_frozen"}
MENDERS = {"start": "db_primary_lost", "unpause": "db_frozen"}
MENDED = {"start": ("kill", "start"), "unpause": ("pause", "unpause")}  # what the engine says of the act, and of `heal`
LONGEST_S, LONGEST_DIRTY_S = 180.0, 420.0


def no_injector(power: str, stage: Stage) -> str:
    """Fly with a power that does nothing: nobody sees it bite, and the engine says that nothing happened."""
    stage.listen()
    flight = stage.fly(shortened(INJECTORS[power]), spoilt=[f"inject:{power}"])
    code = stage.landed(flight, LONGEST_S)
    heard = stage.heard(flight)
    acted_ns = next(event.t0_ns for event in flight.records if isinstance(event, Acted))
    at_work = [event.action for event in flight.records if isinstance(event, EngineEvent) and event.at_ns >= acted_ns]
    must(ENGINE_WORD[power] not in at_work, f"the engine says that it did happen: {at_work}")
    must("start" in heard, f"nothing was heard of the run by `docker events`: {heard}")
    seen = told(flight.folder)
    must(code == 12 and outcome(flight.folder) == "INCONCLUSIVE", f"exit {code}; {seen}")
    reasons = [doubt for doubt in doubts(flight.folder) if "was not seen to bite" in doubt]
    must(reasons, f"no doubt says that it was not seen to bite: {doubts(flight.folder)}")
    return f"INCONCLUSIVE: {reasons[0]}"


def no_mender(verb: str, stage: Stage, *, heal_s: float | None = None) -> str:
    """Fly with a mender that does nothing: the run is DIRTY, stays where it is, and says how to mend it; so it is mended.

    ``heal_s`` replaces the time that a heal is granted, for those in a hurry.
    """
    stage.listen()
    hurry = [f"bound:HEAL_S={heal_s:g}"] if heal_s is not None else []
    flight = stage.fly(shortened(MENDERS[verb]), spoilt=[f"mend:{verb}", *hurry])
    code = stage.landed(flight, LONGEST_DIRTY_S)
    seen, mend = told(flight.folder), f"windtunnel heal {flight.run}"
    must(code == 13 and outcome(flight.folder) == "DIRTY", f"exit {code}; {seen}")
    must(mend in flight.printed, f"the way to mend it, {mend!r}, was not printed")
    must(things(flight.run), "a DIRTY shop was removed: nobody can look at it")
    healed, said = windtunnel(*mend.split()[1:])
    must(healed == 0 and not things(flight.run), f"`{mend}` ended with {healed} and left {things(flight.run)}: {said}")
    stage.must_have_heard(flight, MENDED[verb])
    return f"DIRTY; printed `{mend}`, which mended and removed it"


ROWS = [
    *(
        Row(
            id=f"no_injector.{power}",
            must_say="INCONCLUSIVE, exit 12: not seen to bite",
            minutes=1.2,
            play=partial(no_injector, power),
        )
        for power in INJECTORS
    ),
    *(
        Row(
            id=f"no_mender.{verb}",
            must_say="DIRTY, exit 13, the way to mend printed; `windtunnel heal` then mends",
            minutes=2.6,
            play=partial(no_mender, verb),
        )
        for verb in MENDERS
    ),
]
