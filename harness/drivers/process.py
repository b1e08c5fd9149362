"""Plain process groups as instances: signals are their powers. The fake shop of the tests runs on it.

The leader of a group supervises one child, the main process, as a container's init does. An instance is known by its pid
file, which holds the leader's pid and start time: a pid alone may belong to somebody else by now.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.clock import pause
from harness.drivers import Deviation, Leftover, Mender
from harness.drivers.redaction import redacted, secrets_of
from harness.errors import ControlError
from harness.events import EngineEvent, Gap
from harness.finding import Finding, Level
from harness.model import Break, Pid, Residue, Undo, noun
from harness.shop import Residence

TYPED: Mapping[str, tuple[str, str]] = {
    "kill": ("kill -KILL -- -<pid of {}>", "start {} again"),
    "crash": ("kill -KILL <child of {}>", ""),
    "pause": ("kill -STOP -- -<pid of {}>", "kill -CONT -- -<pid of {}>"),
}
TICKS = os.sysconf("SC_CLK_TCK")
END_S = 3.0
LOOKS = 2
LOG_BYTES = 200_000
LABEL = "WINDTUNNEL_FOLDER"  # in the environment of every instance, as labels are on containers


@noun
class Process:
    """What a pid file holds: how to start the instance, and which process it is now."""

    argv: tuple[str, ...]
    pid: Pid
    start_ticks: int


def stat(pid: int) -> tuple[str, int, float] | None:
    """Give state letter, start time in ticks, and CPU seconds of a process; None where there is none."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return words[0], int(words[19]), (int(words[11]) + int(words[12])) / TICKS


def started(pid: int) -> int:
    """Give when a process started, in ticks since the machine did. Raises ``ControlError`` where it has gone."""
    seen = stat(pid)
    if seen is None:
        raise ControlError(f"process {pid} has gone already")
    return seen[1]


def note(pid: int, pid_file: Path, argv: Sequence[str] = ()) -> Process:
    """Write down which process this pid is now. Raises ``ControlError`` where it has gone."""
    process = Process(argv=tuple(argv), pid=pid, start_ticks=started(pid))
    fresh = pid_file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(process))
    fresh.rename(pid_file)
    return process


def spawn(argv: Sequence[str], pid_file: Path, extra: Mapping[str, str] | None = None) -> Process:
    """Start an instance in a session of its own, labelled with its run's folder, and write its pid file.

    ``extra`` is added to its environment and is nowhere written down: an instance that is started again has it no more.
    """
    environment = {**os.environ, **(extra or {}), LABEL: str(pid_file.resolve().parents[1])}
    with (pid_file.with_suffix(".out")).open("ab") as log:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    child.returncode = 0  # from now on its pid file stands for it, not this object
    return note(child.pid, pid_file, argv)


def labelled(folder: Path) -> tuple[Process, ...]:
    """Find every process of a run by its label, also one that was started in the instant before its starter died."""
    mark, found = f"{LABEL}={folder.resolve()}".encode(), []
    for pid in (int(entry.name) for entry in Path("/proc").glob("[0-9]*")):
        seen = stat(pid)
        if seen is not None and mark in _environment(pid):
            found.append(Process(argv=(), pid=pid, start_ticks=seen[1]))
    return tuple(found)


def read(pid_file: Path) -> Process:
    """Read a pid file. Raises ``ControlError`` where it cannot be read."""
    try:
        return msgspec.json.decode(pid_file.read_bytes(), type=Process)
    except (OSError, ValueError, RecursionError) as error:
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
    """Signal exactly this process and its group; nothing happens where it has gone."""
    if state(process) != "gone":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def main_processes(process: Process) -> tuple[int, ...]:
    """Give the pids of what the leader supervises."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return tuple(int(pid) for pid in children.read_text().split()) if children.exists() else ()


class ProcessPowers:
    """What one process of a run can undergo."""

    def __init__(self, instance: str, pid_file: Path) -> None:
        self._instance, self._pid_file = instance, pid_file

    def kill(self) -> Break:
        """Prepare its loss; the undo starts it again."""
        return self._break("kill", signal.SIGKILL, (Undo(verb="start", on=str(self._pid_file), args=self._args()),))

    def crash(self) -> Break:
        """Prepare the death of its main process; the leader may start it again."""
        process = read(self._pid_file)

        def act() -> None:
            for pid in main_processes(process):
                os.kill(pid, signal.SIGKILL)

        return Break(undo=(), act=act, typed=TYPED["crash"][0].format(self._instance))

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
            wanted = "paused" if number is signal.SIGSTOP else "gone"
            if not await_state(process, wanted):  # an undo that came before the act's end would undo nothing
                raise ControlError(f"{power} {self._instance}: process {process.pid} is not {wanted} {END_S:g} s later")

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


def observed(run: str) -> tuple[Deviation, ...]:  # noqa: ARG001 -- processes carry their run's folder, not its name
    """Find nothing: whoever knows a run's folder removes its processes, also those that stand still."""
    return ()


def sweep(run: str, folder: Path) -> tuple[str, ...]:  # noqa: ARG001 -- processes are labelled with their folder
    """End every process of the run in ``folder``; give the names of what is left.

    It looks twice: a process that was only just started has no environment for an instant, and so no label.
    """
    left: tuple[str, ...] = ()
    for _ in range(LOOKS):
        found = labelled(folder)
        for process in found:
            send(process, signal.SIGKILL)
        left = tuple(f"process {process.pid}" for process in found if not await_state(process, "gone"))
    for file in () if left else (folder / "pids").glob("*"):  # what they printed may hold secrets, and is collected
        file.unlink()
    return left


def await_state(process: Process, wanted: str) -> bool:
    """Wait until a process that was signalled is ``gone`` or ``paused``, at most ``END_S``; say whether it is."""
    for _ in range(int(END_S / 0.02)):
        if state(process) == wanted:
            return True
        pause(0.02)
    return False


def collect(run: str, folder: Path) -> None:  # noqa: ARG001 -- found beside the pid files
    """Write the end of what each process printed to ``folder/<instance>.log``, the run's secrets removed.

    Where none is left alive nobody can tell what is secret, and nothing is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environments = [_environment(process.pid) for process in labelled(folder.parent)]
    secrets = {secret for lines in environments for secret in secrets_of(line.decode(errors="replace") for line in lines)}
    for printed in sorted((folder.parent / "pids").glob("*.out")) if environments else ():
        text = printed.read_bytes()[-LOG_BYTES:].decode(errors="replace")
        (folder / f"{printed.stem}.log").write_text(redacted(text, secrets), encoding="utf-8")


def _environment(pid: int) -> list[bytes]:
    """Give the ``NAME=value`` lines of a process; none where it has gone or belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def leftovers() -> tuple[Leftover, ...]:
    """Find nothing: whoever knows a run's folder finds its processes by that, see ``labelled``."""
    return ()


def cpu_s(residence: Residence, *, grown: bool = False) -> dict[str, float]:  # noqa: ARG001 -- nothing can be added
    """Give the CPU time of the residence's processes that run now, each with what it supervises."""
    found = {}
    for thing in residence.things:
        leader = read(Path(thing.ref))
        known = [seen[2] for pid in (leader.pid, *main_processes(leader)) if (seen := stat(pid)) is not None]
        if known:
            found[thing.name] = sum(known)
    return found


def throttled_s(residence: Residence) -> dict[str, float]:
    """Give 0 for each of the residence's processes that run now: a process has no quota of its own."""
    return dict.fromkeys(cpu_s(residence), 0.0)


def confine(residence: Residence, cores: Collection[int]) -> None:
    """Let processes, and what they supervise, run on these cores only. Raises ``ControlError``."""
    for thing in residence.things:
        leader = read(Path(thing.ref))
        for pid in (leader.pid, *main_processes(leader)):
            try:
                os.sched_setaffinity(pid, cores)
            except OSError as error:
                raise ControlError(
                    f"{thing.name} (pid {pid}) does not stay on the cores {sorted(cores)}: {error}"
                ) from error


def examine() -> tuple[Finding, ...]:
    """Say whether the kernel tells which processes a leader supervises; nothing else is needed."""
    if Path(f"/proc/self/task/{os.getpid()}/children").exists():
        return (Finding(what="processes", found="signals and /proc, no engine is needed"),)
    found = "the kernel does not list a process's children: no main process can be crashed"
    return (Finding(what="processes", found=found, mend="use a kernel with CONFIG_PROC_CHILDREN", level=Level.WARNING),)


def watch(run: str, record: Callable[[EngineEvent | Gap], None], now_ns: Callable[[], int]) -> Callable[[], None]:  # noqa: ARG001 -- the contract of drivers
    """Watch nothing: there is no engine to speak of its processes."""
    return lambda: None
