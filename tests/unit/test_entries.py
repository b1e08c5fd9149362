"""Where shoppers enter: where the scenario says, else at the first of the shop's entries; and none of them is a target."""

from dataclasses import replace

import pytest

from harness.errors import PlanError
from harness.plan import plan
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL


def entered(door: str) -> str:
    return GOOD.replace("[load]\n", f'[load]\nentry = "{door}"\n')


def test_an_entry_that_the_shop_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(PlanError, match=r"load\.entry: 'storefront' is no entry of the shop made_up; it has: lb"):
        plan(parse(entered("storefront"), "made.toml"), DECLARATION)


def test_shoppers_enter_where_the_scenario_says_else_at_the_first_entry() -> None:
    parts = DECLARATION.components
    door = replace(parts[0], name="door", needs=("lb",))
    shop = replace(DECLARATION, components=(*parts, door), entries=("lb", "door"))
    first, other = (plan(parse(text, "made.toml"), shop) for text in (GOOD, entered("door")))
    assert (first.entry, other.entry) == ("lb", "door")
    assert "door" not in first.parts
    assert {"door", "lb"} <= set(other.parts)
    with pytest.raises(PlanError, match="door is where shoppers enter"):
        plan(parse(GOOD.replace('"orders_db:primary"', '"door"').replace('["', '["door", "'), "made.toml"), shop)
