"""Bad shops under the eyes of their monitoring: what is missing there is missing, and shoppers are served all the same."""

from pathlib import Path

import pytest

from harness.capabilities import Answers, Killable, Metered
from harness.clock import pause
from harness.model import REFUSED
from tests.integration.watched_shop import alerted, evening, grown

pytestmark = [pytest.mark.docker, pytest.mark.slow]
DEFECTS = frozenset({"missing_index", "alert_missing", "bystander_broken"})


def test_the_bad_shops_show_what_they_are(tmp_path: Path) -> None:
    """Three defects at once: the index is missing, the alert is too, and the balancer is ill of others' illness."""
    with evening(tmp_path, defects=DEFECTS, wanted=("lb", "alertmanager")) as bad:
        begin_ns = bad.clock.now_ns()
        pause(20)
        found = bad.able("prometheus", Metered).metrics(begin_ns, bad.clock.now_ns())
        calls, seconds = (grown(found, name, "class", "log") for name in ("query_count", "query_sum_s"))
        print(f"log without its index: {calls:.0f} calls, {1000 * seconds / calls:.0f} ms")
        assert seconds / calls > 0.25
        tick = bad.tick
        assert tick is not None
        assert tick.refused + tick.unknown < 0.01 * tick.acknowledged, "orders go on"
        assert isinstance(bad.able("lb", Answers).answer_ms().value, float)

        since_ns = bad.act(bad.able("storefront-1", Killable).kill())
        bad.until(lambda: bad.able("lb", Answers).answer_ms().value == REFUSED, 10, "an ill balancer")
        alerted(bad, since_ns, "TargetMissing", component="storefront", instance="storefront-1")
        pause(5)
        assert bad.after_s(since_ns, "StorefrontDown") is None
        before = bad.tick
        pause(3)
        assert bad.tick is not None
        assert before is not None
        assert bad.tick.acknowledged > before.acknowledged, "shoppers are served all the same"
