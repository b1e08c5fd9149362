"""What monitoring knows of a part, declared beside the part's class: where it tells its counters, which rules watch it."""

import re

from harness.declaration import Alert
from harness.model import noun

PAGE, TICKET = "page", "ticket"
_RANGE = re.compile(r"\[(\d+)s")
INTERVAL_S = 1  # of scrapes and of evaluations


@noun
class Scrape:
    """Where a part tells its counters (``GET /metrics``). Of those, only names that match ``keep`` are stored."""

    port: int
    keep: str


@noun
class Rule:
    """An alert, and the condition under which it is raised: ``expr`` gives something for at least ``for_s``.

    ``by`` are the labels that say who is meant, taken from what ``expr`` gives: ``instance``, and ``component`` where that
    is not the component which declares the rule. Ranges in ``expr`` are written in seconds, as ``[15s]``.
    """

    name: str
    severity: str
    playbook: str
    expr: str
    for_s: int
    by: tuple[str, ...] = ()

    @property
    def alert(self) -> Alert:
        """What the harness needs to know of it; the window is the longest range and ``for_s`` together."""
        window_s = max((int(text) for text in _RANGE.findall(self.expr)), default=0) + self.for_s + INTERVAL_S
        return Alert(name=self.name, severity=self.severity, playbook=self.playbook, window_s=window_s)


WATCHDOG = Rule(
    name="Watchdog",
    severity="none",
    playbook="Nothing to do while it arrives. When it stops, nobody would be told of anything: see to the monitoring.",
    expr="vector(1)",
    for_s=0,
)


def down(name: str, component: str, *, severity: str, playbook: str, or_else: str = "") -> Rule:
    """Give the rule that an instance does not answer, or that something else is true of it."""
    expr = f'up{{component="{component}"}} == 0' + (f" or {or_else}" if or_else else "")
    return Rule(name=name, severity=severity, playbook=playbook, expr=expr, for_s=3, by=("instance",))
