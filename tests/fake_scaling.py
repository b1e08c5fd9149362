"""Made-up histories in which an instance was added, public on purpose."""

from collections.abc import Callable
from dataclasses import replace

from harness import events
from harness.events import Event
from harness.history import History
from harness.model import Reading
from tests.fake_runs import S


def adding(history: History, share: Callable[[float], float | None]) -> History:
    """Give the history as if its step had added an instance that served ``share`` of the orders, by the seconds since."""
    act = next(history.all(events.Acted)).at_ns
    told: list[Event] = []
    for event in history.events:
        if isinstance(event, events.Intended):
            told.append(replace(event, fault="scale_out"))
        elif isinstance(event, events.Looked):
            value = share((event.at_ns - act) / S)
            told.append(replace(event, reading=Reading(at_ns=event.at_ns, value=value, why=None if value else "asked for")))
        else:
            told.append(event)
    return replace(history, events=tuple(told))
