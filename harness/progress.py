"""A run as people watch it: a live table on a terminal, a line every five seconds elsewhere; with a recovery clock."""

from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness import events
from harness.clock import S
from harness.events import Event
from harness.reporters._words import utc, visible

EVERY_S = 5
MILESTONES = (
    events.Acted,
    events.Bitten,
    events.NotBitten,
    events.Healing,
    events.Closed,
    events.NotHealed,
    events.Interrupted,
)


class Progress:
    """Shows records as they are written; called from several threads, and never judges."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title = console, title
        self._phase, self._tick = "shop_up", None
        self._t0_ns: int | None = None
        self._ahead_ns: int | None = None  # of the run's clock, as wall time last was
        self._acknowledged = self._offered = 0
        self._last_line_ns = 0
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, line: str) -> None:
        """Print one line."""
        self._console.print(Text(visible(line)), soft_wrap=True)

    def show(self, event: Event) -> None:
        """Show one record, if it is one that people wait for."""
        if isinstance(event, events.Phase):
            self._phase = event.name
            self.say(f"T+{_s(event.at_ns)}  {event.name.replace('_', ' ')}")
        elif isinstance(event, MILESTONES):
            if isinstance(event, events.Acted):
                self._t0_ns = event.t0_ns
            self.say(f"T+{_s(event.at_ns)}  {_told(event, self._ahead_ns)}")
        elif isinstance(event, events.ClockPair):
            self._ahead_ns = event.wall_ns - event.at_ns
        elif isinstance(event, events.LoadTick):
            self._show_tick(event)

    def _show_tick(self, tick: events.LoadTick) -> None:
        offered, acknowledged = tick.offered - self._offered, tick.acknowledged - self._acknowledged
        self._offered, self._acknowledged = tick.offered, tick.acknowledged
        clock = self._recovery_clock(tick)
        if self._live is not None:
            table = Table.grid(padding=(0, 2))
            table.add_row(f"T+{_s(tick.at_ns)}", self._title, self._phase.replace("_", " "))
            table.add_row("per second", f"{offered} offered", f"{acknowledged} acknowledged")
            table.add_row("so far", f"{tick.refused} refused", f"{tick.unknown} unknown, {tick.in_flight} in flight")
            table.add_row("generator", f"late p99 {tick.late_ms_p99:.1f} ms", clock)
            self._live.update(table, refresh=True)
        elif tick.at_ns - self._last_line_ns >= EVERY_S * S:
            self._last_line_ns = tick.at_ns
            self.say(
                f"T+{_s(tick.at_ns)}  {offered}/s offered, {acknowledged}/s acknowledged, {tick.refused} refused, "
                f"{tick.unknown} unknown, {tick.in_flight} in flight  {clock}"
            )

    def _recovery_clock(self, tick: events.LoadTick) -> str:
        """Count from t0 while the shop is not well again: provisional, the judge measures by the ledger."""
        if self._t0_ns is None:
            return ""
        since_bad_s = (tick.at_ns - (tick.last_bad_ns or 0)) / S
        if since_bad_s < EVERY_S:
            return f"out for {(tick.at_ns - self._t0_ns) / S:.0f} s"
        return f"no bad order for {min(since_bad_s, (tick.at_ns - self._t0_ns) / S):.0f} s"


def _s(at_ns: int) -> str:
    return f"{at_ns / S:6.1f} s"


def _told(event: Event, ahead_ns: int | None) -> str:
    """Say what happened to a step; of the act also when it was by the clocks of people and of logs, where that is known."""
    if isinstance(event, events.Acted):
        moment = "" if ahead_ns is None else f", {utc(event.t0_ns + ahead_ns)} UTC"
        return f"{event.step}: broken (t0 = T+{_s(event.t0_ns).strip()}{moment})"
    if isinstance(event, events.NotBitten | events.NotHealed):
        return f"{event.step}: {event.because}"
    if isinstance(event, events.Interrupted):
        return f"interrupted by {event.by}"
    if isinstance(event, events.Healing):
        return f"{event.step}: healing ({event.reason})"
    return f"{getattr(event, 'step', '')}: {'seen to bite' if isinstance(event, events.Bitten) else 'seen healed'}"
