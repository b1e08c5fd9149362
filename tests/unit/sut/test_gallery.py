"""The switches of bad shops and the schema they change."""

from sut.defects import DEFECTS
from sut.services.schema import PRODUCTS, SCARCE_SKU, statements


def test_each_defect_names_the_objective_that_catches_it() -> None:
    assert {name: defect.caught_by for name, defect in DEFECTS.items()} == {
        "no_failover": "rto",
        "ack_before_commit": "orders_lost",
        "no_idempotency": "duplicated",
        "oversell": "oversold",
    }


def test_only_no_idempotency_changes_the_schema() -> None:
    good = statements(())
    assert good == statements(set(DEFECTS) - {"no_idempotency"})
    assert any("idempotency_key text not null unique" in statement for statement in good)
    assert not any("unique" in statement for statement in statements({"no_idempotency"}))
    assert PRODUCTS >= 1_000
    assert any(SCARCE_SKU in statement for statement in good)
