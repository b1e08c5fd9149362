"""What cannot be run is refused with a message that helps: a cause, a next command, no traceback, nothing left behind."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from harness.events import Acted
from tests.acceptance.engine import things
from tests.acceptance.flight import Flight, must, windtunnel
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.stage import RUNS, SHORT, Stage, scenario, shortened

ENDS_WITHIN_S = 150.0
WRONG = {
    "typo_in_key": (r"^hold_s", "hold_sec", ("steps[1]", "hold_s")),
    "typo_in_kind": (r"^orders_lost", "orders_lots", ("objectives.orders_lots", "orders_lost")),
    "wrong_type": (r"^warm_up_s.*$", 'warm_up_s = "ten"', ("load", "warm_up_s")),
    "no_toml": (r"^\[load\]$", "[load", ("TOML",)),
    "unknown_target": ("orders_db:primary", "order_db:primary", ("steps[1].kill.target", "orders_db")),
    "unknown_role": ("orders_db:primary", "orders_db:leader", ("steps[1].kill.target", "orders_db:primary")),
}


def wrong_scenario(what: str, stage: Stage) -> str:
    """Type a scenario that is wrong in one place: the message names file and key, and nothing is started."""
    pattern, instead, named = WRONG[what]
    text, changes = re.subn(
        pattern, instead, scenario("db_primary_lost").read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    must(changes, f"the scenario has nothing like {pattern}")
    SHORT.mkdir(parents=True, exist_ok=True)
    file = SHORT / f"{what}.toml"
    file.write_text(text, encoding="utf-8")
    before = set(RUNS.glob("*"))
    said = [_refused(2, stage, command, str(file), named=(file.name, *named)) for command in ("plan", "run")]
    must(set(RUNS.glob("*")) <= before | {path for path in RUNS.glob("*") if what not in path.name}, "a run folder was made")
    return said[-1]


def no_engine(stage: Stage) -> str:
    """Run where no engine answers."""
    host = f"unix://{stage.folder}/no.sock"
    out = stage.folder / "runs"
    said = _refused(
        10,
        stage,
        "run",
        str(scenario("calm")),
        "--wait",
        "--out",
        str(out),
        named=("engine", "make prepare"),
        env={"DOCKER_HOST": host},
    )
    must(not _shops(out), f"something was left behind: {_shops(out)}")
    return said


def second_run(stage: Stage) -> str:
    """Start a second measuring run: it is refused, and the first is not disturbed."""
    first = stage.fly(shortened("db_primary_lost"))
    first.see(MOMENTS["warm_up"], COMES_WITHIN_S)
    before = set(RUNS.glob("*"))
    said = _refused(10, stage, "run", str(scenario("calm")), named=("another run is measuring", "--wait"))
    must(set(RUNS.glob("*calm*")) <= before, "the second run made a folder")
    first.see(MOMENTS["looked"], COMES_WITHIN_S)
    first.send(signal.SIGTERM)
    must(stage.landed(first, ENDS_WITHIN_S) == 143, "the first run was disturbed")
    return said


def full_undo_log(stage: Stage) -> str:
    """Let the undo log alone lie on a full disk: no act."""
    stage.listen()
    with _small_disk(stage.folder / "full") as disk:
        flight = stage.fly(shortened("db_primary_lost"))
        (disk / "undo.jsonl").touch()
        (flight.folder / "undo.jsonl").symlink_to(disk / "undo.jsonl")
        _fill(disk)
        return _no_act(flight, "the undo log cannot be written", stage)


def full_disk(stage: Stage) -> str:
    """Let the disk with the whole run folder be full when the fault is due: no act, and still all is removed."""
    stage.listen()
    with _small_disk(stage.folder / "full") as disk:
        flight = stage.fly(shortened("db_primary_lost"), out=disk)
        flight.see(MOMENTS["looked"], COMES_WITHIN_S)
        _fill(disk)
        return _no_act(flight, "cannot be written", stage)


def _no_act(flight: Flight, cause: str, stage: Stage) -> str:
    code = stage.landed(flight, ENDS_WITHIN_S)
    heard = stage.heard(flight)
    records = flight.records
    must(not any(isinstance(event, Acted) for event in records), "it acted although the undo could not be written")
    must(
        cause in flight.printed and "free some space" in flight.printed,
        f"the message does not help: {flight.printed[-500:]}",
    )
    must(code == 10 and "Traceback" not in flight.printed, f"exit {code}: {flight.printed[-500:]}")
    must("destroy" in heard and not things(flight.run), f"left behind: {things(flight.run)}; the engine said {heard}")
    said = re.search(r"interrupted by (.*?): healing", flight.printed)
    return f"exit 10: {said.group(1) if said else flight.printed[-200:]}"


def _refused(code: int, stage: Stage, *words: str, named: tuple[str, ...], env: dict[str, str] | None = None) -> str:
    """Type a command that must be refused with a code and a message that names things; give the message."""
    ended, said = windtunnel(*words, env=env, within_s=1800)
    stage.exit_codes.append(ended)
    must(ended == code, f"exit {ended} instead of {code}: {said[-500:]}")
    must("Traceback" not in said, f"a traceback: {said[-500:]}")
    missing = [name for name in named if name not in said]
    must(not missing, f"the message does not name {missing}: {said[-500:]}")
    return said.strip().splitlines()[-1]


def _shops(out: Path) -> list[str]:
    """Name everything that runs in a folder of runs have put on the machine."""
    return [thing for folder in out.glob("*") for thing in things(folder.name)]


@contextmanager
def _small_disk(at: Path) -> Iterator[Path]:
    """Mount a small disk in memory; needs root."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "windtunnel-full", str(at)], check=True, timeout=30)
    try:
        yield at
    finally:
        for _ in range(20):
            if subprocess.run(["umount", str(at)], check=False, capture_output=True, timeout=30).returncode == 0:
                break
            time.sleep(1)


def _fill(disk: Path) -> None:
    """Take all the space that is left."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 10, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                os.fsync(file.fileno())


ROWS = [
    *(
        Row(
            id=f"refused.{what}",
            must_say="exit 2, file and key named, nothing started",
            minutes=0.1,
            play=partial(wrong_scenario, what),
        )
        for what in WRONG
    ),
    Row(id="refused.no_engine", must_say="exit 10, the command that starts one", minutes=0.1, play=no_engine),
    Row(id="refused.second_run", must_say="exit 10, `--wait` named; the first run goes on", minutes=1, play=second_run),
    Row(id="refused.full_undo_log", must_say="exit 10, no act, nothing left", minutes=0.8, play=full_undo_log),
    Row(id="refused.full_disk", must_say="exit 10, no act, nothing left", minutes=0.8, play=full_disk),
]
