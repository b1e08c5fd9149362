"""Spoils windtunnel in this process and then runs its command line: the judge, or whoever mends, must cope.

    python -m tests.sabotage WHAT … -- ARGUMENTS OF WINDTUNNEL

    inject:POWER     the power (kill, crash, pause, cut …) does nothing when it acts, and reports no error
    mend:VERB        the mender (start, signal, unpause, unblock …) does nothing, and reports no error
    die:WHERE        the process kills itself by SIGKILL
    hang:WHERE       the thread that comes there goes no further
    bound:NAME=S     a bound of ``harness.nemesis`` (HEAL_S: the longest wait for a heal), in seconds

WHERE is ``act`` (the act is done, and nothing says so yet), or just after a record is written: its kind (``intended``,
``acted`` …), its phase (``baseline`` …), the stage of a witness's look (``held`` …). The first one that fits counts.

It works on every driver, and an unknown name is an error. The guardian is another process and stays whole. The product
itself has no switch for any of this.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from typing import Any, cast

from harness import cli, nemesis
from harness.drivers import DRIVERS, Mender, docker, docker_network, driver, process
from harness.events import KINDS, Event, Looked, Phase
from harness.model import Break
from harness.store import JournalWriter

POWERS: tuple[type[Any], ...] = (process.ProcessPowers, docker.ContainerPowers, docker_network.NetworkPowers)
PHASES = {"shop_up", "warm_up", "baseline", "steps", "recovery", "settle", "audit", "shop_down"}
STAGES = {stage.value for stage in nemesis.Stage}
Act = Callable[[], None]


def inject(power: str) -> None:
    """Let a power do nothing."""
    _spoil_power(power, lambda _: lambda: None)


def mend(verb: str) -> None:
    """Let the menders of a verb do nothing."""
    menders = [cast("MutableMapping[str, Mender]", driver(name).MENDERS) for name in DRIVERS]
    if not any(verb in known for known in menders):
        raise SystemExit(f"sabotage: no driver has a mender for {verb!r}")
    for known in menders:
        known[verb] = lambda _: None


def die(where: str) -> None:
    """Kill the process at a point."""
    _at(where, lambda: os.kill(os.getpid(), signal.SIGKILL))


def hang(where: str) -> None:
    """Hang the thread that comes to a point."""
    _at(where, _never)


def bound(setting: str) -> None:
    """Set a bound of the nemesis."""
    name, _, seconds = setting.partition("=")
    if not isinstance(getattr(nemesis, name, None), float):
        raise SystemExit(f"sabotage: harness.nemesis has no bound {name!r}")
    setattr(nemesis, name, float(seconds))


def _spoil_power(power: str, spoil: Callable[[Act], Act]) -> None:
    """Put ``spoil(act)`` in the place of the act that a power prepares, on every driver that has it."""
    able = [powers for powers in POWERS if hasattr(powers, power)]
    if not able:
        raise SystemExit(f"sabotage: no driver has a power {power!r}")
    for powers in able:
        prepare: Callable[..., Break] = getattr(powers, power)

        def spoilt(self: object, *how: object, prepare: Callable[..., Break] = prepare) -> Break:
            made = prepare(self, *how)
            return replace(made, act=spoil(made.act))

        setattr(powers, power, spoilt)


def _at(where: str, then: Act) -> None:
    """Do something at a point of the run."""
    if where == "act":
        for power in ("kill", "crash", "pause", "cut", "refuse", "isolate"):
            _spoil_power(power, lambda act: lambda: _both(act, then))
        return
    if where not in KINDS.keys() | PHASES | STAGES:
        raise SystemExit(f"sabotage: no record, phase or stage is called {where!r}")
    write = JournalWriter.append

    def spoilt(self: JournalWriter, event: Event) -> None:
        write(self, event)
        if where in _names(event):
            then()

    JournalWriter.append = spoilt  # type: ignore[method-assign]  # that is what sabotage is


def _never() -> None:
    threading.Event().wait()


def _both(act: Act, then: Act) -> None:
    act()
    then()


def _names(event: Event) -> set[str]:
    """Under which names a record can be meant."""
    names = {name for name, cls in KINDS.items() if isinstance(event, cls)}
    names |= {event.name} if isinstance(event, Phase) else set()
    return names | ({event.stage} if isinstance(event, Looked) else set())


WAYS: dict[str, Callable[[str], None]] = {"inject": inject, "mend": mend, "die": die, "hang": hang, "bound": bound}


def main() -> None:
    """Spoil what is asked for, then be windtunnel."""
    if "--" not in sys.argv:
        raise SystemExit(__doc__)
    end = sys.argv.index("--")
    for what in sys.argv[1:end]:
        way, _, name = what.partition(":")
        if way not in WAYS:
            raise SystemExit(f"sabotage: {what!r} is none of {', '.join(WAYS)}")
        WAYS[way](name)
    sys.argv = ["windtunnel", *sys.argv[end + 1 :]]
    cli.main()


if __name__ == "__main__":
    main()
