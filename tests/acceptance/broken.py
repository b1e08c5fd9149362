"""The harness dies at every step of its journal, or hangs: the guardian keeps the promise of the safety contract."""

import os
import signal
import time
from functools import partial

from harness.planned import OVERDUE_S
from harness.store import LOCK, SITE, UNDO
from tests.acceptance.engine import Bystander, containers, lock_holder, see_cleared, see_healed, things
from tests.acceptance.flight import Flight, guardians, must, windtunnel
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import MACHINE_LOCK, SHORTER, Stage, judged_again, shortened

GUARDIAN_ENDS_S = 60.0
DEAD = -signal.SIGKILL
HELD = {"kill": "db_primary_lost", "pause": "db_frozen"}
AFTER_ALL = ("recovery", "settle", "load_stopped", "audit", "fingerprint", "audited", "shop_down")  # could be PASS by then
BROKEN = ("act", "acted", "bitten", "held", "healing")  # where an act is done and not undone
MENDED_BY = {"db_primary_lost": ("kill", "start"), "db_frozen": ("pause", "unpause")}  # in the engine's own words
STARTING_S = (0.5, 1.5, 3, 5, 7.5, 10)
BOTH_STARTING_S = (1.5, 7.5)


def dies_at(where: str, name: str, stage: Stage) -> str:
    """Let the harness die by SIGKILL right after a record is on disk, or after the act and before its record."""
    with Bystander(stage.folder) as beside:
        stage.listen()
        flight = stage.fly(shortened(name), spoilt=[f"die:{where}"])
        flight.wait(COMES_WITHIN_S)
        seen = _promise_kept(flight, time.monotonic(), beside, stage)
        if where in BROKEN and name in MENDED_BY:
            stage.must_have_heard(flight, MENDED_BY[name])
        return seen


def killed_in_mid_fault(name: str, stage: Stage) -> str:
    """Kill the harness from outside while a fault is held."""
    with Bystander(stage.folder) as beside:
        flight = stage.fly(shortened(name))
        flight.see(MOMENTS["held"], COMES_WITHIN_S)
        return _killed(flight, beside, stage)


def killed_while_starting(after_s: float, stage: Stage) -> str:
    """Kill the harness some time after it began to start the shop, when only some of it is there."""
    with Bystander(stage.folder) as beside:
        flight = stage.fly(shortened("db_primary_lost"))
        flight.see(MOMENTS["shop_up"], COMES_WITHIN_S)
        time.sleep(after_s)
        return _killed(flight, beside, stage)


def hangs(stage: Stage) -> str:
    """Let the harness hang in mid-fault: its guardian kills it once the undo is overdue, and heals."""
    with Bystander(stage.folder) as beside:
        flight = stage.fly(shortened("db_frozen"), spoilt=["hang:held"])
        flight.see(MOMENTS["acted"], COMES_WITHIN_S)
        acted = time.monotonic()
        flight.wait(SHORTER["hold_s"] + OVERDUE_S + 15)
        since = time.monotonic()
        seen = _promise_kept(flight, since, beside, stage)
        return f"killed by its guardian {since - acted:.1f} s after the act; {seen}"


def _killed(flight: Flight, beside: Bystander, stage: Stage) -> str:
    flight.send(signal.SIGKILL)
    since = time.monotonic()
    flight.wait(GUARDIAN_ENDS_S)
    return _promise_kept(flight, since, beside, stage)


def _promise_kept(flight: Flight, since: float, beside: Bystander, stage: Stage) -> str:
    """See the run healed and removed, its locks free, its folder judged and never PASS, the run beside it untouched."""
    code = flight.wait(0)
    stage.note(flight, code)
    must(code == DEAD, f"the harness was to die by SIGKILL, it ended with {code}: {flight.printed[-300:]}")
    clearing = see_cleared(flight.run, since)
    _guardian_gone(flight, since)
    must(flight.pid not in lock_holder(MACHINE_LOCK), "the machine's lock is still held by the dead harness")
    must(not lock_holder(flight.folder / LOCK), "the run's lock is still held")
    beside.must_be_untouched()
    return f"{clearing}; judged {judged_again(flight.folder)}"


def _guardian_gone(flight: Flight, since: float) -> None:
    """Wait until the guardian has done its work and gone."""
    while guardians(flight.run):
        must(time.monotonic() - since < GUARDIAN_ENDS_S, f"the guardian still runs {GUARDIAN_ENDS_S:g} s after the death")
        time.sleep(0.1)


def kept(fault: str, stage: Stage) -> str:
    """Kill the harness of a run with ``--keep`` in mid-fault: the shop is mended and stays."""
    with Bystander(stage.folder) as beside:
        flight = stage.fly(shortened(HELD[fault]), "--keep")
        flight.see(MOMENTS["held"], COMES_WITHIN_S)
        must(set(containers(flight.run).values()) != {"running"}, "nothing is broken in mid-fault")
        flight.send(signal.SIGKILL)
        since = time.monotonic()
        stage.note(flight, flight.wait(GUARDIAN_ENDS_S))
        seen = see_healed(flight.run, since)
        _guardian_gone(flight, since)
        code, said = windtunnel("heal", flight.run)
        must(code == 0 and not things(flight.run), f"`heal` ended with {code} and left {things(flight.run)}: {said}")
        beside.must_be_untouched()
        return f"{seen}; judged {judged_again(flight.folder)}; `heal` removed it"


def both(fault: str, stage: Stage, *, log: bool = True) -> str:
    """Kill harness and guardian together in mid-fault: all stays broken until ``heal``, with or without the undo log."""
    with Bystander(stage.folder) as beside:
        stage.listen()
        flight = stage.fly(shortened(HELD[fault]))
        flight.see(MOMENTS["held"], COMES_WITHIN_S)
        _kill_both(flight, stage)
        must(set(containers(flight.run).values()) != {"running"}, "somebody mended it although both were dead")
        if not log:
            for name in (UNDO, SITE):
                (flight.folder / name).unlink()
        said = _healed_by_hand(flight, beside)
        stage.must_have_heard(flight, MENDED_BY[HELD[fault]])
        return said


def both_while_starting(after_s: float, stage: Stage) -> str:
    """Kill harness and guardian together when some of the shop is there, and nothing is written down about it."""
    with Bystander(stage.folder) as beside:
        flight = stage.fly(shortened("db_primary_lost"))
        flight.see(MOMENTS["shop_up"], COMES_WITHIN_S)
        time.sleep(after_s)
        _kill_both(flight, stage)
        must(not (flight.folder / SITE).exists(), "the shop was there already, and written down")
        must(things(flight.run), "nothing of the shop was there yet")
        return _healed_by_hand(flight, beside)


def _kill_both(flight: Flight, stage: Stage) -> None:
    """Kill harness and guardian, and give time in which nobody may mend anything."""
    pids = (flight.guardian_pid(), flight.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that neither outlives the other
        for pid in pids:
            os.kill(pid, number)
    stage.note(flight, flight.wait(GUARDIAN_ENDS_S))
    time.sleep(3)


def _healed_by_hand(flight: Flight, beside: Bystander) -> str:
    """Type what ``status`` names; all is mended and gone, nothing PASS, and the run beside it untouched."""
    _, said = windtunnel("status")
    must(f"windtunnel heal {flight.run}" in said, f"`status` does not name the next command: {said}")
    code, said = windtunnel("heal", flight.run)
    must(code == 0 and not things(flight.run), f"`heal` ended with {code} and left {things(flight.run)}: {said}")
    beside.must_be_untouched()
    return f"`heal`: {' '.join(said.split())[:200]}; judged {judged_again(flight.folder)}"


def heal_beside(stage: Stage) -> str:
    """``heal`` and a run that lives: it says so and leaves it alone."""
    with Bystander(stage.folder) as beside:
        code, said = windtunnel("heal", beside.run)
        stage.exit_codes.append(code)
        must(code == 0 and f"{beside.run}: lives, not touched" in said, f"exit {code}: {said}")
        beside.must_be_untouched()
        return said.strip()


PROMISE = "nothing off after 15 s, nothing left after 60 s; judged, nothing PASS; a living run beside it untouched"
MENDED = "`heal` mends and removes; nothing PASS; a living run beside it untouched"
ROWS = [
    *(
        Row(
            id=f"died.{where}",
            must_say=PROMISE,
            minutes=1.2,
            play=partial(dies_at, where, "db_process_crash" if where in AFTER_ALL else HELD["kill"]),
        )
        for where in (*MOMENTS, "act")
    ),
    *(
        Row(id=f"died.{where}.pause", must_say=PROMISE, minutes=1, play=partial(dies_at, where, HELD["pause"]))
        for where in ("intended", "act", "acted")
    ),
    *(
        Row(id=f"killed.held.{fault}", must_say=PROMISE, minutes=1, play=partial(killed_in_mid_fault, name))
        for fault, name in HELD.items()
    ),
    *(
        Row(id=f"killed.starting_{s:g}s", must_say=PROMISE, minutes=0.6, play=partial(killed_while_starting, s))
        for s in STARTING_S
    ),
    Row(id="hung.pause", must_say=f"killed by the guardian {OVERDUE_S} s late at most; {PROMISE}", minutes=1.8, play=hangs),
    *(
        Row(
            id=f"kept.{fault}",
            must_say="all runs after 15 s, roles as declared for 25 s after 120 s, by the nodes' own word; nothing PASS",
            minutes=2,
            play=partial(kept, fault),
        )
        for fault in HELD
    ),
    *(Row(id=f"both.{fault}", must_say=MENDED, minutes=1, play=partial(both, fault)) for fault in HELD),
    *(
        Row(id=f"both.starting_{s:g}s", must_say=MENDED, minutes=0.6, play=partial(both_while_starting, s))
        for s in BOTH_STARTING_S
    ),
    Row(id="both.without_undo_log", must_say=MENDED, minutes=1, play=partial(both, "pause", log=False)),
    Row(id="heal.living", must_say="`heal` says that it lives, and leaves it alone", minutes=0.2, play=heal_beside),
]
