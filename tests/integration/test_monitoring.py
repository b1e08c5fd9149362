"""The shop's monitoring in its containers: silent while all is well, quick when it is not, and its samples read back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any, cast

import psycopg
import pytest

from harness.capabilities import Alerting, Crashable, Killable, Metered, Pausable
from harness.clock import pause
from harness.errors import ControlError
from harness.events import Alerted, Sample
from harness.model import Break, Target
from sut.components import alertmanager, prometheus
from sut.components.prometheus import Watch
from sut.declared import CLASSES
from sut.running import RunningReferenceShop
from sut.services import sql
from tests import alert_rules
from tests.integration.watched_shop import LOAD, Evening, alerted, evening, grown

pytestmark = [pytest.mark.docker, pytest.mark.slow]
CLEARS_S, WHOLE_S = 30.0, 90.0
S = 1_000_000_000
DECLARED = {name: part.rules for name, part in CLASSES.items()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Start the shop once; each test leaves it whole and silent."""
    with evening(tmp_path_factory.mktemp("run")) as one:
        yield one


def part(one: Evening, name: str) -> Any:
    """Reach into a container, as no sense would."""
    return cast("RunningReferenceShop", one.shop)._part(name)


def primary(one: Evening) -> str:
    return one.shop.locate(Target.parse("orders_db:primary")).instance


@contextmanager
def broken(one: Evening, breakage: Break) -> Iterator[int]:
    """Break something and give the instant before; at last mend it, and wait until the shop is whole and silent."""
    since_ns = one.act(breakage)
    try:
        yield since_ns
    finally:
        one.mend(breakage)
        whole_again(one)


def replaced(one: Evening, hit: str) -> bool:
    """Tell whether another node is the primary by now."""
    with suppress(ControlError):  # none is
        return primary(one) != hit
    return False


def whole_again(one: Evening) -> None:
    """Wait until the shop is as declared and every alert has cleared."""
    one.until(lambda: one.shop.fingerprint() == (), WHOLE_S, "as declared")
    took_s = one.until(lambda: not one.firing(), CLEARS_S, "silent again")
    print(f"silent {took_s:.1f} s after it was whole")


def test_what_was_rendered_is_understood_by_the_products_own_tools(shop: Evening) -> None:
    for name, command in {
        "prometheus": ["promtool", "check", "config", prometheus.SETTINGS],
        "alertmanager": ["amtool", "check-config", alertmanager.SETTINGS],
    }.items():
        done = part(shop, name).exec(command)
        assert done.exit_code == 0, done.output
        assert b"SUCCESS" in done.output


def test_alerts_that_nothing_here_makes_fire_would_do_so_in_time(shop: Evening) -> None:
    """By the rules as they were rendered; those of a shop that is slow to tell are caught by the same test."""
    slow = prometheus.rules(Watch(watched=(), declared=DECLARED, alertmanager=None, defects=("alert_slow",)))
    typed = (
        'cd /var/lib/prometheus && printf %s "$1" > slow.json && printf %s "$2" > test.json && promtool test rules test.json'
    )
    for rules, caught in ((prometheus.RULES, False), ("slow.json", True)):
        done = part(shop, "prometheus").exec(["sh", "-c", typed, "-", slow, alert_rules.written(rules)])
        assert (done.exit_code != 0) == caught, done.output
        assert all((name in done.output) == caught for name in (b"LbDown", b"OrdersSlow")), done.output


@pytest.mark.alone
def test_a_healthy_shop_is_silent_and_the_watchdog_never_is(shop: Evening) -> None:
    """Alone: alerts that judge by time are right of a machine that is too busy. No alert needs longer than 20 s to fire."""
    begun_ns = shop.clock.now_ns()
    pause(30)
    assert shop.told() == []
    assert not [one for one in shop.heard if isinstance(one, Sample)]
    beats = [one.at_ns for one in shop.heard if isinstance(one, Alerted) and one.at_ns >= begun_ns]
    gaps_s = [(later - earlier) / S for earlier, later in pairwise(beats)]
    print(f"watchdog: {len(beats)} times, {max(gaps_s):.1f} s apart at most")
    assert max(gaps_s) <= 6


def test_it_tells_to_whom_it_tells(shop: Evening) -> None:
    said = shop.able("alertmanager", Alerting).receiver()
    assert said.startswith("http://198.1")
    assert said.endswith("/alerts")


def test_samples_of_every_class_are_read_back_and_the_database_agrees(shop: Evening) -> None:
    begin_ns = shop.clock.now_ns()
    pause(20)
    end_ns = shop.clock.now_ns()
    found = shop.able("prometheus", Metered).metrics(begin_ns, end_ns)
    assert {one.on for one in found if one.name == "log_bytes"} == {"orders_db-1", "orders_db-2"}
    assert {one.on for one in found if one.name != "log_bytes"} == {"storefront-1", "storefront-2"}
    assert grown(found, "log_bytes", "class", "") > 20 * LOAD.arrivals.orders_per_s * 100, (
        "an order is a hundred bytes and more"
    )
    for one in found:
        assert begin_ns <= one.times_ns[0] < one.times_ns[-1] <= end_ns
        assert len(one.times_ns) >= 18, f"{one.name} of {one.on}: a sample each second"
    checks = shop.able("orders_db-1", Metered).metrics(0, shop.clock.now_ns())
    own = {(one.name, one.labels["statement"]): one.values[0] for one in checks}
    for name, rate in {"product": LOAD.products_per_s, "list": LOAD.lists_per_s, "log": LOAD.logs_per_s, "order": 0}.items():
        calls, seconds = (grown(found, which, "class", name) for which in ("query_count", "query_sum_s"))
        print(f"{name}: {calls:.0f} calls, {1000 * seconds / calls:.2f} ms; by itself {own['statement_mean_s', name]:.5f} s")
        assert calls >= 0.7 * 20 * rate
        assert grown(found, "query_fast", "class", name) <= calls
        assert own["statement_count", name] > calls, "since the shop was started"
        assert own["statement_mean_s", name] < seconds / calls, "without network and commit"


def test_pages_and_logs_are_found_by_an_index(shop: Evening) -> None:
    with psycopg.connect(part(shop, primary(shop)).conninfo("shop")) as connection:
        connection.execute("set plan_cache_mode = force_generic_plan")
        connection.execute(f"prepare a(text, bigint) as {sql.LIST}".encode())
        connection.execute(f"prepare b(int) as {sql.LOG}".encode())
        for call, index in {"a('CAT-07', 20)": "products_category", "b(77)": "events_shopper"}.items():
            rows = connection.execute(f"explain execute {call}".encode()).fetchall()
            told = "\n".join(row[0] for row in rows)
            assert index in told, told
            assert "Seq Scan" not in told, told


@pytest.mark.alone
def test_a_lost_storefront_is_told_and_clears(shop: Evening) -> None:
    """Alone, for the same reason: nobody else may be blamed."""
    with broken(shop, shop.able("storefront-2", Killable).kill()) as since_ns:
        alerted(shop, since_ns, "StorefrontDown", component="storefront", instance="storefront-2")
        alerted(shop, since_ns, "TargetMissing", component="storefront", instance="storefront-2")
        blamed = {(one.name, one.labels.get("instance")) for one in shop.told(since_ns)}
        assert not {whom for _, whom in blamed} - {"storefront-2"}, blamed


def test_a_crash_is_told_though_it_is_over_soon(shop: Evening) -> None:
    hit = primary(shop)
    with broken(shop, shop.able(hit, Crashable).crash()) as since_ns:
        alerted(shop, since_ns, "OrdersDbRestarted", component="orders_db", instance=hit)


def test_a_frozen_primary_is_told(shop: Evening) -> None:
    hit = primary(shop)
    with broken(shop, shop.able(hit, Pausable).pause()) as since_ns:
        alerted(shop, since_ns, "OrdersDbNoPrimary", component="orders_db")
        alerted(shop, since_ns, "OrdersDbNodeDown", component="orders_db", instance=hit)
        alerted(shop, since_ns, "OrdersFailing", component="storefront")
        shop.until(lambda: replaced(shop, hit), 40, "another primary")


def test_a_lost_primary_is_told(shop: Evening) -> None:
    hit = primary(shop)
    with broken(shop, shop.able(hit, Killable).kill()) as since_ns:
        alerted(shop, since_ns, "OrdersDbNoPrimary", component="orders_db")
        alerted(shop, since_ns, "OrdersDbNoStandby", component="orders_db")
        alerted(shop, since_ns, "OrdersDbNodeDown", component="orders_db", instance=hit)
        shop.until(lambda: replaced(shop, hit), 40, "another primary")


@pytest.mark.parametrize(("name", "alert"), [("etcd", "EtcdDown"), ("db_route", "DbRouteDown")])
def test_a_frozen_helper_is_told(shop: Evening, name: str, alert: str) -> None:
    with broken(shop, shop.able(name, Pausable).pause()) as since_ns:
        alerted(shop, since_ns, alert, component=name, instance=name)


def test_a_lost_monitoring_is_told_by_the_watchdog_s_silence(shop: Evening) -> None:
    with broken(shop, shop.able("prometheus", Killable).kill()) as since_ns:
        pause(20)
        told = (one for one in shop.heard if isinstance(one, Alerted) and one.state == "firing")
        assert [one for one in told if one.at_ns > since_ns + 10 * S] == []
    back_ns = shop.clock.now_ns()
    shop.until(lambda: any(one.at_ns > back_ns for one in shop.heard), 30, "the watchdog again")
