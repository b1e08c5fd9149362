"""When a run may end: what it waits for, and what it does not wait for."""

from harness.clock import S, Watch
from harness.declaration import Alert, Component, Declaration
from harness.events import WATCHDOG, Acted, Alerted, Event, LoadTick, Sample
from harness.recovery import MARGIN_S, Convalescence
from harness.scenario import Recovery
from tests.fakes import FakeClock

STABLE_S, GIVE_UP_S = 10.0, 60.0
ALERTS = tuple(Alert(name=name, severity="page", playbook="Wait.", window_s=1) for name in ("NoPrimary", WATCHDOG))
DECLARATION = Declaration(
    name="shop", components=(Component(name="db", standbys=1, alerts=ALERTS),), entries=("lb",), shopper="", defects={}
)


def waited_s(*heard: Event) -> float:
    """Give how long it waits after what it has heard."""
    clock, convalescence = FakeClock(), Convalescence(DECLARATION)
    for event in heard:
        convalescence.hear(event)
    convalescence.wait(Watch(clock), Recovery(stable_s=STABLE_S, give_up_s=GIVE_UP_S))
    return clock.now_ns() / S


def alerted(name: str, state: str) -> Alerted:
    return Alerted(at_ns=0, name=name, state=state, labels={"component": "db"})


def tick(last_bad_ns: int) -> LoadTick:
    counts = {"offered": 1, "acknowledged": 1, "refused": 0, "unknown": 0, "shed": 0, "in_flight": 0}
    return LoadTick(at_ns=0, late_ms_p99=0.0, last_bad_ns=last_bad_ns, **counts)


def test_it_waits_until_the_shop_was_steady() -> None:
    assert waited_s() == STABLE_S + MARGIN_S
    assert waited_s(tick(5 * S)) == 5 + STABLE_S + MARGIN_S
    assert waited_s(Acted(at_ns=7 * S, step="one", t0_ns=7 * S)) == 7 + STABLE_S + MARGIN_S


def test_it_waits_for_standbys_and_for_alerts_to_clear() -> None:
    """At most so long; whatever has not come by then is the judge's business."""
    assert waited_s(Sample(at_ns=0, probe="redundancy", on="db", value=0.0)) == GIVE_UP_S
    assert waited_s(alerted("NoPrimary", "firing")) == GIVE_UP_S
    assert waited_s(alerted("NoPrimary", "firing"), alerted("NoPrimary", "resolved")) == STABLE_S + MARGIN_S


def test_it_does_not_wait_for_what_always_fires_or_is_not_the_shop_s() -> None:
    assert waited_s(alerted(WATCHDOG, "firing"), alerted("Other", "firing")) == STABLE_S + MARGIN_S
