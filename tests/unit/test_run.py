"""A run whose shop does not come up: nothing is left of it, and its secrets stand nowhere."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from harness.errors import SetupError
from harness.guardian import Guardian
from harness.planned import Plan
from harness.run import Flight
from harness.settings import Settings
from harness.shop import Shop, Site
from harness.store import JOURNAL
from tests.fake_declaration import DECLARATION
from tests.fake_runs import a_plan


class TimeUp(BaseException):
    """What a time limit raises."""


SECRET = "s3cret-of-the-run"


class Failing:
    """A shop whose first part quotes its password, and gives up."""

    def start(self, plan: Plan, site: Site) -> None:  # noqa: ARG002 -- as the protocol
        """Do not start."""
        site.hide((SECRET,))
        site.say(f"connecting as shop:{SECRET}")
        raise SetupError(f"orders_db-1 was not ready. Its last log lines:\n    no way in for shop:{SECRET}")


def flown(folder: Path, say: Callable[[str], None]) -> None:
    made = replace(a_plan(), declaration=replace(DECLARATION, driver="process"))
    settings = Settings(
        shop=cast("Shop", Failing()),
        shop_name="made:Failing",
        project=folder,
        out=folder,
        run="run1",
        command="windtunnel run",
        show=lambda _: None,
        say=say,
    )
    Flight(made, settings).fly()


def test_what_ends_us_while_we_clear_away_leaves_that_to_the_guardian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit may raise at any moment; nobody must be left who waits for a run that has ended."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    guardians = list[Guardian]()

    def ended(flight: Flight) -> None:
        guardians.append(flight._guardian)
        flight._record.seal(0)
        raise TimeUp

    monkeypatch.setattr(Flight, "_clear_away", ended)
    with pytest.raises(TimeUp):
        flown(tmp_path, lambda _: None)
    (one,) = guardians
    assert one._child.wait(30) == 0
    one.dismiss()


def test_a_shop_that_does_not_come_up_tells_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what it says on the way, nor the error, nor the journal, which keeps the error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = list[str]()
    with pytest.raises(SetupError, match=r"no way in for shop:\*\*\*") as raised:
        flown(tmp_path, told.append)
    said = [*told, str(raised.value), *(path.read_text() for path in (tmp_path / "run1").rglob("*") if path.is_file())]
    assert "connecting as shop:***" in told
    assert "no way in for shop:***" in (tmp_path / "run1" / JOURNAL).read_text()
    assert not [text for text in said if SECRET in text]
