"""What the witnesses of a spoilt link make of what they see, and which toxics nobody could see."""

from typing import Any

import pytest

from harness import registry
from harness.capabilities import Poisonable
from harness.errors import ScenarioError
from harness.model import REFUSED, SILENT, Break, Fault, Reading
from harness.scenario import Entry
from tests.examples import example, made

LINK = "storefront->db_route"
BEFORE = tuple(Reading(at_ns=n, value=value) for n, value in enumerate((4.0, 3.0, 90.0, 5.0, 4.0)))  # one look was unlucky
SEEN: dict[str, dict[float | str, bool | None]] = {
    "latency": {4.0: False, 150.0: False, 250.0: True, 304.0: True, 1100.0: True, SILENT: None, REFUSED: None},
    "bandwidth": {4.0: False, 200.0: False, 330.0: True, 405.0: True, SILENT: None, REFUSED: None},
    "slicer": {4.0: False, 100.0: False, 170.0: True, 400.0: True, SILENT: None, REFUSED: None},
    "limit_data": {4.0: False, 900.0: False, REFUSED: True, SILENT: None},
    "reset_peer": {4.0: False, 900.0: False, REFUSED: True, SILENT: None},
    "link_timeout": {4.0: False, 900.0: False, SILENT: True, REFUSED: None},
}
UNSEEABLE: dict[str, list[dict[str, float]]] = {
    "latency": [{"ms": 49}, {"ms": 1001}, {"ms": 300, "jitter_ms": 151}, {"ms": 300, "jitter_ms": -1}, {"ms": 300.5}],
    "bandwidth": [{"kb_per_s": 0}, {"kb_per_s": 2501}],
    "slicer": [
        {"piece_bytes": 0, "pause_us": 900},
        {"piece_bytes": 9, "pause_us": 499},
        {"piece_bytes": 9_999, "pause_us": 900},
    ],
    "limit_data": [{"after_bytes": 0}, {"after_bytes": 1_000_001}],
    "reset_peer": [{"after_ms": -1}, {"after_ms": 501}],
    "link_timeout": [{"closes_after_ms": -1}, {"closes_after_ms": 600_001}],
}


class Wire:
    """A power and a sense that say only how they were used."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def poison(self, *asked: object) -> Break:
        """Note it."""
        self.asked.append(asked)
        return Break(undo=(), act=lambda: None)

    def carried_ms(self, *asked: object) -> Reading:
        """Note it."""
        self.asked.append(asked)
        return Reading(at_ns=0, value=1.0)


def asked_for(kind: str, params: dict[str, float]) -> Fault:
    fault: Fault = registry.make(
        "faults", Entry(id=kind, kind=kind, params={"target": LINK, **params}), "made_up.toml", kind
    )
    return fault


def test_every_fault_of_a_link_as_a_whole_is_judged_here() -> None:
    kinds = {kind for kind in registry.kinds("faults") if registry.cls("faults", kind).needs is Poisonable}
    assert kinds == SEEN.keys() == UNSEEABLE.keys()


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, seen in SEEN.items() for value in seen])
def test_it_bites_only_as_it_was_asked_to(kind: str, value: float | str) -> None:
    """One that suffers in another way than this is not said to be bitten, nor to be well."""
    assert made(kind, LINK).bitten(BEFORE, Reading(at_ns=9, value=value)) is SEEN[kind][value]


def test_connections_that_are_to_be_closed_may_be_seen_closed() -> None:
    fault = asked_for("link_timeout", {"closes_after_ms": 500})
    assert fault.bitten(BEFORE, Reading(at_ns=9, value=REFUSED)) is True


@pytest.mark.parametrize("kind", SEEN)
def test_a_toxic_and_its_witness_are_about_the_same_link_and_the_examples_own_figures(kind: str) -> None:
    wire, fault = Wire(), made(kind, LINK)
    fault.prepare(wire)
    fault.look(wire)
    (peer, toxic, settings), (seen_peer, size_bytes) = wire.asked
    assert (peer, seen_peer, toxic) == ("db_route", "db_route", kind)
    figures = {name: value for name, value in example(kind).items() if name != "target"}
    assert isinstance(settings, dict)
    assert figures.items() <= settings.items()
    assert isinstance(size_bytes, int)
    assert 0 < size_bytes <= 1_000_000


@pytest.mark.parametrize(("kind", "params"), [(kind, params) for kind, many in UNSEEABLE.items() for params in many])
def test_what_no_witness_could_see_is_refused(kind: str, params: dict[str, float]) -> None:
    with pytest.raises(ScenarioError):
        asked_for(kind, params)
