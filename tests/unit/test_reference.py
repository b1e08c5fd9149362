"""docs/reference.md says what the code says."""

from pathlib import Path

from harness import registry
from harness.reference import reference

STORED = Path(__file__).parents[2] / "docs" / "reference.md"


def test_it_is_up_to_date() -> None:
    assert STORED.read_text(encoding="utf-8") == reference(), "type: python -m harness.reference > docs/reference.md"


def test_everything_on_the_shelves_is_in_it() -> None:
    text = reference()
    for shelf in registry.SHELVES:
        for kind in registry.kinds(shelf):
            assert f"`{kind}`" in text
