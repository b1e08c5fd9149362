"""Whole runs of the command line on the fake shop: a project in a temporary folder, flights in it, and what they leave.

Each flight has a TMPDIR of its own, so that several may measure at once (the machine-wide lock lies there) and every
process it starts can be found by it, whatever the product itself has noted.
"""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.model import noun
from harness.store import JOURNAL
from harness.undo import held
from tests.fake_shop import forget

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parents[2]
WINDTUNNEL = Path(sys.executable).with_name("windtunnel")
LIMIT_S = 240.0
SHORT: dict[str, float] = {
    "orders_per_s": 40,
    "products_per_s": 10,
    "lists_per_s": 5,
    "logs_per_s": 5,
    "warm_up_s": 3,
    "baseline_s": 7,
    "hold_s": 8,
    "stable_s": 3,
    "give_up_s": 15,
    "runs": 2,
}


def shrunk(name: str, **other: float) -> str:
    """Give a real scenario of the house with its times shortened; ``other`` keys are set too, and must be in the file."""
    text = (ROOT / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    text = re.sub(r'"db_route",? ?', "", text)  # the fake shop has none
    for key, value in (SHORT | other).items():
        text, hits = re.subn(rf"\b({key}\s*= *)[\d.]+", rf"\g<1>{value:g}", text)
        assert hits or key not in other, f"{name} has no {key}"
    text = re.sub(r"(\brto\s*= \{ budget_s = )[\d.]+", r"\g<1>2.5", text)
    text = re.sub(r'(\bkind = "alert".*budget_s = )[\d.]+', r"\g<1>4", text)
    return re.sub(r"(\bredundancy\s*= \{ budget_s = )[\d.]+", r"\g<1>10", text)


def without(text: str, line: str) -> str:
    """Take one line that begins like this out of a scenario."""
    text, hits = re.subn(rf"^{line}\b.*\n", "", text, flags=re.MULTILINE)
    assert hits == 1, f"{line} stands in the scenario {hits} times"
    return text


def until(true: Callable[[], bool], limit_s: float) -> float | None:
    """Wait until something is true; give how long it took, None where it was not within ``limit_s``."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if true():
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def awaited(true: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait until something is true; it is an error where it does not come."""
    assert until(true, limit_s) is not None, f"not within {limit_s:g} s: {what}"


@noun
class Landed:
    """A flight that has ended: exit code, what it printed, its run folder (None where none was made)."""

    code: int
    out: str
    folder: Path | None

    @property
    def word(self) -> dict[str, Any]:
        """The judgement as it was stored."""
        assert self.folder is not None, self.out
        word: dict[str, Any] = json.loads((self.folder / "verdicts.json").read_text())
        return word

    @property
    def outcomes(self) -> dict[str, str]:
        """Objective → outcome."""
        return {verdict["objective"]: verdict["outcome"] for verdict in self.word["verdicts"]}

    def because(self, objective: str) -> str:
        """The sentence of one objective."""
        return next(str(one["because"]) for one in self.word["verdicts"] if one["objective"] == objective)

    @property
    def disturbed(self) -> bool:
        """Whether nothing but others' use of this machine kept it from a verdict."""
        open_ones = [one["because"] for one in self.word["verdicts"] if one["outcome"] != "PASS"]
        if not open_ones:  # the last run of a series passed; an earlier one did not
            return self.code == 12 and "FAIL voided" in self.out
        return all("FAIL voided" in word and "others used" in word for word in open_ones)


class Flight:
    """A command of windtunnel at work."""

    def __init__(self, command: list[str], project: "Project", tmp: Path, out: Path, name: str) -> None:
        self._runs, self.name, self.tmp = project.root / "reports" / "runs", name, tmp
        self._out = out.open("w+")
        self._printed = out
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        environment |= {"TMPDIR": str(tmp), "PYTHONPATH": str(ROOT), "COLUMNS": "200", **project.environment}
        self.process = subprocess.Popen(
            command, cwd=project.root, env=environment, stdout=self._out, stderr=subprocess.STDOUT, start_new_session=True
        )

    @property
    def folder(self) -> Path | None:
        """The run folder, once it is there."""
        return next(iter(sorted(self._runs.glob(f"*-{self.name}-*"), reverse=True)), None)

    @property
    def run(self) -> str:
        """The run's id."""
        folder = self.folder
        assert folder is not None
        return folder.name

    def records(self, kind: str = "", file: str = JOURNAL) -> list[dict[str, Any]]:
        """Give what the journal (or the guardian's) holds by now, of one kind or all."""
        if self.folder is None or not (self.folder / file).exists():
            return []
        found = []
        for line in (self.folder / file).read_text().splitlines():
            with suppress(ValueError):  # the last line may be on its way
                found.append(json.loads(line))
        return [one for one in found if kind in ("", one["kind"])]

    def at(self, point: str, limit_s: float = 60) -> None:
        """Wait until the journal has come to a point: a kind of record, a phase, or a witness's stage."""

        def there() -> bool:
            return any(point in (one["kind"], one.get("name"), one.get("stage")) for one in self.records())

        awaited(lambda: there() or self.process.poll() is not None, limit_s, f"{point} in the journal of {self.name}")
        assert there(), f"{self.name} ended before {point}:\n{self.printed}"

    def signal(self, number: signal.Signals) -> None:
        """Signal the harness itself, and nobody else."""
        self.process.send_signal(number)

    def pid_of(self, file: str) -> int:
        """Read a pid that the run has noted: ``load.pid``."""
        assert self.folder is not None
        return int(json.loads((self.folder / file).read_text())["pid"])

    @property
    def guardian(self) -> int:
        """The pid of the guardian, as the machine knows it."""
        return next(pid for pid, _, words in self.alive() if "harness.guardian" in words)

    def alive(self) -> list[tuple[int, str, str]]:
        """Find every process of this flight on the machine: pid, state, command line; the command itself left out."""
        found = []
        mark = f"TMPDIR={self.tmp}".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != self.process.pid:
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found.append((int(entry.name), state, words))
        return found

    @property
    def frozen(self) -> list[int]:
        """The pids of its processes that are stopped."""
        return [pid for pid, state, _ in self.alive() if state in "Tt"]

    @property
    def locked(self) -> bool:
        """Whether its lock or the machine's is held."""
        own = self.folder is not None and held(self.folder / "undo.lock")
        return own or held(self.tmp / "windtunnel.lock")

    @property
    def printed(self) -> str:
        """What it has printed by now."""
        return self._printed.read_text()

    def land(self, limit_s: float = LIMIT_S) -> Landed:
        """Wait for its end."""
        code = self.process.wait(limit_s)
        return Landed(code=code, out=self.printed, folder=self.folder)

    def end(self) -> None:
        """Leave nothing of it on the machine, whatever has happened."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        until(lambda: not self.alive(), 15)
        for pid, _, _ in self.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._out.close()


class Project:
    """A project whose shop is the fake one, or another; ``environment`` is added to that of each command."""

    def __init__(self, root: Path, shop: str = "tests.fake_shop:FakeShop") -> None:
        self.root, self._flights = root, list[Flight]()
        self.environment: dict[str, str] = {}
        self._number = itertools.count()
        root.mkdir(exist_ok=True)
        (root / "pyproject.toml").write_text(f'[tool.windtunnel]\nshop = "{shop}"\n')

    def scenario(self, name: str, text: str) -> str:
        """Write a scenario; give its file's name."""
        (self.root / f"{name}.toml").write_text(text, encoding="utf-8")
        return f"{name}.toml"

    def start(
        self,
        *arguments: str,
        spoilt: tuple[str, ...] = (),
        name: str = "",
        beside: Flight | None = None,
        by: tuple[str, ...] = (),
    ) -> Flight:
        """Start ``windtunnel`` with these arguments, spoilt as ``tests.sabotage`` can.

        ``name`` is its scenario's; ``beside`` shares that flight's machine-wide lock; ``by`` is a command that starts it.
        """
        own = self.root / f"tmp{next(self._number)}"
        own.mkdir()
        command = [str(WINDTUNNEL), *arguments]
        if spoilt:
            command = [sys.executable, "-m", "tests.sabotage", *spoilt, "--", *arguments]
        tmp = beside.tmp if beside else own
        flight = Flight([*by, *command], self, tmp, own / "out", name)
        self._flights.append(flight)
        return flight

    def run(self, name: str, text: str, *options: str, spoilt: tuple[str, ...] = ()) -> Flight:
        """Start a run of a scenario under a name of its own."""
        return self.start("run", self.scenario(name, text), *options, spoilt=spoilt, name=name)

    def told(self, *arguments: str, of: str = "") -> Landed:
        """Run a short command to its end; ``of`` is the name of the scenario whose run it is about."""
        return self.start(*arguments, name=of).land(90)

    def judged(self, flight: Flight) -> Landed:
        """Judge a flight's run again."""
        return self.told("judge", flight.run, of=flight.name)

    def end(self) -> None:
        """Leave nothing on the machine."""
        for flight in self._flights:
            flight.end()
        for state in self.root.glob("reports/runs/*/state"):
            forget(state.parent)
