"""A load too low for the fewest pieces of evidence that objectives believe is refused, with the rate that is enough."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import PlanError
from harness.judge import judge
from harness.model import Outcome
from harness.plan import plan
from harness.planned import Plan
from harness.project import find
from harness.scenario import load, parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO, Trouble, a_history
from tests.fake_sessions import BROWSING

ROOT = Path(__file__).parents[2]
SCENARIOS = tuple(sorted((ROOT / "scenarios").glob("*.toml")))
SHOP = find(ROOT).shop().declaration
HEAD, _ = SCENARIO.split("[steady_state]")
QUIET = HEAD + OBJECTIVES + KILL.replace("rto = { budget_s = 15, contract_s = 900 }", "{asked}")
BROWSED = QUIET.replace("warm_up_s", f"{BROWSING}\nwarm_up_s").replace("orders_db:primary", "cdn_a")
BROWSED = BROWSED.replace('["orders_db"', '["cdn_a", "orders_db"')
CALM = HEAD + OBJECTIVES + "{asked}\n"
ASKED = {  # what is asked, of which run, and the least rate of orders at which it is not refused
    "the baseline": ('goodput = { min_ratio = 0.9, when = "baseline" }', QUIET, 20 / 11),
    "while it is steady": ("order_latency = { p95_max_ms = 500, when = 'steady' }", QUIET, 20 / 11),
    "after it recovered": ('goodput = { min_ratio = 0.9, when = "recovered" }', QUIET, 20 / 15),
    "all of the load": ("goodput = { min_ratio = 0.1 }", QUIET, 20 / 54),
    "once it is healed": ("back_after_heal = { budget_s = 30 }", QUIET, 20 / 15),
    "since the last act": ("wrongly_charged = {}", QUIET, 20 / 40),
    "a calm evening": ("order_latency = { p95_max_ms = 500 }", CALM, 20 / 14),
    "calls of a class": ('query_time = { class = "product", mean_max_ms = 200, when = "steady" }', QUIET, 10 * 30 / 11),
    "calls of the origin": ("origin_load = { class = 'product', times_max = 2 }", QUIET, 10 * 30 / 5),
    "sessions": ('first_page = { p95_max_ms = 1000, when = "baseline" }', BROWSED, 10 * 20 / 11),
    "carts": ("carts_lost = {}", BROWSED, 10 * 20 / (3 * 0.5 * 40)),
    "personal answers": ("wrong_identity = {}", BROWSED, 10 * 20 / (6 * 0.5 * 40)),
    "sessions on an edge": ("failed_sessions = { sessions = 100, exposed = 10, moved = 10 }", BROWSED, 10 * 10 / 7.5),
    "orders sent twice": ("", CALM.replace("warm_up_s", "resend = { ratio = 0.1 }\nwarm_up_s"), 1 / (0.1 * 14)),
}


def written(why: str) -> str:
    asked, text, _ = ASKED[why]
    return text.replace("{asked}", asked)


def planned(text: str, rate: float | None = None, *, flown: bool = False) -> Plan:
    return plan(parse(text, "made.toml"), DECLARATION, rate=rate, flown=flown)


def refused(text: str, rate: float | None = None) -> PlanError:
    with pytest.raises(PlanError) as raised:
        planned(text, rate)
    assert raised.value.exit_code == 2
    return raised.value


def advised(error: PlanError) -> float:
    """Read the value to use off a refusal."""
    found = re.search(r"write (?:--rate|\w+ =) ([\d.]+) or more$", str(error))
    assert found, str(error)
    return float(found[1])


@pytest.mark.parametrize("why", ASKED)
def test_a_rate_that_is_just_high_enough_is_not_refused_and_one_below_it_is(why: str) -> None:
    least = ASKED[why][2]
    planned(written(why), rate=least * 1.001)
    error = refused(written(why), rate=least * 0.999)
    assert error.key == "--rate"
    assert advised(error) > least
    planned(written(why), rate=advised(error))


@pytest.mark.parametrize("why", [why for why in ASKED if "calls" not in why and "twice" not in why])
def test_the_judge_agrees_with_what_is_refused_and_with_what_is_advised(why: str) -> None:
    """At half the least rate it finds too little evidence; with the rate that the refusal gives, enough.

    Calls of statements and orders sent twice are not the made-up shop's to follow the load.
    """
    least = ASKED[why][2]
    enough = advised(refused(written(why), rate=least / 2))
    for rate, outcome in ((least / 2, Outcome.INCONCLUSIVE), (enough, Outcome.PASS)):
        made = planned(written(why), rate=rate, flown=True)
        (asked,) = [one for one in made.objectives if one.kind == written(why).split(OBJECTIVES)[1].split()[0]]
        history = a_history(made, [Trouble(from_s=0, to_s=0)])
        verdict = judge(replace(made, objectives=(asked,)), history).verdicts[0]
        assert verdict.outcome is outcome, verdict


def test_without_rate_the_value_is_that_of_the_scenario() -> None:
    text = written("calls of a class").replace("products_per_s = 10", "products_per_s = 2")
    error = refused(text)
    assert error.key == "load.products_per_s"
    lacking = "query_time needs 30 calls of class product in the baseline, 22 are due at the most"
    assert error.because == f"{lacking}; write products_per_s = 4.3 or more"
    planned(text.replace("products_per_s = 2", "products_per_s = 4.3"))


def test_what_no_rate_can_bring_is_asked_of_the_scenario_also_where_a_rate_is_given() -> None:
    """Nobody looks, so no multiple of it is enough; and where a higher rate needs more, it is the shoppers' number."""
    nobody = written("calls of a class").replace("product'", "log'").replace('"product"', '"log"')
    assert refused(nobody, rate=50).key == "load.logs_per_s"
    scaled = written("sessions on an edge").replace("exposed = 10", "exposed = 200")
    assert refused(scaled, rate=100).key == "load.sessions.per_s"
    planned(scaled.replace("per_s = 10, pages", f"per_s = {advised(refused(scaled)):g}, pages"))


def test_what_nobody_is_to_do_is_refused_without_a_rate() -> None:
    error = refused(written("carts").replace("checkout_ratio = 0.5", "checkout_ratio = 0"))
    assert error.key == "objectives.carts_lost"
    assert error.because.endswith("0 are due at whatever rate; leave it out, or write a share above 0 in [load]")


@pytest.mark.parametrize(
    ("text", "product"),
    [
        (written("calls of a class"), ()),  # the shop does not say what raises such a call
        (written("calls of a class"), ("products", "redundancy")),  # a probe does too
        (written("calls of a class"), ("products", "lists")),  # nobody knows which of two
        (BROWSED.replace("{asked}", ASKED["calls of a class"][0]), ("products", "sessions")),
        (BROWSED.replace("{asked}", "wrong_bytes = {}"), ()),  # how many bodies belong to a page is the shop's
    ],
)
def test_nothing_is_said_of_what_hangs_on_the_shop(text: str, product: tuple[str, ...]) -> None:
    declared = replace(DECLARATION, calls={"product": product})
    assert plan(parse(text, "made.toml"), declared, rate=0.01)


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_every_scenario_is_flown_at_its_own_rate_and_refused_at_one_that_proves_nothing(file: Path) -> None:
    scenario = load(file)
    plan(scenario, SHOP)
    with pytest.raises(PlanError) as raised:
        plan(scenario, SHOP, rate=0.3)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_the_value_that_is_given_for_a_scenario_helps(file: Path) -> None:
    try:
        plan(load(file), SHOP, rate=4)
    except PlanError as error:
        plan(load(file), SHOP, rate=advised(error))


def test_a_run_that_is_over_is_judged_whatever_its_load_was() -> None:
    assert planned(written("sessions"), rate=1, flown=True).orders_per_s == 1
