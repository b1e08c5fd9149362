"""The gate's rows of the acceptance: a bad shop must be caught by exactly what is to catch it."""

from collections.abc import Mapping

import pytest

from tests.acceptance.flight import NotAsRequired
from tests.acceptance.gated import caught

LOST, GONE, CALM = "db_primary_lost::noticed", "storefront_replica_lost::noticed", "calm::browsing"


def test_what_is_to_catch_it_caught_it() -> None:
    said = {LOST: "failure", GONE: "failure", CALM: "passed"}
    assert caught("alert_missing", said) == f"failed: {LOST}, {GONE}; passed: 1"


@pytest.mark.parametrize(
    "said",
    [
        {LOST: "failure", GONE: "passed", CALM: "passed"},
        {LOST: "failure", GONE: "error", CALM: "passed"},
        {LOST: "failure", GONE: "failure", CALM: "failure"},
        {LOST: "failure", CALM: "passed"},
        {LOST: "passed", GONE: "passed", CALM: "passed"},
    ],
    ids=["one of two", "undecided", "one too many", "not asked", "none"],
)
def test_less_more_or_something_else_is_not_as_required(said: Mapping[str, str]) -> None:
    with pytest.raises(NotAsRequired, match="not exactly what is to catch it"):
        caught("alert_missing", said)
