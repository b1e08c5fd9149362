"""Plain child processes as instances: signals are their powers. The fake shop of the tests runs on it.

An instance is known by its pid file, which holds pid and start time: a pid alone may belong to somebody else by now.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.drivers import Deviation, Leftover, Mender
from harness.errors import ControlError
from harness.events import EngineEvent, Gap
from harness.model import Break, Residue, Undo, noun
from harness.shop import Residence

TYPED: Mapping[str, tuple[str, str]] = {
    "kill": ("kill -KILL <pid of {}>", "start {} again"),
    "crash": ("kill -KILL <pid of {}>", ""),
    "pause": ("kill -STOP <pid of {}>", "kill -CONT <pid of {}>"),
}
TICKS = os.sysconf("SC_CLK_TCK")


@noun
class Process:
    """What a pid file holds: how to start the instance, and which process it is now."""

    argv: tuple[str, ...]
    pid: int
    start_ticks: int


def stat(pid: int) -> tuple[str, int, float] | None:
    """Give state letter, start time in ticks, and CPU seconds of a process; None where there is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return words[0], int(words[19]), (int(words[11]) + int(words[12])) / TICKS


def spawn(argv: Sequence[str], pid_file: Path) -> Process:
    """Start an instance in a session of its own and write its pid file."""
    with (pid_file.with_suffix(".out")).open("ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    seen = stat(child.pid)
    if seen is None:
        raise ControlError(f"{argv[0]} did not start; see {log.name}")
    process = Process(argv=tuple(argv), pid=child.pid, start_ticks=seen[1])
    pid_file.write_bytes(msgspec.json.encode(process))
    return process


def read(pid_file: Path) -> Process:
    """Read a pid file. Raises ``ControlError`` where it cannot be read."""
    try:
        return msgspec.json.decode(pid_file.read_bytes(), type=Process)
    except (OSError, msgspec.DecodeError) as error:
        raise ControlError(f"{pid_file}: {error}") from error


def state(process: Process) -> str:
    """Give ``running``, ``paused`` or ``gone``."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)  # our own dead child stays a zombie until it is asked for
    seen = stat(process.pid)
    if seen is None or seen[1] != process.start_ticks or seen[0] in "ZX":
        return "gone"
    return "paused" if seen[0] in "Tt" else "running"


def send(process: Process, number: signal.Signals) -> None:
    """Signal exactly this process; nothing happens where it has gone."""
    if state(process) != "gone":
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


class ProcessPowers:
    """What one process of a run can undergo."""

    def __init__(self, instance: str, pid_file: Path) -> None:
        self._instance, self._pid_file = instance, pid_file

    def kill(self) -> Break:
        """Prepare its loss; the undo starts it again."""
        return self._break("kill", signal.SIGKILL, (Undo(verb="start", on=str(self._pid_file), args=self._args()),))

    def crash(self) -> Break:
        """Prepare its death; what supervises it may start it again."""
        return self._break("crash", signal.SIGKILL, ())

    def pause(self) -> Break:
        """Prepare the freeze; the undo continues it."""
        process = read(self._pid_file)
        args = self._args() | {"pid": process.pid, "start_ticks": process.start_ticks, "signal": "SIGCONT"}
        return self._break("pause", signal.SIGSTOP, (Undo(verb="signal", on=str(self._pid_file), args=args),))

    def _args(self) -> dict[str, str | int]:
        return {"instance": self._instance}

    def _break(self, power: str, number: signal.Signals, undo: tuple[Undo, ...]) -> Break:
        process = read(self._pid_file)

        def act() -> None:
            if state(process) == "gone":
                raise ControlError(f"{power} {self._instance}: process {process.pid} is gone already")
            send(process, number)

        return Break(undo=undo, act=act, typed=TYPED[power][0].format(self._instance))


def _mend_start(undo: Undo) -> None:
    pid_file = Path(undo.on)
    if not pid_file.exists():
        return  # removed with its run: healed
    process = read(pid_file)
    if state(process) == "gone":
        spawn(process.argv, pid_file)


def _mend_signal(undo: Undo) -> None:
    pid, start = undo.args["pid"], undo.args["start_ticks"]
    process = msgspec.convert({"argv": [], "pid": pid, "start_ticks": start}, type=Process)
    send(process, signal.Signals[str(undo.args["signal"])])


MENDERS: Mapping[str, Mender] = {"start": _mend_start, "signal": _mend_signal}


def _off(pid_file: Path) -> Deviation | None:
    process = read(pid_file)
    now = state(process)
    if now == "running":
        return None
    args: dict[str, str | int] = {"instance": pid_file.stem}
    if now == "paused":
        args |= {"pid": process.pid, "start_ticks": process.start_ticks, "signal": "SIGCONT"}
    verb = "signal" if now == "paused" else "start"
    return Deviation(residue=Residue(on=pid_file.stem, what=now), undo=Undo(verb=verb, on=str(pid_file), args=args))


def deviations(residence: Residence) -> tuple[Deviation, ...]:
    """Compare every process of the residence with "running"."""
    return tuple(off for thing in residence.things if (off := _off(Path(thing.ref))) is not None)


def observed(run: str) -> tuple[Deviation, ...]:  # noqa: ARG001 -- processes carry no label: only their folder knows them
    """Find nothing: processes carry no label."""
    return ()


def sweep(run: str, folder: Path) -> tuple[str, ...]:  # noqa: ARG001 -- processes are found by their pid files
    """End every process with a pid file in ``folder/pids``; give the names of what is left."""
    left = []
    for pid_file in sorted((folder / "pids").glob("*.pid")):
        process = read(pid_file)
        send(process, signal.SIGKILL)
        pid_file.unlink()
        if state(process) == "running":
            left.append(pid_file.stem)
    return tuple(name for name in left if name)


def collect(run: str, folder: Path) -> None:  # noqa: ARG001 -- found beside the pid files
    """Copy what each process printed to ``folder/<instance>.log``."""
    folder.mkdir(parents=True, exist_ok=True)
    for printed in sorted((folder.parent / "pids").glob("*.out")):
        (folder / f"{printed.stem}.log").write_bytes(printed.read_bytes()[-200_000:])


def leftovers() -> tuple[Leftover, ...]:
    """Find nothing: processes carry no label; a run's folder knows its own."""
    return ()


def cpu_s(residence: Residence) -> float | None:
    """Sum the CPU time of the residence's processes that run now."""
    seen = [stat(read(Path(thing.ref)).pid) for thing in residence.things]
    known = [one[2] for one in seen if one is not None]
    return sum(known) if known else None


def watch(run: str, record: Callable[[EngineEvent | Gap], None], now_ns: Callable[[], int]) -> Callable[[], None]:  # noqa: ARG001 -- the contract of drivers
    """Watch nothing: there is no engine to speak of its processes."""
    return lambda: None
