"""Shelves: the file name is the kind, and whatever is written under it is checked."""

from pathlib import Path

import pytest

from harness import faults, registry
from harness.checkers.orders_lost import OrdersLost
from harness.errors import ScenarioError
from harness.faults.kill import Kill
from harness.model import Json, Target
from harness.scenario import Entry


def entry(kind: str, **params: Json) -> Entry:
    return Entry(id=kind, kind=kind, params=params)


def test_the_shelves_are_their_files() -> None:
    files = {path.stem for path in Path(faults.__path__[0]).glob("[a-z]*.py")}
    assert {"crash", "kill", "loss"} <= set(registry.kinds("faults")) == files
    assert {"foreign_cpu", "redundancy", "role"} <= set(registry.kinds("probes"))
    assert not [kind for shelf in registry.SHELVES for kind in registry.kinds(shelf) if kind.startswith("_")]


def test_a_kind_is_its_class() -> None:
    assert registry.cls("checkers", "orders_lost") is OrdersLost
    with pytest.raises(KeyError, match="orders_last"):
        registry.cls("checkers", "orders_last")


def test_an_entry_becomes_an_object_with_its_parameters() -> None:
    made = registry.make("faults", entry("kill", target="orders_db:primary"), "x.toml", "steps[1].kill")
    assert made == Kill(target=Target(component="orders_db", role="primary"))
    assert registry.make("checkers", entry("orders_lost", max=3), "x.toml", "objectives.orders_lost") == OrdersLost(max=3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (entry("kil", target="lb"), "x.toml: here: 'kil' is none of the faults; did you mean 'kill'?"),
        (entry("zap"), f"x.toml: here: 'zap' is none of the faults; known: {', '.join(registry.kinds('faults'))}"),
        (entry("kill", taget="lb"), "x.toml: here.taget: unknown key; did you mean 'target'?"),
        (entry("kill"), "x.toml: here: Object missing required field `target`"),
        (entry("kill", target="Orders DB"), "x.toml: here: 'Orders DB' is no target; write component, component:role"),
        (entry("kill", target=3), "x.toml: here: expected a target as text, found 3"),
    ],
)
def test_what_is_wrong_is_named(wrong: Entry, message: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        registry.make("faults", wrong, "x.toml", "here")
    assert str(raised.value).startswith(message)
