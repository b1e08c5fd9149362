"""What would not be seen of an added instance is refused, with what to write, and that helps."""

import pytest

from harness.errors import PlanError
from harness.plan import plan
from harness.planned import Plan
from harness.scenario import parse
from sut.shop import ReferenceShop

ASKED = """
format = 1
hypothesis = "One more is there."
blast_radius = ["storefront"]
load = {{ arrivals = {{ orders_per_s = 300 }}, warm_up_s = 10, baseline_s = 60 }}
recovery = {{ stable_s = 60, give_up_s = 120 }}
objectives.orders_lost = {{ max = 0 }}
objectives.asked = {asked}
{step}
"""
ADDS = '[[steps]]\nat_s = 0\nhold_s = {hold_s}\nscale_out = {{ target = "storefront#3" }}'
JOINS = '{ kind = "added_share", budget_s = 5, min_ratio = 0.2 }'
COST = '{{ kind = "cpu_per_order", max_ms = 5{when} }}'
REFUSED = {
    "gone before it was looked at": (JOINS, 14, "steps.step1.hold_s: asked looks at .* write hold_s = 15 or more"),
    "nothing is added": (JOINS, None, "objectives.asked: added_share judges an added instance, and no step adds one"),
    "its costs are not counted": (COST.format(when=""), 60, 'objectives.asked: cpu_per_order .* write when = "steady"'),
}
TAKEN = {
    "long enough": (JOINS, 15),
    "costs while it is not there": (COST.format(when=', when = "steady"'), 60),
    "costs where nothing is added": (COST.format(when=""), None),
}


def planned(asked: str, hold_s: float | None) -> Plan:
    step = "" if hold_s is None else ADDS.format(hold_s=hold_s)
    return plan(parse(ASKED.format(asked=asked, step=step), "made_up.toml"), ReferenceShop().declaration)


@pytest.mark.parametrize("why", REFUSED)
def test_what_nobody_would_see_is_refused_with_what_to_write(why: str) -> None:
    asked, hold_s, because = REFUSED[why]
    with pytest.raises(PlanError, match=because):
        planned(asked, hold_s)


@pytest.mark.parametrize("what", TAKEN)
def test_what_can_be_seen_is_taken(what: str) -> None:
    assert "asked" in [one.id for one in planned(*TAKEN[what]).objectives]
