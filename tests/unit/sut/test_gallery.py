"""The switches of bad shops and the schema they change."""

from harness.gallery.pairs import asked, matrix
from harness.project import find
from harness.scenario import load
from sut.defects import DEFECTS
from sut.services.schema import (
    EVENTS,
    EVENTS_INDEX,
    PRODUCTS,
    PRODUCTS_INDEX,
    SCARCE_SKU,
    SHOPPERS,
    history,
    statements,
)
from sut.services.sql import CAN_COMMIT, CART, CLEAR, CONFIRM, LIST, LOG, PAGE, PRODUCT, PUT, REMOVE, REPLAY, place
from tests.acceptance.promised import CATCHES, FLOWN
from tests.golden import ROOT


def test_each_defect_names_the_objective_that_catches_it() -> None:
    assert {name: defect.caught_by for name, defect in DEFECTS.items()} == {
        "no_failover": "rto",
        "naive_route": "rto",
        "ack_before_commit": "orders_lost",
        "async_replication": "orders_lost",
        "no_idempotency": "duplicated",
        "oversell": "oversold",
        "no_shedding": "back_after_heal",
        "sync_sleep": "throughput",
        "n_plus_one": "cpu_per_order",
        "alert_missing": "alert",
        "alert_slow": "alert",
        "missing_index": "query_time",
        "stock_from_cache": "true_price",
        "price_from_cache": "wrongly_charged",
        "forgets_addresses": "rto",
        "no_single_flight": "origin_load",
        "bystander_broken": "blast_radius",
        "steering_asks_edge": "failed_sessions",
        "steering_by_dns": "failed_sessions",
        "accepts_truncated": "wrong_bytes",
        "replays_post": "duplicated",
        "caches_cookies": "wrong_identity",
    }


def test_two_defects_change_the_schema_and_one_the_history() -> None:
    good, past = statements(()), history(())
    spoil = {"no_idempotency", "missing_index"}
    assert (good, past) == (statements(DEFECTS.keys() - spoil), history(DEFECTS.keys() - spoil))
    assert any("idempotency_key text not null unique" in statement for statement in good)
    assert any(statement.endswith(", 7") for statement in statements((), scarce=7)), "as many as the scenario says"
    assert not any("unique" in statement for statement in statements({"no_idempotency"}))
    assert set(good) - set(statements({"missing_index"})) == {PRODUCTS_INDEX}
    assert set(past) - set(history({"missing_index"})) == {EVENTS_INDEX}
    assert history({"no_idempotency"}) == past
    assert PRODUCTS >= 1_000
    assert any(SCARCE_SKU in statement for statement in good)


def test_the_past_is_long_enough_to_be_missed_and_leaves_nothing_to_be_done() -> None:
    assert EVENTS >= 1_000_000
    assert EVENTS // SHOPPERS >= PAGE, "each shopper's log fills a page"
    assert [statement.split()[0] for statement in history(())] == ["insert", "create", "vacuum", "checkpoint"]


def test_each_statement_carries_its_class_for_the_database_s_own_statistics() -> None:
    texts = {"product": PRODUCT, "list": LIST, "log": LOG, "order": place(()), "replay": REPLAY, "health": CAN_COMMIT}
    texts |= {"cart": CART, "put": PUT, "confirm": CONFIRM, "clear": CLEAR}
    assert REMOVE.startswith("/* put */")
    for name, text in texts.items():
        assert text.startswith(f"/* {name} */"), name


def test_each_bad_shop_can_be_caught_in_every_scenario_in_which_it_is_said_to_show() -> None:
    """Each of these scenarios is there, plans, and asks for what must catch it."""
    made = matrix(find(ROOT), [], [])
    flown = asked(made.sorties)
    assert {(name, scenario) for name, one in DEFECTS.items() for scenario in one.shown_in} <= flown.keys()
    assert made.homeless == ()


def test_the_acceptance_flies_them_where_they_are_said_to_show() -> None:
    for name, scenario in FLOWN.items():
        objectives = {one.id: one.kind for one in load(ROOT / "scenarios" / f"{scenario}.toml").objectives}
        assert objectives[CATCHES[name][0]] == DEFECTS[name].caught_by, name
    assert all(scenario in DEFECTS[name].shown_in for name, scenario in FLOWN.items())
