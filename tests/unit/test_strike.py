"""How a breakage by hand ends: the exit code of what is worst, and what it advises where it was not seen healed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import events, strike
from harness.byhand import one_break
from harness.errors import ControlError, SetupError
from harness.interrupts import InterruptedRun
from harness.mark import Standing
from harness.shop import Residence
from harness.stand import Stood
from harness.strike import Strike, Struck
from tests.fake_declaration import DECLARATION
from tests.unit.test_stand import Reached, settings

INTENDED = events.Intended(
    at_ns=0, step="s", fault="pause", held=True, target="orders_db:primary", instance="orders_db-1", typed="", undo=()
)
BITTEN, CLOSED = events.Bitten(at_ns=0, step="s"), events.Closed(at_ns=0, step="s")


def a_strike(folder: Path) -> Strike:
    """Give a breakage of a shop that stands."""
    plan = one_break(replace(DECLARATION, driver="process"), "pause", "orders_db:primary", 60.0, ("orders_db",))
    stood = Stood(
        folder=folder,
        residence=Residence(run="up1", driver="process", things=()),
        standing=Standing(shop="made:Up", defects=(), parts=(), url=""),
        secrets=(),
    )
    return Strike(plan, stood, settings(folder, Reached()))


@pytest.mark.parametrize(
    ("unbitten", "unhealed", "trouble", "code"),
    [
        ("", "", None, 0),
        ("nobody saw it", "", None, 12),
        ("", "still silent", None, 13),
        ("nobody saw it", "still silent", InterruptedRun("SIGINT"), 13),
        ("nobody saw it", "", InterruptedRun("SIGINT"), 130),
        ("", "", InterruptedRun("SIGTERM"), 143),
        ("", "", InterruptedRun("stop"), 11),
        ("nobody saw it", "", SetupError("the disk is full"), 10),
        ("", "", ControlError("the guardian died"), 12),
    ],
)
def test_the_worst_decides(unbitten: str, unhealed: str, trouble: BaseException | None, code: int) -> None:
    assert Struck(unbitten=unbitten, unhealed=unhealed, trouble=trouble).exit_code == code


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ((INTENDED, BITTEN, CLOSED), 0),
        ((INTENDED, BITTEN), 13),  # an impulse that the shop was not seen to get over: nobody says "not healed" of it
        ((INTENDED, CLOSED), 12),
        ((), 12),
    ],
)
def test_what_nobody_saw_healed_is_not(
    seen: tuple[events.Event, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Telling:
        def __init__(self, **how: Any) -> None:
            self.record = how["record"]

        def baseline(self, _: int) -> None:
            """Look at nothing."""

        def walk(self, _: int) -> None:
            """Tell what was to be seen."""
            for event in seen:
                self.record(event)

    monkeypatch.setattr(strike, "Nemesis", Telling)
    monkeypatch.setattr(strike, "deviations", lambda *_: ())
    assert a_strike(tmp_path).carry_out().exit_code == code


def test_what_it_advises_lets_the_shop_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`windtunnel heal` with the shop's name would remove it."""
    told: dict[str, Any] = {}

    def nemesis(**how: Any) -> None:
        told.update(how)
        raise ControlError("nothing is broken here")

    monkeypatch.setattr(strike, "Nemesis", nemesis)
    struck = a_strike(tmp_path).carry_out()
    assert str(struck.trouble) == "nothing is broken here"
    assert told["mend"] == "windtunnel heal"
