"""A breakage by hand as people read it: each milestone once, with UTC and the time since the command began."""

from rich.console import Console

from harness import events
from harness.events import Event
from harness.model import Reading, Undo
from harness.telling import Teller
from tests.fakes import FakeClock

S = 1_000_000_000
STEP = "pause"
THAW = Undo(verb="unpause", on="0123", args={"instance": "orders_db-1"})


def told(*happened: Event, hold_s: float | None = 60.0) -> list[str]:
    """Give the lines that these records make."""
    console, clock = Console(width=300), FakeClock()
    clock.now = 7_200 * S
    with console.capture() as shown:
        teller = Teller(console, hold_s, clock)
        for event in happened:
            teller.show(event)
    return shown.get().splitlines()


def test_the_story_of_a_breakage() -> None:
    intended = events.Intended(
        at_ns=6 * S,
        step=STEP,
        fault="pause",
        held=True,
        target="orders_db:primary",
        instance="orders_db-1",
        typed="docker pause orders_db-1",
        undo=(THAW,),
    )
    place = {"target": "orders_db:primary", "component": "orders_db", "instance": "orders_db-1"}
    assert told(
        events.Phase(at_ns=0, name="baseline"),
        events.Located(at_ns=6 * S, step=STEP, **place),
        intended,
        events.Acted(at_ns=6 * S, step=STEP, t0_ns=6 * S),
        events.Bitten(at_ns=6 * S + S // 2, step=STEP),
        events.Healing(at_ns=66 * S, step=STEP, reason="planned"),
        events.Mended(at_ns=66 * S, step=STEP, undo=THAW, error=None),
        events.Closed(at_ns=67 * S, step=STEP),
        events.Fingerprint(at_ns=67 * S, residue=()),
    ) == [
        "02:00:00 UTC  T+   6.0 s  orders_db:primary is orders_db-1",
        "02:00:00 UTC  T+   6.0 s  as typed: docker pause orders_db-1",
        "02:00:00 UTC  T+   6.0 s  broken",
        "02:00:00 UTC  T+   6.5 s  seen to bite after 0.50 s; held for 60 s",
        "02:00:00 UTC  T+  66.0 s  healing (planned), 60.0 s after it was broken",
        "02:00:00 UTC  T+  66.0 s  unpause orders_db-1: done",
        "02:00:00 UTC  T+  67.0 s  seen healed after 1.00 s",
    ]


def test_what_was_not_seen_is_said() -> None:
    look = events.Looked(
        at_ns=0, step=STEP, instance="orders_db-1", stage="held", reading=Reading(at_ns=0, value=1.0), bitten=False
    )
    lines = told(
        look,
        events.NotBitten(at_ns=0, step=STEP, because="not seen to suffer"),
        look,
        events.Bitten(at_ns=0, step=STEP),
        look,
        look,
        events.Mended(at_ns=0, step=STEP, undo=THAW, error="the engine does not answer"),
        events.NotHealed(at_ns=0, step=STEP, because="still silent", mend="windtunnel heal"),
        events.Interrupted(at_ns=0, by="SIGINT"),
        events.Fingerprint(at_ns=0, residue=("orders_db-1: paused",)),
    )
    assert [line.partition(" s  ")[2] for line in lines] == [
        "not seen to suffer",
        "seen to bite after 0 s; held for 60 s",
        "orders_db-1 no longer suffers",
        "unpause orders_db-1: the engine does not answer",
        "still silent",
        "interrupted by SIGINT",
        "not as declared: orders_db-1: paused",
    ]


def test_an_impulse_is_not_held_and_texts_cannot_act_on_a_terminal() -> None:
    lines = told(
        events.Acted(at_ns=S, step=STEP, t0_ns=S),
        events.Bitten(at_ns=2 * S, step=STEP),
        events.NotBitten(at_ns=2 * S, step=STEP, because="\x1b[2J"),
        hold_s=None,
    )
    assert lines[1].endswith("seen to bite after 1.00 s")
    assert lines[2].endswith("\\x1b[2J")
