"""Whole runs with shoppers that have a browser: the good shop passes, each bad one is caught by what is meant to."""

from collections.abc import Iterator

import pytest

from tests.fake_shop import BROWSING
from tests.integration.ahead import Ahead, ahead, believed
from tests.integration.flights import Landed, Project

pytestmark = pytest.mark.slow
TEXT = """
format = 1
hypothesis = "Shoppers with a browser find what they look for, and get what they buy."
seed = 5
[load]
arrivals = { orders_per_s = 20 }
sessions = { per_s = 5, pages = 3, checkout_ratio = 0.6, think_s = 0.3 }
warm_up_s = 1
baseline_s = 12
[objectives]
orders_lost = {}
duplicated = {}
ghosts = {}
oversold = {}
wrongly_charged = {}
failed_sessions = { sessions = 50 }
wrong_bytes = {}
carts_lost = {}
wrong_identity = {}
first_page = { p95_max_ms = 2000 }
"""
GOOD = {"browsing": TEXT}


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
    jobs |= {defect: lambda name=defect, text=TEXT: project.run(name, text, "--defect", name).land() for defect in BROWSING}
    with ahead(request, project, jobs, at_once=2) as flights:
        yield flights


@pytest.mark.parametrize("row", GOOD)
def test_the_good_shop_passes(row: str, landed: Ahead[Landed]) -> None:
    flown = landed[row]
    assert flown.code == 0, flown.out
    assert flown.folder is not None
    assert (flown.folder / "sessions.jsonl").stat().st_size > 10_000


@pytest.mark.parametrize("row", BROWSING)
def test_a_bad_shop_is_caught_by_the_objective_that_is_to_catch_it(row: str, landed: Ahead[Landed]) -> None:
    """Its sessions fail too, as they must; nothing else is blamed."""
    flown = landed[row]
    failed = {name for name, outcome in flown.outcomes.items() if outcome == "FAIL"}
    assert (flown.code, failed - {"first_page"}) == (1, {BROWSING[row], "failed_sessions"}), flown.out
    examples = next(one["examples"] for one in flown.word["verdicts"] if one["objective"] == BROWSING[row])
    assert examples, "the verdict names what it found"
