"""Prometheus: asks every part for its counters once a second, keeps the samples, raises the alerts that parts declare."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final
from urllib.parse import quote

from harness.clock import MachineClock
from harness.drivers.prometheus import Samples, samples
from harness.model import Json, Reading, Series, noun
from sut.components.ask import healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import INTERVAL_S, TICKET, WATCHDOG, Rule, Scrape

PORT = 9090
ALERTMANAGER = "alertmanager"
_FOLDER = "/etc/prometheus"
SETTINGS, RULES = f"{_FOLDER}/windtunnel.json", f"{_FOLDER}/windtunnel-rules.json"  # YAML, of which JSON is a part
_CALLS: Mapping[str, str] = {
    "query_count": "storefront_db_call_seconds_count",
    "query_sum_s": "storefront_db_call_seconds_sum",
    "query_fast": 'storefront_db_call_seconds_bucket{le="0.2"}',
    "log_bytes": "patroni_xlog_location",  # of the primary; on a standby it stands at 0
}
# By defect, what was never written: what tells of a lost node or storefront, or of a standby that nobody waits for.
MISSING: Final = {
    "alert_missing": frozenset({"OrdersDbNoPrimary", "OrdersDbNodeDown", "OrdersDbRestarted", "StorefrontDown"}),
    "async_replication": frozenset({"OrdersDbNoStandby"}),
}
_NEVER_IN_TIME = "10m"  # defect alert_slow


@noun
class Watched:
    """One instance of a component, and where it tells its counters."""

    component: str
    instance: str
    address: str
    scrape: Scrape


@noun
class Watch:
    """What Prometheus is told of the shop: whom to ask, the rules by the component that declares them.

    ``alertmanager`` is where alerts are sent (``address:port``); None: nowhere. ``defects`` are switches of bad shops.
    """

    watched: Sequence[Watched]
    declared: Mapping[str, Sequence[Rule]]
    alertmanager: str | None
    defects: Collection[str] = ()


def settings(watch: Watch) -> str:
    """Render the settings."""
    jobs: list[Json] = [
        {
            "job_name": one.instance,
            "static_configs": [
                {
                    "targets": [f"{one.address}:{one.scrape.port}"],
                    "labels": {"component": one.component, "instance": one.instance},
                }
            ],
            "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": one.scrape.keep, "action": "keep"}],
        }
        for one in watch.watched
    ]
    every = f"{INTERVAL_S}s"
    whole: dict[str, Json] = {
        # A frozen part keeps its connections: only a time-out below the interval tells that it does not answer.
        "global": {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": "800ms"},
        "rule_files": [RULES],
        "scrape_configs": jobs,
    }
    if watch.alertmanager is not None:
        whole["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [watch.alertmanager]}]}]}
    return json.dumps(whole, indent=2)


def rules(watch: Watch) -> str:
    """Render the rules. Some defects leave some out, ``alert_slow`` delays all but the one that always fires."""
    unwritten = {name for defect in watch.defects for name in MISSING.get(defect, ())}
    written = [
        _written(component, rule, slow="alert_slow" in watch.defects)
        for component, declared in watch.declared.items()
        for rule in declared
        if rule.name not in unwritten
    ]
    return json.dumps({"groups": [{"name": "windtunnel", "rules": written}]}, indent=2)


def _written(component: str, rule: Rule, *, slow: bool) -> Json:
    """Give a rule as Prometheus reads it, its labels brought down to those that say who is meant."""
    labels = {"severity": rule.severity} | ({} if "component" in rule.by else {"component": component})
    return {
        "alert": rule.name,
        "expr": f"max by ({', '.join(rule.by)}) ({rule.expr})",
        "for": _NEVER_IN_TIME if slow and rule is not WATCHDOG else f"{rule.for_s}s",
        "labels": labels,
        "annotations": {"playbook": rule.playbook},
    }


class Prometheus(Part):
    """The one Prometheus."""

    role = "prometheus"
    packages: ClassVar[tuple[str, ...]] = ("prometheus",)
    scrape: ClassVar[Scrape] = Scrape(
        port=PORT, keep="process_(cpu_seconds_total|resident_memory_bytes)|prometheus_notifications_(errors|dropped)_total"
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="TargetMissing",
            severity=TICKET,
            playbook="A part does not tell its counters, so alerts about it may not come: see whether it runs.",
            expr="up == 0",
            for_s=5,
            by=("component", "instance"),
        ),
        WATCHDOG,
    )

    def __init__(self, ground: Ground, instance: str, *, watch: Watch) -> None:
        self._watched = watch.watched
        data = "--storage.tsdb.path=/var/lib/prometheus/data"
        bounds = ["--storage.tsdb.retention.time=2h", "--storage.tsdb.retention.size=200MB"]
        command = ["prometheus", f"--config.file={SETTINGS}", f"--web.listen-address=:{PORT}", data, *bounds]
        # It says each alert again so often, and it is over four times as long after it was said for the last time.
        command += ["--rules.alert.resend-delay=1s", "--log.level=warn"]
        files = {SETTINGS: settings(watch), RULES: rules(watch)}
        super().__init__(ground, instance, command, memory="256m", files=files)
        self.with_envs(GOMEMLIMIT="200MiB", GOMAXPROCS="1")

    def not_ready(self) -> str | None:
        """Ready when every part that was started before it is asked, and answers."""
        status, body = http_get(self.address, PORT, "/-/ready", self.deadline())
        if status != 200:
            return f"GET /-/ready gave {status} {body[:100]!r}"
        answering = self._answering()
        silent = [one.instance for one in self._watched if one.instance not in answering and one.component != ALERTMANAGER]
        return f"no counters of {', '.join(silent)} yet" if silent else None

    def answer_ms(self) -> Reading:
        """Ask whether it works itself."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, PORT, "/-/healthy"))

    def metrics(self, begin_ns: int, end_ns: int) -> tuple[Series, ...]:
        """Give the storefronts' counters of database calls by class of statement, and what the nodes wrote into their logs.

        Raises ``ControlError``.
        """
        url, ahead_ns = f"http://{self.address}:{PORT}", MachineClock().wall_ns() - self.ground.now_ns()
        return tuple(
            _series(name, one)
            for name, selector in _CALLS.items()
            for one in samples(url, selector, begin_ns, end_ns, ahead_ns)
        )

    def _answering(self) -> set[str]:
        """Name the instances whose counters came at the last time. Raises ``OSError``, ``ValueError``."""
        _, body = http_get(self.address, PORT, f"/api/v1/query?query={quote('up == 1')}", self.deadline())
        try:
            return {one["metric"]["instance"] for one in json.loads(body)["data"]["result"]}
        except (KeyError, TypeError) as error:
            raise ValueError(f"no answer to a query: {body[:100]!r}") from error


def _series(name: str, raw: Samples) -> Series:
    return Series(
        name=name,
        on=raw.labels.get("instance", ""),
        labels={"class": raw.labels.get("class", "")},
        times_ns=raw.times_ns,
        values=raw.values,
    )
