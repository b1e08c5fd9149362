"""docs/faults.md says what the code says, and its examples are steps that can be planned."""

from pathlib import Path

import pytest

from harness import registry
from harness.faultbook import example, faultbook
from harness.plan import plan
from harness.scenario import parse
from sut.shop import ReferenceShop

STORED = Path(__file__).parents[2] / "docs" / "faults.md"
AROUND = """
format = 1
hypothesis = "The example can be planned."
blast_radius = [{parts}]
load = {{ arrivals = {{ orders_per_s = 10 }}, warm_up_s = 0, baseline_s = 30 }}
objectives = {{ orders_lost = {{ max = 0 }} }}
{step}
"""


def test_it_is_up_to_date() -> None:
    assert STORED.read_text(encoding="utf-8") == faultbook(), "type: python -m harness.faultbook > docs/faults.md"


@pytest.mark.parametrize("kind", registry.kinds("faults"))
def test_it_tells_of_every_fault_what_people_need(kind: str) -> None:
    (part,) = (part for part in faultbook().split("\n## ") if part.startswith(f"{kind}\n"))
    for word in ("| parameter | unit |", "[[steps]]", "Undo: ", "Witness: "):
        assert word in part, f"{kind} lacks {word}"


@pytest.mark.parametrize("kind", registry.kinds("faults"))
def test_its_example_can_be_planned(kind: str) -> None:
    declaration = ReferenceShop().declaration
    parts = ", ".join(f'"{part.name}"' for part in declaration.components)
    made = plan(parse(AROUND.format(parts=parts, step=example(kind).step), "example.toml"), declaration)
    assert [step.kind for step in made.steps] == [kind]


def test_a_fault_without_an_example_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.cls("faults", "cut"), "__doc__", "It cuts. ``way``: which way.")
    with pytest.raises(ValueError, match="cut: its doc string must begin with"):
        example("cut")
