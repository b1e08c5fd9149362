"""What monitoring is told, as text: whom it asks, which alerts it raises, to whom it tells them."""

import json
import re
from typing import Any

import pytest

from harness.declaration import Component
from harness.errors import ControlError
from sut.components import alertmanager, orders_db, prometheus
from sut.components.alertmanager import Alertmanager
from sut.components.lb import Lb
from sut.components.prometheus import Prometheus, Watch, Watched
from sut.components.storefront import Storefront
from sut.components.watched import WATCHDOG, Rule, Scrape, down
from sut.declared import CLASSES, COMPONENTS

WATCHED = (
    Watched(component="storefront", instance="storefront-1", address="198.18.7.14", scrape=Storefront.scrape),
    Watched(component="lb", instance="lb", address="198.18.7.16", scrape=Lb.scrape),
)
DECLARED = {name: part.rules for name, part in CLASSES.items()}


def watch(*defects: str, to: str | None = "198.18.7.18:9093") -> Watch:
    return Watch(watched=WATCHED, declared=DECLARED, alertmanager=to, defects=defects)


def written(*defects: str) -> dict[str, Any]:
    (group,) = json.loads(prometheus.rules(watch(*defects)))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_each_instance_is_asked_at_its_address_and_known_by_its_name() -> None:
    jobs = json.loads(prometheus.settings(watch()))["scrape_configs"]
    assert [job["static_configs"] for job in jobs] == [
        [{"targets": ["198.18.7.14:8080"], "labels": {"component": "storefront", "instance": "storefront-1"}}],
        [{"targets": ["198.18.7.16:8404"], "labels": {"component": "lb", "instance": "lb"}}],
    ]


def test_a_frozen_part_is_missed_before_it_is_asked_again() -> None:
    times = json.loads(prometheus.settings(watch()))["global"]
    assert times == {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "800ms"}


def test_without_alertmanager_nobody_is_told() -> None:
    assert "alerting" not in json.loads(prometheus.settings(watch(to=None)))
    told = json.loads(prometheus.settings(watch()))["alerting"]
    assert told == {"alertmanagers": [{"static_configs": [{"targets": ["198.18.7.18:9093"]}]}]}


def test_what_rules_ask_for_is_kept() -> None:
    kept = "|".join(part.scrape.keep for part in CLASSES.values() if part.scrape)
    for rule in (rule for rules in DECLARED.values() for rule in rules):
        for metric in re.findall(r"\b(?:up|[a-z]+_[a-z_]+)\b(?=[\[{ )])", re.sub(r'"[^"]*"', '""', rule.expr)):
            assert metric == "up" or re.fullmatch(kept, metric), f"{rule.name} asks for {metric}"
    for selector in prometheus._CALLS.values():
        assert re.fullmatch(kept, selector.partition("{")[0])


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_what_is_declared_is_written_with_the_labels_by_which_it_is_known(component: Component) -> None:
    """Whatever else the condition's series are labelled with is dropped: addresses, names of jobs."""
    rules = written()
    for alert, rule in zip(component.alerts, CLASSES[component.name].rules, strict=True):
        made = rules[alert.name]
        assert made["labels"]["severity"] == alert.severity
        assert made["annotations"] == {"playbook": alert.playbook}
        if "component" not in rule.by:
            assert made["labels"]["component"] == component.name
        assert made["expr"] == f"max by ({', '.join(rule.by)}) ({rule.expr})"
        assert made["for"] == f"{rule.for_s}s"


def test_names_are_unique_and_faults_that_everybody_fears_have_an_alert() -> None:
    names = [rule.name for rules in DECLARED.values() for rule in rules]
    assert len(names) == len(set(names))
    assert {"OrdersDbNoPrimary", "OrdersDbRestarted", "StorefrontDown", "TargetMissing", "Watchdog"} <= set(names)


def test_the_window_is_the_range_and_the_time_it_must_last() -> None:
    rule = Rule(name="A", severity="page", playbook="", expr="x[10s] > changes((y > 0)[25s:1s])", for_s=7)
    assert rule.alert.window_s == 33
    assert down("B", "lb", severity="page", playbook="").alert.window_s == 4


def test_the_defects_spoil_alerts_and_never_the_watchdog() -> None:
    good = written()
    for defect, missing in prometheus.MISSING.items():
        assert good.keys() - written(defect).keys() == missing
    slow = written("alert_slow")
    assert slow.keys() == good.keys()
    assert {rule["for"] for name, rule in slow.items() if name != WATCHDOG.name} == {"10m"}
    assert slow[WATCHDOG.name] == good[WATCHDOG.name] == written("alert_missing")[WATCHDOG.name]


def test_alerts_are_told_at_once_and_the_watchdog_again_and_again() -> None:
    url = "http://198.18.7.1:40001/alerts"
    told = json.loads(alertmanager.settings(url))
    route, (watchdog,) = told["route"], told["route"]["routes"]
    assert (route["group_by"], route["group_wait"], route["group_interval"]) == (["..."], "0s", "1s")
    assert (watchdog["matchers"], watchdog["repeat_interval"]) == (['alertname = "Watchdog"'], "3s")
    assert told["receivers"] == [{"name": url, "webhook_configs": [{"url": url, "send_resolved": True}]}]


class Asked:
    """Stands for a part that answers HTTP; ``answers``: path → status and body."""

    instance = "it"
    address = "198.18.7.9"
    _watched = (*WATCHED, Watched(component="alertmanager", instance="am", address="", scrape=Scrape(port=1, keep="")))

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, bytes]]) -> None:
        for module in (prometheus, alertmanager):
            monkeypatch.setattr(module, "http_get", lambda _address, _port, path, _deadline: answers[path.partition("?")[0]])

    def deadline(self) -> None:
        """Give none."""

    _answering = Prometheus._answering
    _listed = Alertmanager._listed


def up(*instances: str) -> bytes:
    return json.dumps({"data": {"result": [{"metric": {"instance": name}} for name in instances]}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [
        (503, b"", "503"),
        (200, up("lb"), "storefront-1"),
        (200, up(), "storefront-1, lb"),
        (200, up("lb", "storefront-1"), None),
    ],
)
def test_prometheus_is_ready_when_all_that_ran_before_it_answer(
    status: int, body: bytes, seen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    part: Any = Asked(monkeypatch, {"/-/ready": (status, b"not yet"), "/api/v1/query": (200, body)})
    said = Prometheus.not_ready(part)
    assert said is None if seen is None else seen in (said or "")


def test_an_answer_that_is_none_is_no_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    part: Any = Asked(monkeypatch, {"/-/ready": (200, b""), "/api/v1/query": (200, b'{"status":"error"}')})
    with pytest.raises(ValueError, match="no answer to a query"):
        Prometheus.not_ready(part)


@pytest.mark.parametrize(
    ("names", "ready"), [((), False), (("Watchdog",), True), (("LbDown", "Watchdog"), False), (("LbDown",), False)]
)
def test_alertmanager_is_ready_when_the_watchdog_has_come_in_and_nothing_else(
    names: tuple[str, ...], *, ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    firing = json.dumps([{"labels": {"alertname": name}} for name in names]).encode()
    part: Any = Asked(monkeypatch, {"/-/ready": (200, b""), "/api/v2/alerts": (200, firing)})
    assert (Alertmanager.not_ready(part) is None) == ready


def test_the_receiver_is_told_by_alertmanager_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    part: Any = Asked(monkeypatch, {"/api/v2/receivers": (200, b'[{"name":"http://198.18.7.1:1/alerts"}]')})
    assert Alertmanager.receiver(part) == "http://198.18.7.1:1/alerts"
    for body in (b"[]", b'[{"name":"a"},{"name":"b"}]', b"{}", b"?"):
        part = Asked(monkeypatch, {"/api/v2/receivers": (200, body)})
        with pytest.raises(ControlError, match="it did not say to whom"):
            Alertmanager.receiver(part)


class Node:
    """Stands for a node of the database; ``rows``: its statistics."""

    _cluster = type("Cluster", (), {"nodes": {"orders_db-1": "a1", "orders_db-2": "a2"}})
    _passwords = type("Passwords", (), {"postgres": "pw"})

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, ...]] | OSError, primary: str | None) -> None:
        def query(way_in: str, *_: object) -> list[tuple[str, ...]]:
            self.asked = way_in
            if isinstance(rows, OSError):
                raise rows
            return rows

        monkeypatch.setattr(orders_db, "query", query)
        self._primary, self.asked = primary, ""

    def holder(self, _: str) -> str | None:
        """Name the primary."""
        return self._primary

    def roles(self) -> dict[str, str]:
        """Give none."""
        return {}

    def deadline(self, _: float) -> None:
        """Give none."""


def test_the_primary_s_own_statistics_are_a_cross_check_by_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    node: Any = Node(monkeypatch, [("log", "40", "0.0005"), ("order", "7", "0.01")], "orders_db-2")
    found = orders_db.OrdersDb.metrics(node, 1, 9)
    assert "host=a2 " in node.asked
    assert [(one.name, one.on, dict(one.labels), one.times_ns, one.values) for one in found] == [
        ("statement_count", "orders_db-2", {"statement": "log"}, (9,), (40.0,)),
        ("statement_mean_s", "orders_db-2", {"statement": "log"}, (9,), (0.0005,)),
        ("statement_count", "orders_db-2", {"statement": "order"}, (9,), (7.0,)),
        ("statement_mean_s", "orders_db-2", {"statement": "order"}, (9,), (0.01,)),
    ]


@pytest.mark.parametrize(
    ("rows", "primary", "why"),
    [
        ([], None, "no node is the primary"),
        (TimeoutError("the deadline has passed"), "orders_db-1", "the deadline has passed"),
        ([("log", "many", "1")], "orders_db-1", "many"),
    ],
)
def test_statistics_that_cannot_be_had_are_an_error(
    rows: list[tuple[str, ...]] | OSError, primary: str | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = Node(monkeypatch, rows, primary)
    with pytest.raises(ControlError, match=why):
        orders_db.OrdersDb.metrics(node, 1, 9)
