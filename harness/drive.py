"""Orders for a shop that stands: the real generator, at a rate and for a time, and what became of the orders."""

from contextlib import suppress

import numpy as np

from harness import events, provenance
from harness.arrivals import AHEAD_S, Arrivals
from harness.clock import MachineClock, S, Watch
from harness.errors import WindtunnelError
from harness.evidence import nearest_rank
from harness.history import FATES, Ledger
from harness.interrupts import InterruptedRun, Interrupts
from harness.load import ledger as ledgers
from harness.load.schedule import planned
from harness.model import noun
from harness.planned import Plan
from harness.recorder import Recorder
from harness.settings import Settings
from harness.stand import Stood, made, resumed
from harness.store import ORDERS


@noun
class Driven:
    """What became of the orders. ``fates`` counts by the names of ``FATES``; the percentiles are in milliseconds.

    ``latency_ms`` counts from the intended time, all that was not acknowledged is infinite; ``late_ms`` is how late the
    generator itself was. ``doubts`` say what of this cannot be believed, ``trouble`` what ended the load early.
    """

    offered: int
    fates: dict[str, int]
    latency_ms: dict[int, float]
    late_ms: float
    doubts: tuple[str, ...]
    trouble: BaseException | None


def drive(plan: Plan, stood: Stood, settings: Settings) -> Driven:
    """Send the plan's orders to the shop's own entry, and to nothing else, until its time is over or a signal comes.

    Nothing is broken, so it needs neither lock nor guardian: the generator ends when this process does. Raises
    ``SetupError``, and ``ControlError`` where the shop cannot be reached or the load does not begin.
    """
    clock = MachineClock()
    watch, folder = Watch(clock), made(settings.out / settings.run)
    record, trouble = Recorder(folder, settings.show), None
    record.hide(stood.secrets)
    record(provenance.first_record(plan, settings, clock))
    until: list[int] = []

    def see(event: events.Event) -> None:
        if isinstance(event, events.LoadStopped):
            until.append(event.until_ns)
        record(event)

    with Interrupts(watch):
        entry = resumed(stood, settings.shop, clock, settings.say).entry
        see(events.Entry(at_ns=clock.now_ns(), url=entry.url, by=entry.reached))
        arrivals = Arrivals(plan, entry=entry, folder=folder, settings=settings, watch=watch, record=see)
        try:
            see(events.Phase(at_ns=clock.now_ns(), name="load"))
            watch.until(arrivals.begin_ns + int((plan.scenario.load.baseline_s - AHEAD_S) * S))
            arrivals.settle()
        except (InterruptedRun, WindtunnelError) as ended:
            trouble = ended
        finally:
            record.sparing = True
            with suppress(WindtunnelError):
                arrivals.cut_short()
            record.seal(clock.now_ns())
    until_ns = until[0] if until else clock.now_ns()
    arrived = planned(plan.scenario.load, plan.scenario.seed, plan.scale, until_ns - arrivals.begin_ns)
    ledger, doubts = ledgers.read(folder / ORDERS, arrived, arrivals.begin_ns, until_ns)
    return summed_up(ledger, tuple(doubt.because for doubt in doubts), trouble)


def summed_up(ledger: Ledger, doubts: tuple[str, ...], trouble: BaseException | None) -> Driven:
    """Count what became of the orders of a ledger."""
    orders = ledger.orders
    latency, late = np.sort(ledger.latency_ms[orders]), np.sort(ledger.late_ms[orders])
    return Driven(
        offered=len(latency),
        fates={name: int(np.count_nonzero(ledger.fate[orders] == fate)) for fate, name in enumerate(FATES)},
        latency_ms={percent: nearest_rank(latency, percent) for percent in (50, 95, 99)},
        late_ms=nearest_rank(late, 99),
        doubts=doubts,
        trouble=trouble,
    )
