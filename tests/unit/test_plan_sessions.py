"""What is asked of sessions and cannot be answered is refused before anything runs, with what to write instead."""

import pytest

from harness.errors import PlanError
from harness.plan import plan
from harness.scenario import parse
from tests.fake_declaration import DECLARATION
from tests.fake_runs import KILL, OBJECTIVES, SCENARIO

GOOD = SCENARIO + OBJECTIVES + KILL


def browsed(objective: str) -> str:
    """Write a scenario with sessions, 10 a second for at least 49 s, that asks this too."""
    return GOOD.replace("warm_up_s", "sessions = { per_s = 10 }\nwarm_up_s").replace("rto =", f"{objective}\nrto =")


REFUSED = {
    "sessions judged where there are none": (
        GOOD.replace("rto =", "wrong_bytes = {}\nrto ="),
        "objectives.wrong_bytes",
        "wrong_bytes judges sessions, and there are none; write [load] sessions = { per_s = 20 }",
    ),
    "too few sessions": (
        browsed("failed_sessions = {}"),
        "objectives.failed_sessions.sessions",
        "10,000 sessions are needed, and this run may end after 49 s; raise load.sessions.per_s to 225",
    ),
    "the share of no edge": (
        browsed('traffic_share = { edge = "lb" }'),
        "objectives.traffic_share.edge",
        "'lb' is no edge of the shop made_up; it has: cdn_a, cdn_b",
    ),
    "the share after no step": (
        browsed('traffic_share = { edge = "cdn_a", step = "cut" }'),
        "objectives.traffic_share.step",
        "'cut' is no step of this scenario: step1",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_sessions_cannot_answer_is_refused(why: str) -> None:
    text, key, because = REFUSED[why]
    with pytest.raises(PlanError) as refused:
        plan(parse(text, "made.toml"), DECLARATION)
    assert refused.value.key == key
    assert because in str(refused.value)


def test_as_many_sessions_as_the_refusal_says_are_enough() -> None:
    text = browsed("failed_sessions = {}").replace("per_s = 10 }", "per_s = 225 }")
    made = plan(parse(text, "made.toml"), DECLARATION)
    assert made.scenario.load.sessions is not None
    assert made.scenario.load.sessions.per_s == 225
