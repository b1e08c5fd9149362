"""Probes at work: each in its own time, a miss is a record, and none holds up another."""

import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness import sampler
from harness.capabilities import Probe
from harness.clock import MachineClock, pause
from harness.cost import GENERATOR
from harness.drivers import Driver
from harness.events import Sample
from harness.host import Meter
from harness.model import Reading
from harness.sampler import Job, Sampler, jobs
from harness.shop import Residence
from tests.fake_runs import a_plan

NOW = MachineClock().now_ns
MANY = 4


class Looks:
    """A probe that looks as often as it is told to; ``see`` is called at each look."""

    sense = object

    def __init__(self, see: Callable[[], Reading], interval_s: float = 0.02) -> None:
        self.interval_s, self._see = interval_s, see

    def look(self, through: Any) -> Reading:  # noqa: ARG002 -- as the protocol
        """Look."""
        return self._see()


def well() -> Reading:
    return Reading(at_ns=0, value=1.0)


def sampled(*probes: tuple[str, Looks], count: int = MANY) -> list[Sample]:
    """Sample until every probe, but for those called stuck, has given so many records."""
    found: list[Sample] = []
    enough = threading.Event()
    awaited = [name for name, _ in probes if name != "stuck"]

    def record(sample: Sample) -> None:
        found.append(sample)
        if all(sum(one.probe == name for one in found) >= count for name in awaited):
            enough.set()

    work = [Job(name=name, on="db", probe=cast("Probe", probe), sense=None) for name, probe in probes]
    one = Sampler(work, record, NOW)
    one.start()
    assert enough.wait(10)
    one.stop()
    return found


def test_each_look_is_a_record() -> None:
    found = sampled(("redundancy", Looks(well)))
    assert {(one.probe, one.on, one.value, one.why) for one in found} == {("redundancy", "db", 1.0, None)}
    assert [one.at_ns for one in found] == sorted(one.at_ns for one in found)


def test_a_probe_that_crashes_is_a_miss_that_says_so_and_goes_on() -> None:
    def crash() -> Reading:
        raise ZeroDivisionError("of all things")

    found = sampled(("redundancy", Looks(crash)))
    assert {(one.value, one.why) for one in found} == {(None, "the probe crashed: ZeroDivisionError: of all things")}


def test_what_came_after_its_deadline_is_a_miss() -> None:
    """It may be of another time than it says."""

    def slow() -> Reading:
        pause(0.05)
        return well()

    found = sampled(("redundancy", Looks(slow)))
    assert {one.value for one in found} == {None}
    assert all("longer than its interval" in (one.why or "") for one in found)


def test_a_probe_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the end of the sampling, which is bounded; its thread dies with the process."""
    monkeypatch.setattr(sampler, "JOIN_S", 0.1)
    free = threading.Event()

    def hang() -> Reading:
        free.wait()
        return well()

    found = sampled(("stuck", Looks(hang)), ("role", Looks(well)))
    free.set()
    assert {one.probe for one in found} == {"role"}


def test_after_its_end_nothing_is_sampled() -> None:
    found: list[Sample] = []
    one = Sampler([Job(name="role", on="db", probe=cast("Probe", Looks(well)), sense=None)], found.append, NOW)
    one.start()
    one.stop()
    count = len(found)
    pause(0.1)
    assert len(found) == count


def test_every_probe_gets_all_that_it_can_look_at() -> None:
    """The machine once; each component that has the sense, through one of its instances, or each of them."""

    class Machine:
        def foreign_ratio(self) -> Reading:
            return well()

    class Shop:
        def instances(self, component: Any) -> tuple[str, ...]:
            return (f"{component.name}-1", f"{component.name}-2")

        def able(self, instance: str, protocol: type) -> str:
            return f"{protocol.__name__} of {instance}"

    machine = Machine()
    asked = [f"{part}-{n}" for part in ("lb", "storefront", "db_route", "orders_db", "etcd") for n in (1, 2)]
    found = jobs(a_plan(), cast("Any", Shop()), {"machine": machine})
    assert [(job.name, job.on, job.sense) for job in found] == [
        ("foreign_cpu", "machine", machine),
        *(("health", name, f"Answers of {name}") for name in asked),
        ("redundancy", "orders_db", "Replicated of orders_db-1"),
        ("role", "orders_db", "Replicated of orders_db-1"),
    ]


@pytest.mark.parametrize(("pids", "known"), [({GENERATOR: []}, True), ({"gatherer": [1]}, False)])
def test_a_generator_that_is_elsewhere_has_used_nobody_knows_how_much(pids: Mapping[str, list[int]], known: bool) -> None:
    """Nought would make an order look cheaper than it is."""
    driver = cast("Driver", SimpleNamespace(cpu_s=lambda *_, **__: {}))
    seen = sampler.beside(driver, Residence(run="r1", driver="process", things=()), lambda: pids, NOW)
    reading = cast("Meter", seen[GENERATOR]).cpu_s()
    assert (reading.value is not None, reading.why is None) == (known, known), reading
