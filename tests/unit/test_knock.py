"""Knocks where nobody lives: what counts as an answer, what as none, on this machine alone."""

import errno
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sut.services import knock as module
from sut.services.knock import MOST, knock


def test_the_other_end_itself_says_no() -> None:
    took_ms = knock("127.0.0.1", 100, 0.5)
    assert len(took_ms) == 100
    assert all(ms is not None and 0 <= ms < 500 for ms in took_ms)


def test_somebody_who_lives_there_answers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        monkeypatch.setattr(module, "NOBODY", somebody.getsockname()[1])
        assert None not in knock("127.0.0.1", 5, 0.5)


def test_no_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that is full answers no SYN."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        monkeypatch.setattr(module, "NOBODY", full.getsockname()[1])
        took_ms = knock("127.0.0.1", 10, 0.3)
    assert took_ms[-1] is None


def test_that_there_is_no_way_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said by this machine's own kernel, at once or later."""
    with pytest.raises(OSError, match="nreachable"):
        knock("255.255.255.255", 1, 0.3)
    monkeypatch.setattr(module, "ANSWERS", (errno.EINPROGRESS,))
    assert knock("127.0.0.1", 3, 0.3) == [None] * 3


def test_there_is_a_bound() -> None:
    assert len(knock("127.0.0.1", 10 * MOST, 0.5)) == MOST


def test_as_a_program_it_prints_the_same() -> None:
    """Without site packages, from its text alone: that is how a part of the shop runs it."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    command = [sys.executable, "-I", "-S", "-c", text, "127.0.0.1", "5", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    assert len(json.loads(done.stdout)) == 5
