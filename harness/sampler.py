"""Probes at work while the run goes on: one thread each, with a deadline below its interval; a miss is a record."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from harness import registry
from harness.capabilities import Metered, Probe
from harness.clock import S
from harness.cost import GENERATOR, ITSELF, MACHINE
from harness.drivers import Driver
from harness.errors import ControlError
from harness.events import Metric, Sample
from harness.host import Machine, Meter, Rationed, used_s
from harness.model import Reading
from harness.planned import Plan
from harness.shop import Residence, RunningShop, Thing

JOIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One probe looking at one thing through one sense."""

    name: str
    on: str
    probe: Probe
    sense: object


class Sampler:
    """Runs jobs from ``start`` to ``stop``; ``record`` must not raise."""

    def __init__(self, jobs: list[Job], record: Callable[[Sample], None], now_ns: Callable[[], int]) -> None:
        self._record, self._now_ns = record, now_ns
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(job,), name=f"{job.name}:{job.on}", daemon=True) for job in jobs
        ]

    def start(self) -> None:
        """Begin to sample."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; waits for each thread, bounded. A thread that is stuck in its sense is left to die with the process."""
        self._ending.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(JOIN_S)

    def _run(self, job: Job) -> None:
        interval_ns = int(job.probe.interval_s * S)
        due_ns = self._now_ns()
        while not self._ending.is_set():
            self._record(self._sample(job, interval_ns))
            due_ns = max(due_ns + interval_ns, self._now_ns())
            self._ending.wait((due_ns - self._now_ns()) / S)

    def _sample(self, job: Job, interval_ns: int) -> Sample:
        """Look once. What came after the deadline, or did not come because the probe crashed, is a miss that says so."""
        begun_ns = self._now_ns()
        try:
            reading = job.probe.look(job.sense)
        except Exception as error:  # noqa: BLE001 -- a crashed probe is evidence of nothing, and must say so
            reading = Reading(at_ns=begun_ns, value=None, why=f"the probe crashed: {type(error).__name__}: {error}")
        took_ns = self._now_ns() - begun_ns
        if took_ns > interval_ns:
            reading = Reading(at_ns=begun_ns, value=None, why=f"took {took_ns / S:.1f} s, longer than its interval")
        return Sample(at_ns=self._now_ns(), probe=job.name, on=job.on, value=reading.value, why=reading.why)


def jobs(plan: Plan, shop: RunningShop, others: Mapping[str, object]) -> list[Job]:
    """Give each probe of the plan everything that it can look at: a component that has its sense, or one of the ``others``.

    It looks at every instance if it is a probe for ``each``, else at the component through the first of them. ``others``
    are what is no ability of a part, by name: see ``beside``.
    """
    found = []
    for name in plan.probes:
        probe: Probe = registry.cls("probes", name)()
        found += [
            Job(name=name, on=on, probe=probe, sense=sense) for on, sense in others.items() if isinstance(sense, probe.sense)
        ]
        for part in plan.declaration.components:
            if part.name in plan.parts and probe.sense in part.abilities:
                instances = shop.instances(part)
                for on, instance in [(one, one) for one in instances] if probe.each else [(part.name, instances[0])]:
                    found.append(Job(name=name, on=on, probe=probe, sense=shop.able(instance, probe.sense)))
    return found


def beside(
    driver: Driver,
    residence: Residence,
    pids: Callable[[], Mapping[str, list[int]]],
    now_ns: Callable[[], int],
    *,
    grows: bool = False,
) -> dict[str, object]:
    """Give what probes can look at beside the shop's own senses: the machine, and the CPU time of each who takes part.

    ``pids`` are the run's other processes by what they are: the generator, the harness, and whoever counts as neither.
    ``grows``: steps add instances, whose CPU time is not somebody else's.
    """

    def part_s(thing: Thing) -> float | None:
        return driver.cpu_s(replace(residence, things=(thing,))).get(thing.name)

    def throttled_s(thing: Thing) -> float | None:
        return driver.throttled_s(replace(residence, things=(thing,))).get(thing.name)

    def process_s(who: str) -> float | None:
        there = pids().get(who)
        return None if there is None else used_s(there)

    parts = {thing.name: Rationed(now_ns, partial(part_s, thing), partial(throttled_s, thing)) for thing in residence.things}
    processes = {who: Meter(now_ns, partial(process_s, who)) for who in (GENERATOR, ITSELF)}
    machine = Machine(
        now_ns, lambda: driver.cpu_s(residence, grown=grows), lambda: [pid for some in pids().values() for pid in some]
    )
    return {**parts, **processes, MACHINE: machine}


def metrics(
    plan: Plan, shop: RunningShop, begin_ns: int, now_ns: Callable[[], int], record: Callable[[Metric | Sample], None]
) -> None:
    """Record what every part that samples the shop's counters has since ``begin_ns``; what cannot be asked is a miss."""
    for part in plan.declaration.components:
        if part.name in plan.parts and Metered in part.abilities:
            try:
                sense = shop.able(shop.instances(part)[0], Metered)
                for series in sense.metrics(begin_ns, now_ns()) if isinstance(sense, Metered) else ():
                    record(Metric(at_ns=now_ns(), series=series))
            except Exception as error:  # noqa: BLE001 -- what monitoring stumbles over must not cost the audit
                why = str(error) if isinstance(error, ControlError) else f"it crashed: {type(error).__name__}: {error}"
                record(Sample(at_ns=now_ns(), probe="metrics", on=part.name, value=None, why=why))
