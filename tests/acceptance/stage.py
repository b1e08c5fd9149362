"""What a row works on: it flies runs, remembers them, judges them again, and clears away what is left of them."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.events import Acted, EngineEvent, Intended
from harness.scenario import load
from harness.store import JOURNAL, LOCK, read_journal
from harness.undo import machine_lock
from tests.acceptance import engine
from tests.acceptance.flight import ROOT, WINDTUNNEL, Flight, must, windtunnel

SCENARIOS, RUNS, SHORT = ROOT / "scenarios", ROOT / "reports" / "runs", ROOT / "reports" / "acceptance"
MACHINE_LOCK = machine_lock()
MACHINE_S = 1800.0  # how long another measuring run may keep us waiting
HEAL_S = 120.0


class Stage:
    """Entered for one row; whatever the row did, nothing of its runs is on the machine afterwards."""

    def __init__(self) -> None:
        self.flights: list[Flight] = []
        self.exit_codes: list[int] = []
        self.runs: list[str] = []
        self._ear: engine.Ear | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="acceptance-")
        self.folder = Path(self._folder.name)

    def __enter__(self) -> Self:
        RUNS.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._ear is not None:
            self._ear.close()
        for flight in self.flights:
            self.clear(flight)
        self._folder.cleanup()

    def fly(
        self,
        scenario: Path,
        *options: str,
        spoilt: Sequence[str] = (),
        command: Sequence[str] = WINDTUNNEL,
        out: Path = RUNS,
        env: Mapping[str, str] | None = None,
    ) -> Flight:
        """Start a run of a scenario once the machine is free. ``spoilt`` says what ``tests.sabotage`` is to spoil in it."""
        if spoilt:
            command = (sys.executable, "-m", "tests.sabotage", *spoilt, "--")
        words = ["run", str(scenario.relative_to(ROOT)), "--wait", *options]
        if out != RUNS:
            words += ["--out", str(out)]
        printed = self.folder / f"printed-{len(self.flights)}"
        flight = Flight(command, words, out, printed, env or {})
        self.flights.append(flight)
        flight.take_off(MACHINE_S)
        return flight

    def listen(self) -> None:
        """Listen to the engine's own events from now on."""
        self._ear = engine.Ear()

    def heard(self, flight: Flight, instance: str = "") -> list[str]:
        """Stop listening; give the actions that the engine told of a flight's run, or of one of its instances."""
        must(self._ear is not None, "nobody listened")
        told = self._ear.close() if self._ear else []
        return [action for run, of, action in told if run == flight.run and instance in ("", of)]

    def must_have_heard(self, flight: Flight, actions: Sequence[str]) -> None:
        """Stop listening; see that the engine told of these actions, in this order, of the container that was the target.

        Raises ``NotAsRequired``.
        """
        instance = next(event.instance for event in flight.records if isinstance(event, Intended))
        heard = self.heard(flight, instance)
        must(engine.in_this_order(heard, actions), f"the engine did not tell of {actions} at {instance}: {heard}")

    def landed(self, flight: Flight, within_s: float) -> int:
        """Wait for a flight's end; remember its exit code and its runs."""
        code = flight.wait(within_s)
        self.note(flight, code)
        return code

    def note(self, flight: Flight, code: int) -> None:
        """Remember a flight's exit code and its runs."""
        self.exit_codes.append(code)
        self.runs += [folder.name for folder in flight.folders]

    def clear(self, flight: Flight) -> None:
        """End a flight that still flies, wait for its guardian, mend and remove what is left of its runs."""
        if not flight.ended():
            flight.send(signal.SIGTERM)
            try:
                flight.wait(HEAL_S)
            except AssertionError:
                flight.send(signal.SIGKILL)
                flight.wait(HEAL_S)
        for folder in flight.folders:
            with suppress(subprocess.CalledProcessError):  # no flock command, or no end of the guardian: heal will say so
                subprocess.run(["flock", "--timeout", str(int(HEAL_S)), str(folder / LOCK), "true"], check=True)
            if engine.things(folder.name):
                windtunnel("heal", folder.name, within_s=HEAL_S)


def scenario(name: str) -> Path:
    """Give the file of a scenario."""
    return SCENARIOS / f"{name}.toml"


SHORTER: Mapping[str, float] = {"warm_up_s": 4, "baseline_s": 8, "hold_s": 12, "stable_s": 5, "give_up_s": 45, "rto_s": 6}

LONGER: Mapping[str, Mapping[str, float]] = {"db_process_crash": {"baseline_s": 17}}  # its alert looks back so far


def shortened(name: str, **times: float) -> Path:
    """Write a scenario with shorter times (``SHORTER``, or those given), run once; give its file.

    ``rto_s`` is the budget of ``rto``. For rows whose answer does not hang on how long the shop takes.
    """
    text, wanted = scenario(name).read_text(encoding="utf-8"), {**SHORTER, **LONGER.get(name, {}), **times}
    text = re.sub(r"^repeat .*$", "", text, flags=re.MULTILINE)
    for key, value in wanted.items():
        text = re.sub(rf"^({key}\s*=\s*)[\d.]+", rf"\g<1>{value:g}", text, flags=re.MULTILINE)
    text = re.sub(r"^(rto\s*=\s*\{ budget_s = )\d+", rf"\g<1>{wanted['rto_s']:g}", text, flags=re.MULTILINE)
    SHORT.mkdir(parents=True, exist_ok=True)
    file = SHORT / f"{name}_short.toml"
    file.write_text(text, encoding="utf-8")
    made = load(file)
    must(made.repeat is None and made.load.baseline_s == wanted["baseline_s"], f"{file.name} was not shortened")
    return file


ENGINE_WORD = {"kill": "kill", "pause": "pause", "crash": "exec_die"}  # a crash is a command in the container


def engine_word(folder: Path) -> str:
    """Give what the engine itself said of each act of a run; of networks it says nothing that belongs to a container.

    Raises ``NotAsRequired`` where it says nothing of another act.
    """
    records, _ = read_journal(folder / JOURNAL)
    intended = {event.step: event for event in records if isinstance(event, Intended)}
    said = [event for event in records if isinstance(event, EngineEvent)]
    words = []
    for acted in (event for event in records if isinstance(event, Acted)):
        fault, instance = intended[acted.step].fault, intended[acted.step].instance
        if fault not in ENGINE_WORD:
            continue
        meant = [e for e in said if (e.action, e.instance) == (ENGINE_WORD[fault], instance) and e.at_ns >= acted.t0_ns]
        must(meant, f"{folder.name}: the engine says nothing of the {fault} of {instance}")
        words.append(f"{meant[0].action} of {instance} {(meant[0].at_ns - acted.t0_ns) / 1e9:.2f} s after t0")
    return f"the engine said: {', '.join(words)}" if words else ""


def verdicts(folder: Path) -> dict[str, Any]:
    """Give the verdict of each objective of a judged run, as written."""
    said = json.loads((folder / "verdicts.json").read_bytes())
    return {verdict["objective"]: verdict for verdict in said["verdicts"]}


def disturbed(said: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether nothing failed, and only others' use of the machine, or an outage, kept anything from a verdict."""
    unlike = [one for one in said.values() if one["outcome"] != "PASS"]
    noisy = [one for one in unlike if all(word in one["because"] for word in ("FAIL voided", "others used"))]
    open_ones = [one for one in unlike if any(word in one["because"] for word in ("outage", "still out"))]
    return bool(noisy) and all(one["outcome"] == "INCONCLUSIVE" and (one in noisy or one in open_ones) for one in unlike)


def outcome(folder: Path) -> str:
    """Give the outcome of a judged run."""
    return str(json.loads((folder / "verdicts.json").read_bytes())["outcome"])


def doubts(folder: Path) -> list[str]:
    """Give what speaks against a judged run."""
    return [str(doubt["because"]) for doubt in json.loads((folder / "verdicts.json").read_bytes())["doubts"]]


def told(folder: Path) -> str:
    """Tell the outcomes of a judged run in one line, those that are not PASS with their reason."""
    bad = [
        f"{name} {one['outcome']}: {one['because']}" for name, one in verdicts(folder).items() if one["outcome"] != "PASS"
    ]
    return f"{outcome(folder)}; {' | '.join(bad) or 'every objective PASS'}"


def judged_again(folder: Path) -> str:
    """Judge a run that was cut off twice; give the outcome.

    Raises ``NotAsRequired`` where the bytes differ, or any objective is PASS.
    """
    said = []
    for seed in ("1", "2"):
        code, printed = windtunnel("judge", str(folder), env={"PYTHONHASHSEED": seed})
        said.append((code, (folder / "verdicts.json").read_bytes()))
        must("Traceback" not in printed, f"judge printed a traceback: {printed[-400:]}")
    must(said[0] == said[1], "judged twice, the verdicts differ")
    passed = [name for name, one in verdicts(folder).items() if one["outcome"] == "PASS"]
    must(said[0][0] != 0 and not passed, f"a run that was cut off is {outcome(folder)} and passed {passed}")
    return outcome(folder)
