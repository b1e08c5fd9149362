"""Signals: the first one interrupts, in time and once; the second leaves the healing to a guardian, where there is one."""

import os
import signal
from collections.abc import Iterator

import pytest

from harness.clock import MachineClock, Watch
from harness.interrupts import InterruptedRun, Interrupts

ONE = signal.SIGHUP


@pytest.fixture
def watch() -> Watch:
    return Watch(MachineClock())


@pytest.fixture
def interrupts(watch: Watch) -> Iterator[Interrupts]:
    with Interrupts(watch) as entered:
        yield entered


def test_a_signal_raises_in_the_next_wait(interrupts: Interrupts, watch: Watch) -> None:
    """Not at once, so that no act is torn from its record."""
    signal.raise_signal(ONE)
    with pytest.raises(InterruptedRun, match="SIGHUP"):
        watch.sleep(5)
    assert interrupts.caught == "SIGHUP"


def test_hurried_it_raises_at_once(interrupts: Interrupts) -> None:
    """Starting a shop has no waits of its own."""
    interrupts.hurry()
    with pytest.raises(InterruptedRun):
        signal.raise_signal(ONE)


def test_one_that_came_before_raises_when_hurried(interrupts: Interrupts) -> None:
    """Such as one that came while the guardian was starting: the shop need not be started first."""
    signal.raise_signal(ONE)
    with pytest.raises(InterruptedRun):
        interrupts.hurry()
    interrupts.hurry()  # once is enough


def test_calm_is_not_torn(interrupts: Interrupts, watch: Watch) -> None:
    """What heals already is not interrupted once more; the signal is remembered for the exit code."""
    interrupts.hurry()
    interrupts.calm()
    signal.raise_signal(ONE)
    watch.sleep(0.01)
    assert interrupts.caught == "SIGHUP"


def test_a_second_signal_ends_the_process_only_where_a_guardian_lives(
    interrupts: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one nobody would heal after us."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    interrupts.guarded = lambda: False
    signal.raise_signal(ONE)
    signal.raise_signal(ONE)
    assert codes == []
    interrupts.guarded = lambda: True
    signal.raise_signal(ONE)
    assert codes == [128 + ONE]
