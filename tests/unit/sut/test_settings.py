"""The parts' settings as text: what must stand in them, and what must not."""

import json
import re

import pytest

from harness.history import REFUSED, UNKNOWN
from sut.components import db_route, lb
from sut.components.orders_db import Passwords
from sut.components.patroni import Cluster, settings
from sut.shopper import OneCallShopper

NODES = {"orders_db-1": "198.18.7.11", "orders_db-2": "198.18.7.12"}
FRONTS = {"storefront-1": "198.18.7.14", "storefront-2": "198.18.7.15"}


GOOD_LB = lb.settings(FRONTS, 8080)


def cluster(*, failover: bool = True, synchronous: bool = True) -> Cluster:
    return Cluster(nodes=NODES, subnet="198.18.7.0/24", etcd="198.18.7.10:2379", failover=failover, synchronous=synchronous)


def test_only_the_founder_can_make_the_cluster_so_it_is_the_primary_at_first() -> None:
    assert "bootstrap" in json.loads(settings("orders_db-1", cluster()))
    assert "bootstrap" not in json.loads(settings("orders_db-2", cluster()))


def test_a_pair_that_waits_for_nobody_promotes_whoever_is_left() -> None:
    agreed = json.loads(settings("orders_db-1", cluster(synchronous=False)))["bootstrap"]["dcs"]
    assert agreed["synchronous_mode"] is False
    assert agreed["maximum_lag_on_failover"] > 1 << 30


def test_the_agreed_settings_lose_no_order_and_let_failover_happen() -> None:
    agreed = json.loads(settings("orders_db-1", cluster()))["bootstrap"]["dcs"]
    assert agreed["synchronous_mode"] is True
    assert agreed["failsafe_mode"] is True
    assert agreed["maximum_lag_on_failover"] > 0
    assert (agreed["ttl"], agreed["loop_wait"], agreed["retry_timeout"]) == (20, 2, 3)
    assert json.loads(settings("orders_db-2", cluster()))["postgresql"]["parameters"]["synchronous_commit"] == "on"


@pytest.mark.parametrize(("failover", "never"), [(True, [False, False]), (False, [False, True])])
def test_without_failover_only_the_standby_is_never_promoted(*, failover: bool, never: list[bool]) -> None:
    nodes = [json.loads(settings(name, cluster(failover=failover))) for name in NODES]
    assert [node["tags"]["nofailover"] for node in nodes] == never


def test_replication_is_let_in_from_the_run_s_network_and_from_the_node_itself() -> None:
    rules = json.loads(settings("orders_db-1", cluster()))["postgresql"]["pg_hba"]
    assert "host replication all 198.18.7.0/24 scram-sha-256" in rules
    assert "host replication all 127.0.0.1/32 scram-sha-256" in rules
    assert all(rule.endswith("scram-sha-256") for rule in rules)


def test_passwords_travel_by_the_environment_under_names_that_are_known_as_secret() -> None:
    passwords = Passwords(postgres="pw-a", replicator="pw-b", rewind="pw-c", shop="pw-d")
    secret = {value for key, value in passwords.environment().items() if "PASSWORD" in key}
    assert secret == {"pw-a", "pw-b", "pw-c"}


def test_the_route_asks_patroni_and_drops_sessions_of_a_node_that_is_no_longer_primary() -> None:
    text = db_route.settings(NODES)
    assert "option httpchk OPTIONS /primary" in text
    assert "inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions" in text
    assert "server orders_db-2 198.18.7.12:5432 check port 8008" in text
    assert "timeout connect 500ms" in text


def test_the_balancer_sends_an_order_twice_only_if_nothing_of_it_was_sent() -> None:
    text = GOOD_LB
    assert [line.split()[1:] for line in text.splitlines() if "retry-on" in line] == [["conn-failure"]]
    assert "server storefront-1 198.18.7.14:8080 check" in text
    assert "timeout connect 400ms" in text


def test_the_balancer_s_own_refusal_is_one_for_the_shopper_and_its_other_errors_are_not() -> None:
    said = re.findall(r"(?:http-error|http-request return) status (5\d\d) .* hdr Retry-After 1 string '(.*?)'", GOOD_LB)
    assert said == [("503", '{"refused":"no_storefront"}'), ("503", '{"refused":"busy"}')]
    shopper = OneCallShopper("run", 1)
    request = shopper.order(0, last_piece=False)
    for _, body in said:
        assert shopper.judge_order(request, 503, body.encode()).fate == REFUSED
    assert shopper.judge_order(request, 502, b"<html>").fate == UNKNOWN


def test_the_balancer_gives_browsing_less_room_than_orders_and_a_shop_that_sheds_nobody_has_room_for_all() -> None:
    room = [int(most) for most in re.findall(r"server storefront-\d .* maxconn (\d+)", GOOD_LB)]
    assert room == [128, 128, 64, 64]
    (shed,) = re.findall(r"return status 503 .* if (.*)", GOOD_LB)
    assert (
        shed
        == "!browses { queue(ordering) ge 256 } || browses { queue(browsing) ge 256 } || browses { queue(ordering) ge 32 }"
    )
    bad = lb.settings(FRONTS, 8080, {"no_shedding"})
    assert "queue(" not in bad
    assert not re.search(r"server .* maxconn", bad)


def test_both_haproxies_answer_for_themselves_on_a_port_of_their_own() -> None:
    for text in (GOOD_LB, db_route.settings(NODES)):
        own = text[text.index("frontend itself") : text.index("\n\n", text.index("frontend itself"))].splitlines()
        words = {line.strip() for line in own}
        assert {"mode http", "bind :8404", "monitor-uri /health"} <= words
        assert "http-request use-service prometheus-exporter if { path /metrics }" in words
        assert not any(line.startswith("monitor fail") for line in words)


def test_a_broken_bystander_is_ill_when_one_storefront_is_missing() -> None:
    good, bad = GOOD_LB.splitlines(), lb.settings(FRONTS, 8080, {"bystander_broken"}).splitlines()
    assert [line.strip() for line in bad if line not in good] == ["monitor fail if { nbsrv(ordering) lt 2 }"]
    assert [line for line in good if line not in bad] == []
