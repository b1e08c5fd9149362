"""Measures windtunnel itself, and writes down how it was: ``reports/bench.json`` and ``docs/benchmarks.md``.

python -m tests.bench [--runs N]

N (default 3) fresh runs of the flagship give the time until the shop is ready, what a run takes beyond its scenario, and
the CPU time of the harness. Made-up stored runs give the time to judge. Recovery times are those of all stored runs of the
good shop, the figures of the peak those of this commit; scenarios of which fewer than N are stored are flown first. Last,
one shop is frozen for two seconds under three kinds of load, N times by turns: what does each of them tell of it? Ends with
1 if a limit is passed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from rich import box
from rich.console import Console
from rich.table import Table

from harness import events, host, provenance
from harness.clock import S
from harness.drivers.process import stat
from harness.project import find
from harness.scenario import load
from harness.store import open_run
from tests.acceptance import book
from tests.acceptance.flight import ROOT, WINDTUNNEL, Flight, NotAsRequired, must
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.promised import LONGEST_S
from tests.acceptance.stage import RUNS, Stage, outcome, scenario, verdicts
from tests.closed_loop import hidden
from tests.figures import COLUMNS, Figure
from tests.peak_figures import peak
from tests.stored_runs import FLAGSHIP, a_stored_run

JUDGED = {120_000: 3.0, 1_000_000: 20.0}  # arrivals → the longest time to judge them, in s
JUDGED_TIMES = 5
DATABASE = (FLAGSHIP, "db_process_crash", "db_frozen")
DATA, PAGE = ROOT / "reports" / "bench.json", ROOT / "docs" / "benchmarks.md"
E = TypeVar("E", bound=events.Event)


def flown(runs: int) -> list[Figure]:
    """Fly the flagship, and measure the time around its scenario and the CPU time beside its shop."""
    seen: dict[str, list[float]] = {}
    for _ in range(runs):
        with Stage() as stage:
            for name, value in _flight(stage).items():
                seen.setdefault(name, []).append(value)
    return [Figure(name=name, unit=_unit(name), values=tuple(values)) for name, values in seen.items()]


def _unit(name: str) -> str:
    return "cores" if name.startswith("CPU") else "s"


def _flight(stage: Stage) -> dict[str, float]:
    """Fly the flagship once. What another measuring run kept it waiting is not counted."""
    flight = stage.fly(scenario(FLAGSHIP))
    flight.see(MOMENTS["warm_up"], COMES_WITHIN_S)
    before, since = _used(flight), time.monotonic()
    flight.see(MOMENTS["settle"], LONGEST_S)
    after, load_s = _used(flight), time.monotonic() - since
    code = stage.landed(flight, LONGEST_S)
    ended = time.time()
    must(code in (0, 12), f"the flagship ended with {code}: {flight.printed[-300:]}")
    run, parts = _first(flight, events.Run), _first(flight, events.Parts)
    began, stopped = _first(flight, events.LoadStarted), _first(flight, events.LoadStopped)
    waited_s, offered_s = run.at_ns / S, (stopped.until_ns - began.begin_ns) / S
    awoke_s = run.wall_ns / S - flight.began - waited_s
    return {
        "from `run` to shop ready": awoke_s + parts.at_ns / S - waited_s,
        "flagship: wall time beyond its scenario": ended - flight.began - waited_s - offered_s,
        **{f"CPU beside the shop: {name}": (after[name] - before[name]) / load_s for name in before},
    }


def _first(flight: Flight, kind: type[E]) -> E:
    found = [event for event in flight.records if isinstance(event, kind)]
    must(found, f"the journal has no {kind.__name__}")
    return found[0]


def _used(flight: Flight) -> dict[str, float]:
    """Give the CPU seconds of the run's own processes so far."""
    pids = {"harness": flight.pid, "load child": flight.load_pid(), "guardian": flight.guardian_pid()}
    looked = {name: stat(pid) for name, pid in pids.items()}
    return {name: seen[2] for name, seen in looked.items() if seen is not None}


def judged() -> Iterator[Figure]:
    """Judge made-up stored runs by the command that people type: it reads, judges, and writes every report."""
    project = find(ROOT)
    for arrivals, limit in JUDGED.items():
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            stored = a_stored_run(project, Path(place) / "run", arrivals)
            values = tuple(_judge(stored.folder) for _ in range(JUDGED_TIMES))
        yield Figure(name=f"`judge` of {stored.arrivals:,} arrivals", unit="s", values=values, limit=limit)


def _judge(folder: Path) -> float:
    since = time.monotonic()
    done = subprocess.run(
        [*WINDTUNNEL, "judge", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    took_s = time.monotonic() - since
    must(done.returncode == 0, f"a made-up run that keeps every promise was judged {done.returncode}: {done.stdout[-600:]}")
    return took_s


def recoveries(runs: int) -> Iterator[Figure]:
    """Give the recovery times of all stored runs of the good shop in which the outage was measured beyond doubt."""
    for name in DATABASE:
        while len(stored := _recovered(name)) < runs:
            with Stage() as stage:
                series = load(scenario(name)).repeat
                code = stage.landed(stage.fly(scenario(name)), LONGEST_S * (series.runs if series else 1))
            must(len(_recovered(name)) > len(stored), f"{name} ended with {code} and gave no recovery time")
        yield Figure(name=f"recovery: {name}", unit="s", values=tuple(stored))


def _recovered(name: str) -> list[float]:
    found = []
    for folder in sorted(RUNS.glob(f"*-{name}-*")):
        run = open_run(folder).run
        whole = run is not None and run.scale == 1 and not run.defects and (folder / "verdicts.json").exists()
        if whole and outcome(folder) in ("PASS", "FAIL"):
            verdict = verdicts(folder)["rto"]
            found += [verdict["measured"]["recovery_s"]] if verdict["outcome"] in ("PASS", "FAIL") else []
    return found


def about(since: str) -> dict[str, str]:
    """Say what was measured: the commit (or from which to which, if it changed meanwhile), the machine, versions, date."""
    commit = book.commit()
    return {
        "commit": commit if commit == since else f"{since} to {commit}",
        "machine": host.describe(),
        "versions": ", ".join(f"{name} {version}" for name, version in provenance.versions().items()),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def write(figures: Sequence[Figure], what: Mapping[str, str]) -> None:
    """Print the table, write it and every value down, and say where."""
    said = {**what, "figures": [asdict(figure) for figure in figures]}
    DATA.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    table = Table(*COLUMNS, box=box.HORIZONTALS)
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for figure in figures:
        table.add_row(*figure.cells)
        lines.append(f"| {' | '.join(figure.cells)} |")
    Console(highlight=False).print(table)
    words = f"Commit {what['commit']}; {what['machine']}; {what['date']}.\n{what['versions'].capitalize()}."
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(f"{HEAD}\n{words}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"every value: {DATA.relative_to(ROOT)}; this table: {PAGE.relative_to(ROOT)}")


HEAD = """# Benchmarks

Windtunnel itself, measured by `make bench`; spread is the least and the greatest value. "To judge" is the whole command:
it reads the run, judges it and writes every report. The wall time beyond the scenario holds starting the shop, settling,
audit, logs, and removing the shop. CPU is that of the harness's own processes while shoppers order at the rate of the
flagship; 1 is one core. Recovery counts from the fault to the last bad order; it is that of all stored runs of the good
shop, also those of other commits. The figures of the peak are those of this commit alone, and of each of its runs, passed or
not.

"Frozen" is the same shop, its balancer stopped for 2 s in the middle of 20 s, under three loads of about 200 orders a
second: Locust's `HttpUser` and `FastHttpUser` as they come, 20 users who each wait for an answer before they order again,
and windtunnel's arrivals, that come whoever has been answered. Who waits does not order, so the first two send hardly
anything while nobody is served, and count one late answer a user.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Measure everything; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures windtunnel itself.")
    parser.add_argument("--runs", type=int, default=3, help="how many runs of each scenario (default: 3)")
    asked = parser.parse_args(words)
    since = book.commit()
    try:
        figures = [*judged(), *flown(asked.runs), *recoveries(asked.runs), *peak(asked.runs), *hidden(asked.runs)]
    except NotAsRequired as unlike:
        print(f"nothing was written down: {unlike}", file=sys.stderr)
        return 1
    write(figures, about(since))
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
