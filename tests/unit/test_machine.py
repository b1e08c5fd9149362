"""Processes as /proc shows them, and commands with a limit."""

from pathlib import Path

import pytest

from harness.errors import SetupError
from harness.machine import Process, call, is_stale, must, process


def process_entry(proc: Path, pid: int, name: str, state_letter: str = "S", start: int = 77) -> None:
    (proc / str(pid)).mkdir(parents=True)
    numbers = " ".join(["0"] * 17)
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {state_letter} 1 {numbers} {start} 0 0\n")


@pytest.mark.parametrize(
    ("content", "stale"),
    [("41", False), ("42", True), ("43", True), ("44", True), ("", True), ("none", True)],
    ids=["alive", "a stranger", "a zombie", "nobody", "empty", "no number"],
)
def test_a_pid_file_is_stale_unless_its_engine_lives(tmp_path: Path, content: str, stale: bool) -> None:
    proc = tmp_path / "proc"
    process_entry(proc, 41, "dockerd")
    process_entry(proc, 42, "sshd (not dockerd)")
    process_entry(proc, 43, "dockerd", state_letter="Z")
    file = tmp_path / "engine.pid"
    file.write_text(content)
    assert is_stale(file, "dockerd", proc) is stale


def test_no_pid_file_is_not_stale(tmp_path: Path) -> None:
    assert is_stale(tmp_path / "engine.pid", "dockerd", tmp_path) is False


def test_a_process_is_read_past_odd_names(tmp_path: Path) -> None:
    process_entry(tmp_path, 41, "a) S 9 (b", start=4711)
    assert process(41, tmp_path) == Process(name="a) S 9 (b", parent=1, start=4711)


def test_a_missing_command_and_a_passed_limit_are_answers() -> None:
    assert call(["/nonexistent/command"], limit_s=5).returncode == 127
    late = call(["sleep", "60"], limit_s=0.05)
    assert (late.returncode, late.stdout) == (124, "no end within 0 s")


def test_a_failed_step_ends_with_its_last_words() -> None:
    with pytest.raises(SetupError, match=r"(?s)apt: `sh -c .*ended with 7.*E: gone.*make prepare"):
        must(["sh", "-c", "echo E: gone; exit 7"], limit_s=10, where="apt")
