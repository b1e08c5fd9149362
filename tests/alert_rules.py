"""What alerts must do at which second, as Prometheus's own tool tests it: those that no test with real parts makes fire."""

import json

from harness.model import Json
from sut.components.watched import Rule
from sut.declared import CLASSES

EVERY = "1s"
BUCKET = 'storefront_order_seconds_bucket{component="storefront",instance="storefront-1",le="0.2"}'
COUNT = 'storefront_order_seconds_count{component="storefront",instance="storefront-1"}'


def written(rules: str) -> str:
    """Give the tests of a file of rules for ``promtool``: balancer and names go after 10 s, orders are slow after 20 s."""
    down = {'up{component="lb",instance="lb"}': "1+0x10 0+0x20"}
    nameless = {'storefront_names_up{component="storefront",instance="storefront-1"}': "1+0x10 0+0x20"}
    one_in_ten = {BUCKET: "0+10x20 209+9x30", COUNT: "0+10x50"}
    one_in_fifty = {BUCKET: "0+10x20 209.8+9.8x30", COUNT: "0+10x50"}
    tests: list[Json] = [
        _test(down, "lb", "LbDown", silent_s=12, fires_s=16, instance="lb"),
        _test(one_in_ten, "storefront", "OrdersSlow", silent_s=24, fires_s=50),
        _test(one_in_fifty, "storefront", "OrdersSlow", silent_s=50),
        _test(nameless, "storefront", "NamesGone", silent_s=12, fires_s=16, instance="storefront-1"),
    ]
    return json.dumps({"rule_files": [rules], "evaluation_interval": EVERY, "tests": tests})


def _test(
    series: dict[str, str], component: str, name: str, *, silent_s: int, fires_s: int | None = None, **labels: str
) -> Json:
    """Give one test: counters as they are read each second, when the alert must be silent and when it must fire."""
    rule: Rule = next(one for one in CLASSES[component].rules if one.name == name)
    fired: Json = {
        "exp_labels": {"severity": rule.severity, "component": component, **labels},
        "exp_annotations": {"playbook": rule.playbook},
    }
    looks: list[Json] = [{"eval_time": f"{silent_s}s", "alertname": name, "exp_alerts": []}]
    if fires_s is not None:
        looks.append({"eval_time": f"{fires_s}s", "alertname": name, "exp_alerts": [fired]})
    told: list[Json] = [{"series": one, "values": values} for one, values in series.items()]
    return {"interval": EVERY, "input_series": told, "alert_rule_test": looks}
