"""Heal and down do all of their work: where nobody can read of it, and by whatever name a run is given to them."""

import os
from pathlib import Path

import click
import pytest

from harness import care, mark
from harness.drivers import process
from harness.errors import SetupError
from harness.project import Project
from harness.store import UNDO
from harness.undo import still_open
from tests.unit.commands.test_shop import freeze, project, stands, state, typed

__all__ = ["project"]  # the fixture


@pytest.mark.parametrize("command", [("heal",), ("heal", "up1", "up2"), ("down", "up1")])
def test_what_nobody_can_read_hinders_no_mending(
    command: tuple[str, ...], project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reader has hung up, or the disk behind it is full."""

    def refuse(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, os.strerror(32))

    shops = [stands(project, name) for name in ("up1", "up2")]
    for folder in shops:
        freeze(folder)
    monkeypatch.setattr(click, "echo", refuse)
    assert typed(monkeypatch, *command) == 0
    for folder in shops[: 1 if command[0] == "down" else 2]:
        assert still_open(folder / UNDO) == ()
        assert mark.is_set(folder) == (command == ("heal",))
        assert not mark.is_set(folder) or state(folder) == "running"


@pytest.mark.parametrize("name", ["reports/runs/up1/", "./reports/runs/up1", "{}/reports/runs/up1", "up1/", "./link"])
def test_a_run_is_healed_by_any_path_to_it(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stands(project, "up1")
    Path("link").symlink_to(folder)
    assert typed(monkeypatch, "heal", name.format(project.root)) == 0
    assert "up1: removed" in capsys.readouterr().out
    assert process.labelled(folder) == ()


def test_a_path_to_no_run_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "heal", "./nowhere/up1") == 2
    assert "up1: there is no such run" in capsys.readouterr().err


@pytest.mark.parametrize(("named", "again"), [((), "windtunnel heal"), (("up1",), "windtunnel heal up1")])
def test_what_could_not_be_healed_is_tried_again_as_it_was_typed(
    named: tuple[str, ...],
    again: str,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The name of a shop that stands would remove it."""

    def refuse(*_: object, **__: object) -> None:
        raise SetupError("held by a living process")

    freeze(stands(project, "up1"))
    monkeypatch.setattr(care, "mend", refuse)
    assert typed(monkeypatch, "heal", *named) == 13
    assert capsys.readouterr().err == f"up1: held by a living process; `{again}` tries again\n"
