"""Scenarios that tests fly shortened still bring the evidence that their objectives need: they plan."""

from pathlib import Path

import pytest

from harness.plan import plan
from harness.project import find
from harness.scenario import parse
from tests.acceptance import stage
from tests.acceptance.broken import HELD
from tests.acceptance.spoilt import INJECTORS, MENDERS
from tests.fake_shop import FakeShop
from tests.integration.flights import ROOT, shrunk

SMALL = ("calm_retries", "db_frozen", "db_primary_lost", "db_process_crash", "storefront_replica_lost")


@pytest.mark.parametrize("name", sorted({*HELD.values(), *INJECTORS.values(), *MENDERS.values()}))
def test_what_is_shortened_for_the_reference_shop_plans(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "SHORT", tmp_path)
    file = stage.shortened(name)
    assert plan(parse(file.read_text(encoding="utf-8"), name), find(ROOT).shop().declaration).objectives


@pytest.mark.parametrize("name", SMALL)
def test_what_is_shrunk_for_the_fake_shop_plans(name: str) -> None:
    text = shrunk(name, orders_per_s=20, products_per_s=5, baseline_s=65 if "calm" in name else 7)
    assert plan(parse(text, name), FakeShop().declaration).objectives
