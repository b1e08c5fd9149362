"""What the shop promises about its database, as a test suite that does not live in TOML."""

from harness.faults.crash import Crash
from harness.faults.kill import Kill


def test_a_lost_primary_is_replaced_and_no_order_is_lost(tunnel):
    with tunnel.load(orders_per_s=100, products_per_s=20, baseline_s=12, stable_s=5):
        tunnel.break_(Kill(target="orders_db:primary"), hold_s=50)
    assert tunnel.verdict("rto", budget_s=40, contract_s=900).passed
    assert tunnel.verdict("orders_lost").passed


def test_a_crashed_database_loses_nothing(tunnel):
    with tunnel.load(orders_per_s=100, baseline_s=12, stable_s=5):
        tunnel.break_(Crash(target="orders_db:primary"))
    assert tunnel.verdict("orders_lost").passed
    assert tunnel.verdict("duplicated").passed
