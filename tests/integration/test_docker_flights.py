"""Whole flights on Docker, the fast proof of the acceptance: each answer that matters most, once, in some eight minutes.

The rows are those of ``tests.acceptance``; each asserts the engine's own event of what was done to the run's container, or
that there was none where the act did nothing. Those whose answer hangs on time, or on what a witness sees, fly alone.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.broken import both, dies_at
from tests.acceptance.flight import NotAsRequired
from tests.acceptance.promised import bad, good
from tests.acceptance.spoilt import no_injector, no_mender
from tests.acceptance.stage import Stage, disturbed, shortened, verdicts

pytestmark = pytest.mark.docker
HURRIED_HEAL_S = 10


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def told(fly: Callable[[], str], stage: Stage) -> None:
    """Fly, and give a machine that others use too much to tell one more try; only what is required will do."""
    try:
        print(fly())
    except NotAsRequired as unlike:
        if not disturbed(verdicts(stage.flights[-1].folder)):
            raise
        print(f"once more, since others used the machine: {unlike}")
        try:
            print(fly())
        except NotAsRequired as again:
            raise NotAsRequired(f"twice, on a machine that others may have used too much to tell: {again}") from again


@pytest.mark.alone
def test_the_good_shop_survives_the_loss_of_its_primary(stage: Stage) -> None:
    """The loss is held for longer than a failover takes."""
    told(lambda: good(shortened("db_primary_lost", hold_s=38, rto_s=32), stage), stage)


@pytest.mark.alone
def test_a_shop_without_failover_fails(stage: Stage) -> None:
    """It is never back, so the budget may be short."""
    told(lambda: bad("no_failover", shortened("db_primary_lost", hold_s=24, rto_s=15), stage), stage)


@pytest.mark.alone
def test_a_shop_that_acknowledges_before_it_commits_loses_orders(stage: Stage) -> None:
    print(bad("ack_before_commit", shortened("db_process_crash"), stage))


@pytest.mark.alone
def test_a_kill_that_does_nothing_proves_nothing(stage: Stage) -> None:
    print(no_injector("kill", stage))


def test_a_thaw_that_does_nothing_is_dirty_until_it_is_healed(stage: Stage) -> None:
    print(no_mender("unpause", stage, heal_s=HURRIED_HEAL_S))


@pytest.mark.alone
def test_the_guardian_mends_when_the_harness_dies_right_after_the_act(stage: Stage) -> None:
    print(dies_at("acted", "db_primary_lost", stage))


def test_heal_mends_when_harness_and_guardian_die_together(stage: Stage) -> None:
    print(both("pause", stage))
