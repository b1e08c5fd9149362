"""The declaration of the reference shop."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.capabilities import Alerting, Answers, Crashable, Metered, Started
from harness.drivers import docker
from harness.errors import SetupError, UsageError
from harness.planned import Plan
from harness.shop import Shop, Site
from sut import shop as module
from sut.components.part import Part
from sut.declared import CLASSES
from sut.running import instances
from sut.shop import SECRETS, ReferenceShop

SHOP: Shop = ReferenceShop()
DECLARED = SHOP.declaration


def test_each_component_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for component in DECLARED.components:
        assert set(component.needs) <= seen
        seen.add(component.name)


def test_instances_have_the_names_by_which_they_are_known() -> None:
    database = DECLARED.component("orders_db")
    entry = DECLARED.component(DECLARED.entries[0])
    assert database is not None
    assert entry is not None
    assert instances(database) == ("orders_db-1", "orders_db-2")
    assert database.standbys == database.instances - 1
    assert instances(entry) == ("lb",)


@pytest.mark.parametrize("component", DECLARED.components, ids=lambda component: component.name)
def test_each_part_can_do_what_is_declared_of_it(component: object) -> None:
    declared = next(one for one in DECLARED.components if one is component)
    part: type[Part] = CLASSES[declared.name]
    assert Answers in declared.abilities
    assert hasattr(part, "answer_ms")
    assert hasattr(part, "metrics") == (Metered in declared.abilities)
    assert hasattr(part, "receiver") == (Alerting in declared.abilities)
    assert hasattr(part, "started") == (Started in declared.abilities)
    assert (Crashable in declared.abilities) <= (Started in declared.abilities)


def test_its_passwords_are_hidden_before_any_part_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that does not come up may quote them in its last log lines."""
    hidden, given = list[str](), list[str]()

    def making(_ground: object, _defects: object, tokens: list[str], *_: object) -> None:
        given.extend(tokens)
        assert hidden == tokens
        raise SetupError("it did not come up")

    monkeypatch.setattr(module, "demand_images", lambda *_: {})
    monkeypatch.setattr(module, "lay", lambda *_: None)
    monkeypatch.setattr(module, "_Making", making)
    monkeypatch.setattr(docker, "sweep", lambda *_: ())
    site = Site(id="run-7", folder=Path(), now_ns=lambda: 0, say=print, receive=str, hide=hidden.extend)
    plan = cast("Plan", SimpleNamespace(parts=(), proxied=(), added=()))
    with pytest.raises(SetupError, match="did not come up"):
        SHOP.start(plan, site)
    assert len(given) == len(SECRETS)


def test_a_defect_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="no_failover"):
        ReferenceShop(frozenset({"no_falover"}))
