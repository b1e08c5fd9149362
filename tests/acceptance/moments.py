"""The moments of a run's story, as its journal tells them: when to break in."""

from collections.abc import Mapping

from harness import events
from harness.events import Event
from tests.acceptance.flight import When


def _is(kind: type[Event]) -> When:
    return lambda event: isinstance(event, kind)


def _phase(name: str) -> When:
    return lambda event: isinstance(event, events.Phase) and event.name == name


def _looked(stage: str) -> When:
    return lambda event: isinstance(event, events.Looked) and event.stage == stage


# Every step of the journal of a run with a held fault, in the order in which they come.
MOMENTS: Mapping[str, When] = {
    "run": _is(events.Run),
    "shop_up": _phase("shop_up"),
    "entry": _is(events.Entry),
    "parts": _is(events.Parts),
    "load_started": _is(events.LoadStarted),
    "warm_up": _phase("warm_up"),
    "load_tick": _is(events.LoadTick),
    "baseline": _phase("baseline"),
    "looked": _looked("baseline"),
    "steps": _phase("steps"),
    "located": _is(events.Located),
    "intended": _is(events.Intended),
    "acted": _is(events.Acted),
    "bitten": _is(events.Bitten),
    "held": _looked("held"),
    "healing": _is(events.Healing),
    "mended": _is(events.Mended),
    "closed": _is(events.Closed),
    "recovery": _phase("recovery"),
    "settle": _phase("settle"),
    "load_stopped": _is(events.LoadStopped),
    "audit": _phase("audit"),
    "fingerprint": _is(events.Fingerprint),
    "audited": _is(events.Audited),
    "shop_down": _phase("shop_down"),
}
COMES_WITHIN_S = 150.0
