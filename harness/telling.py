"""A breakage by hand, told line by line: what is done and seen, each with UTC and the time since the command began."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from harness import events
from harness.clock import Clock, MachineClock, S
from harness.events import Event
from harness.interrupts import EXIT_CODES
from harness.reporters._words import seconds, utc, visible


def _undone(event: events.Mended) -> str:
    return f"{event.undo.verb} {event.undo.args.get('instance', event.undo.on)}: {event.error or 'done'}"


PLAIN: Mapping[type[Event], Callable[[Any], str]] = {
    events.Located: lambda event: f"{event.target} is {event.instance}",
    events.Intended: lambda event: f"as typed: {event.typed}",
    events.Acted: lambda _: "broken",
    events.NotBitten: lambda event: event.because,
    events.Mended: _undone,
    events.NotHealed: lambda event: event.because,
    events.Interrupted: lambda event: f"interrupted by {event.by}" if event.by in EXIT_CODES else "",  # errors are told last
    events.Fingerprint: lambda event: f"not as declared: {'; '.join(event.residue)}" if event.residue else "",
}


class Teller:
    """Shows the records of one breakage as they are written."""

    def __init__(self, console: Console, hold_s: float | None, clock: Clock | None = None) -> None:
        self._console, self._hold_s, self._clock = console, hold_s, clock or MachineClock()
        self._t0_ns = self._heal_ns = 0
        self._suffers = False

    def show(self, event: Event) -> None:
        """Show one record, if it is one that people wait for."""
        if isinstance(event, events.Acted):
            self._t0_ns = self._heal_ns = event.t0_ns
        elif isinstance(event, events.Healing):
            self._heal_ns = event.at_ns
        said = self._told(event)
        if isinstance(event, events.Bitten | events.Looked):
            self._suffers = isinstance(event, events.Bitten) or (self._suffers and event.bitten is not False)
        if said:
            moment = utc(self._clock.wall_ns()).partition("T")[2]
            self.say(f"{moment} UTC  T+{event.at_ns / S:6.1f} s  {said}")

    def say(self, line: str) -> None:
        """Print one line."""
        self._console.print(Text(visible(line)), soft_wrap=True)

    def _told(self, event: Event) -> str:
        """Say it in one sentence; empty where nobody waits for it."""
        if type(event) in PLAIN:
            return PLAIN[type(event)](event)
        match event:
            case events.Bitten():
                held = f"; held for {self._hold_s:g} s" if self._hold_s is not None else ""
                return f"seen to bite after {seconds(event.at_ns - self._t0_ns)}{held}"
            case events.Looked(stage="held", bitten=False) if self._suffers:
                return f"{event.instance} no longer suffers"
            case events.Healing(reason=reason):
                return f"healing ({reason}), {seconds(event.at_ns - self._t0_ns)} after it was broken"
            case events.Closed():
                return f"seen healed after {seconds(event.at_ns - self._heal_ns)}"
            case _:
                return ""
