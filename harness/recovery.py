"""When a run may end: the last disturbance is over, the shop has been steady, and redundancy is back. It never judges."""

from harness import events
from harness.clock import S, Watch
from harness.declaration import Declaration
from harness.events import Event
from harness.scenario import Recovery

MARGIN_S = 1.0  # the judge looks at whole arrivals: a little more than asked for


class Convalescence:
    """Hears every record of a run, and waits for the shop to be well."""

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._last_bad_ns = self._disturbed_ns = 0
        self._standbys: dict[str, float | str | None] = {}
        self._firing: set[tuple[str, ...]] = set()
        self._alerts = {alert.name for part in declaration.components for alert in part.alerts} - {events.WATCHDOG}

    def hear(self, event: Event) -> None:
        """Remember what the wait is about. Called from several threads."""
        if isinstance(event, events.LoadTick) and event.last_bad_ns is not None:
            self._last_bad_ns = event.last_bad_ns
        elif isinstance(event, events.Healing | events.Acted):
            self._disturbed_ns = event.at_ns
        elif isinstance(event, events.Sample) and event.probe == "redundancy":
            self._standbys[event.on] = event.value
        elif isinstance(event, events.Alerted) and event.name in self._alerts:
            which = (event.name, *(f"{name}={value}" for name, value in sorted(event.labels.items())))
            (self._firing.add if event.state == "firing" else self._firing.discard)(which)

    def wait(self, watch: Watch, recovery: Recovery) -> None:
        """Wait until steady for ``stable_s`` with all standbys and no alert firing, at most ``give_up_s`` from now."""
        begin_ns = watch.clock.now_ns()
        give_up_ns = begin_ns + int(recovery.give_up_s * S)
        stable_ns = int((recovery.stable_s + MARGIN_S) * S)
        while (now_ns := watch.clock.now_ns()) < give_up_ns:
            steady = now_ns >= max(self._disturbed_ns, self._last_bad_ns, begin_ns) + stable_ns
            if steady and self._redundant() and not self._firing:
                return
            watch.sleep(0.5)

    def _redundant(self) -> bool:
        """Whether every component that is watched for it has its standbys."""
        parts = self._declaration.components
        return all(self._standbys.get(part.name, part.standbys) == part.standbys for part in parts)
