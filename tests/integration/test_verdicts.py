"""The good shop passes every scenario, and each bad shop of the gallery fails the objective that is to catch it."""

from collections.abc import Iterator

import pytest

from tests.integration.ahead import Ahead, ahead, believed
from tests.integration.flights import Landed, Project, shrunk, without

pytestmark = pytest.mark.slow
LONG = {"baseline_s": 62.0}  # throughput is judged over a minute
GOOD = {
    "calm": shrunk("calm", **LONG),
    "calm_retries": shrunk("calm_retries", **LONG),
    "db_frozen": shrunk("db_frozen"),
    "db_primary_lost": shrunk("db_primary_lost"),
    "db_process_crash": shrunk("db_process_crash"),
    "storefront_replica_lost": shrunk("storefront_replica_lost"),
}
BAD = {
    "ack_before_commit": ("db_process_crash", shrunk("db_process_crash")),
    "no_idempotency": ("calm_retries", without(shrunk("calm_retries", baseline_s=15), "throughput")),
    "oversell": ("calm", without(shrunk("calm", baseline_s=15), "throughput")),
}
LOST = {"no_failover": ("db_primary_lost", shrunk("db_primary_lost"))}
CAUGHT_BY = {"ack_before_commit": "orders_lost", "no_idempotency": "duplicated", "oversell": "oversold"}
UNSEEN = {  # bad shops that only monitoring, or a look at the others, can catch
    "alert_missing": ("noticed", shrunk("db_primary_lost")),
    "alert_slow": ("noticed", shrunk("storefront_replica_lost")),
    "missing_index": ("looking_back", without(shrunk("calm", baseline_s=15), "throughput")),
    "bystander_broken": ("blast_radius", shrunk("storefront_replica_lost")),
}
OUTAGE = ("still out", "was out", "outage", "no stretch")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("shop") / "project")
    yield made
    made.end()


@pytest.fixture(scope="module")
def landed(request: pytest.FixtureRequest, project: Project) -> Iterator[Ahead[Landed]]:
    jobs = {
        name: lambda name=name, text=text: believed(lambda: project.run(name, text).land()) for name, text in GOOD.items()
    }
    for defect, (_, text) in (BAD | LOST).items():
        jobs[defect] = lambda defect=defect, text=text: project.run(defect, text, "--defect", defect).land()
    with ahead(request, project, jobs, at_once=2) as flights:
        yield flights


@pytest.mark.alone
@pytest.mark.parametrize("defect", UNSEEN)
def test_a_shop_that_hides_its_trouble_is_caught(defect: str, project: Project) -> None:
    """Flown alone: others on the machine void this FAIL, and then the sentence must say so and stay."""
    objective, text = UNSEEN[defect]
    flown = believed(lambda: project.run(defect, text, "--defect", defect).land())
    wrong = {name: outcome for name, outcome in flown.outcomes.items() if outcome != "PASS"}
    if flown.disturbed:
        assert (flown.code, set(wrong)) == (12, {objective}), flown.out
    else:
        assert (flown.code, wrong) == (1, {objective: "FAIL"}), flown.out


@pytest.mark.parametrize("row", GOOD)
def test_the_good_shop_passes(row: str, landed: Ahead[Landed]) -> None:
    flown = landed[row]
    assert flown.code == 0, flown.out
    assert set(flown.outcomes.values()) == {"PASS"}


@pytest.mark.parametrize("row", BAD)
def test_a_bad_shop_is_caught_by_the_objective_that_is_to_catch_it(row: str, landed: Ahead[Landed]) -> None:
    flown = landed[row]
    failed = {name for name, outcome in flown.outcomes.items() if outcome == "FAIL"}
    assert (flown.code, failed) == (1, {CAUGHT_BY[row]}), flown.out
    examples = next(one["examples"] for one in flown.word["verdicts"] if one["objective"] == CAUGHT_BY[row])
    assert examples, "the verdict names what it found"


@pytest.mark.parametrize("row", LOST)
def test_a_shop_without_failover_fails_its_recovery_time_and_nothing_else(row: str, landed: Ahead[Landed]) -> None:
    """Others on the machine void this FAIL, and then the sentence must say so and stay: on Docker it is flown alone."""
    flown = landed[row]
    assert "Not by itself" in flown.because("rto"), flown.out
    if flown.disturbed:
        assert (flown.code, flown.outcomes["rto"]) == (12, "INCONCLUSIVE")
    else:
        assert (flown.code, flown.outcomes["rto"]) == (1, "FAIL"), flown.out
    others = {name: outcome for name, outcome in flown.outcomes.items() if name != "rto" and outcome != "PASS"}
    assert set(others.values()) <= {"INCONCLUSIVE"}, flown.out
    assert all(any(word in flown.because(name) for word in OUTAGE) for name in others), flown.out
