"""How a breakage by hand ends: the exit code of what is worst."""

import pytest

from harness.errors import ControlError, SetupError
from harness.interrupts import InterruptedRun
from harness.strike import Struck


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
