"""The faults of edges: each sees its own symptom, and no other's."""

from collections.abc import Mapping

import pytest

from harness import registry
from harness.errors import ScenarioError
from harness.model import REFUSED, SILENT, Fault, Json, Reading
from harness.scenario import Entry

BEFORE = [Reading(at_ns=n, value=1.0 + n) for n in range(5)]
SYMPTOMS: Mapping[str, str | float] = {
    "edge_status": "status 503",
    "wrong_body": "wrong",
    "stale_body": "stale",
    "truncate": "truncated",
    "slow_first_byte": 2000.0,
}


def made(kind: str, **params: Json) -> Fault:
    fault: Fault = registry.make("faults", Entry(id=kind, kind=kind, params={"target": "cdn_a", **params}), "x.toml", "here")
    return fault


@pytest.mark.parametrize("kind", SYMPTOMS)
def test_each_sees_its_own_symptom_and_no_other_s(kind: str) -> None:
    bitten = {other for other, value in SYMPTOMS.items() if made(kind).bitten(BEFORE, Reading(at_ns=9, value=value))}
    assert bitten == {kind}
    for well in (1.0, 400.0, "status 500", REFUSED):
        assert made(kind).bitten(BEFORE, Reading(at_ns=9, value=well)) is False


def test_a_wait_longer_than_the_witness_s_is_one_too_but_no_silence_is_a_wrong_answer() -> None:
    silent = Reading(at_ns=9, value=SILENT)
    assert [kind for kind in SYMPTOMS if made(kind).bitten(BEFORE, silent)] == ["slow_first_byte"]


def test_slow_is_measured_against_the_slowest_before() -> None:
    slow, before = made("slow_first_byte", ms=400), [*BEFORE, Reading(at_ns=8, value=300.0)]
    assert slow.bitten(before, Reading(at_ns=9, value=499.0)) is False
    assert slow.bitten(before, Reading(at_ns=9, value=501.0)) is True


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("edge_status", {"status": 200}),
        ("edge_status", {"status": 600}),
        ("truncate", {"after_bytes": 0}),
        ("truncate", {"after_bytes": 5000}),
        ("slow_first_byte", {"ms": 1}),
        ("slow_first_byte", {"ms": 60_000}),
    ],
)
def test_what_could_not_be_seen_to_bite_is_refused(kind: str, params: Mapping[str, Json]) -> None:
    with pytest.raises(ScenarioError):
        made(kind, **params)
