"""Scenarios that could never fail, or that no run could fly, are refused before anything starts."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.plan import plan
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL
REFUSED = {
    "objectives": re.sub(r"\[steady_state\].*?(?=\[recovery\])", "[objectives]\n", GOOD, flags=re.DOTALL),
    "objectives.healed": GOOD.replace("oversold = {}", 'healed = { kind = "oversold" }'),
    "objectives.before.goodput": GOOD.replace("oversold = {}", '"before.goodput" = { kind = "oversold" }'),
    "objectives.rto.budget_s": GOOD.replace("budget_s = 15", "budget_s = nan"),
    "objectives.redundancy.budget_s": GOOD.replace("budget_s = 20", "budget_s = inf"),
    "recovery.stable_s": GOOD.replace("stable_s = 10", "stable_s = -10"),
    "load.baseline_s": GOOD.replace("baseline_s = 12", "baseline_s = inf"),
    "load.arrivals": GOOD.replace("{ orders_per_s = 100 }", "5"),
    "load.resend": GOOD.replace("warm_up_s = 2", "warm_up_s = 2\nresend = 1"),
    "load.resend.ratio": GOOD.replace("warm_up_s = 2", "warm_up_s = 2\nresend = { ratio = 2 }"),
    "load.last_pieces_one_in": GOOD.replace("warm_up_s = 2", "warm_up_s = 2\nlast_pieces_one_in = -3"),
    "steps[1].hold_s": GOOD.replace("hold_s = 25", "hold_s = 1e300"),
    "steps[1].kill": GOOD.replace('"orders_db:primary"', '{ component = "orders_db", index = 1 }'),
    "repeat.runs": GOOD + "[repeat]\nruns = 0\n",
    "blast_radius": GOOD.replace('["orders_db", "storefront"]', '["orders_db", "storefornt"]'),
    "seed": GOOD.replace("seed = 7", f"seed = {10**30}"),
    "file": GOOD + f"tags = {'[' * 5000}{']' * 5000}\n",
}


@pytest.mark.parametrize("key", REFUSED)
def test_it_is_refused_with_its_key(key: str) -> None:
    """The message names the file and the key."""
    assert REFUSED[key] != GOOD
    with pytest.raises(UsageError, match=rf"^made\.toml: {re.escape(key)}: "):
        plan(parse(REFUSED[key], "made.toml"), DECLARATION)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1.0, 1e9])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    """Evidence scales with the rate: one that is no number would need no evidence."""
    with pytest.raises(UsageError, match="--rate"):
        plan(parse(GOOD, "made.toml"), DECLARATION, rate=rate)


@given(
    st.sampled_from(re.findall(r"= (\d+|\"[^\"]*\"|\{\})", GOOD)),
    st.sampled_from(["nan", "-1", "true", "[]", "{}", '""', "1e400"]),
)
@example("7", "1979-05-27")
def test_a_value_of_another_kind_is_a_usage_error_or_well(old: str, new: str) -> None:
    """Whatever stands where a value stood, there is a plan or a message, never a crash."""
    try:
        plan(parse(GOOD.replace(f"= {old}", f"= {new}", 1), "made.toml"), DECLARATION)
    except UsageError as error:
        assert str(error).startswith("made.toml: ")  # noqa: PT017 -- both ends are fine, a crash is not
