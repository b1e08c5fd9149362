"""Processes as instances: acted on exactly, found by their label, mended harmlessly twice, gone in the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import pause
from harness.drivers import process
from harness.errors import ControlError
from harness.finding import Level
from harness.model import Break, Undo
from harness.shop import Residence, Thing

NAME = "orders_db-1"
SUPERVISOR = "import os, time\nwhile True:\n    child = os.fork() or time.sleep(60)\n    os.waitpid(child, 0)\n"


class Instance:
    """A leader that starts its main process again, in the run folder ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pid_file = folder, folder / "pids" / f"{NAME}.pid"
        self.pid_file.parent.mkdir()
        process.spawn([sys.executable, "-c", SUPERVISOR], self.pid_file, {"SHOP_TOKEN": "t0k3n"})
        self.powers = process.ProcessPowers(NAME, self.pid_file)
        thing = Thing(name=NAME, ref=str(self.pid_file), state={})
        self.residence = Residence(run="run1", driver="process", things=(thing,))
        self.await_main()

    @property
    def state(self) -> str:
        """How it is now."""
        return process.state(process.read(self.pid_file))

    @property
    def main(self) -> tuple[int, ...]:
        """The pids of its main process."""
        return process.main_processes(process.read(self.pid_file))

    def await_main(self, other_than: tuple[int, ...] = ()) -> None:
        """Wait until it has a main process."""
        for _ in range(200):
            if self.main and self.main != other_than:
                return
            pause(0.02)
        raise AssertionError("no main process")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    one = Instance(tmp_path)
    yield one
    assert process.sweep("run1", tmp_path) == ()
    assert process.labelled(tmp_path) == ()


def off(instance: Instance) -> list[tuple[str, str]]:
    """Name what is not as declared, and the verb that would mend it."""
    return [(one.residue.what, one.undo.verb if one.undo else "") for one in process.deviations(instance.residence)]


@pytest.mark.parametrize(("power", "what", "verb"), [("kill", "gone", "start"), ("pause", "paused", "signal")])
def test_what_it_breaks_is_seen_and_mended_twice_without_harm(power: str, what: str, verb: str, instance: Instance) -> None:
    """Once by the undo it wrote down before, once by the one that the comparison proposes."""
    for _ in range(2):
        breaking: Break = getattr(instance.powers, power)()
        assert instance.state == "running"
        breaking.act()
        for _ in range(100):
            if instance.state == what:
                break
            pause(0.02)
        assert off(instance) == [(what, verb)]
        seen = [one.undo for one in process.deviations(instance.residence) if one.undo]
        for undo in (*breaking.undo, *breaking.undo, *seen):
            process.MENDERS[undo.verb](undo)
        assert off(instance) == []
        instance.await_main()


def test_a_crash_hits_the_main_process_and_not_what_supervises_it(instance: Instance) -> None:
    before, leader = instance.main, process.read(instance.pid_file)
    breaking = instance.powers.crash()
    assert breaking.undo == ()
    breaking.act()
    instance.await_main(other_than=before)
    assert process.read(instance.pid_file) == leader
    assert instance.state == "running"


def test_a_number_that_belongs_to_somebody_else_is_not_signalled(instance: Instance) -> None:
    """The pid is the same, its start is not: whoever had it is gone, and an undo for it counts as healed."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        old = process.Process(argv=(), pid=stranger.pid, start_ticks=process.started(stranger.pid) - 1)
        assert process.state(old) == "gone"
        process.send(old, signal.SIGKILL)
        args: dict[str, int | str] = {"pid": old.pid, "start_ticks": old.start_ticks, "signal": "SIGKILL"}
        process.MENDERS["signal"](Undo(verb="signal", on=NAME, args=args))
        assert stranger.poll() is None
        stranger.kill()


def test_what_is_gone_cannot_be_broken(instance: Instance) -> None:
    breaking = instance.powers.pause()
    process.send(process.read(instance.pid_file), signal.SIGKILL)
    assert process.await_state(process.read(instance.pid_file), "gone")
    with pytest.raises(ControlError, match="gone already"):
        breaking.act()
    with pytest.raises(ControlError, match="gone already"):
        process.started(2**22 + 1)


def test_an_undo_of_what_was_removed_is_healed(instance: Instance) -> None:
    breaking = instance.powers.kill()
    process.sweep("run1", instance.folder)
    process.MENDERS["start"](breaking.undo[0])
    assert process.labelled(instance.folder) == ()


def test_a_sweep_ends_what_gets_its_label_while_it_looks(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it first looks the process has no environment yet."""
    real, looks = process.labelled, list[Path]()

    def late(folder: Path) -> tuple[process.Process, ...]:
        looks.append(folder)
        return real(folder) if len(looks) > 1 else ()

    monkeypatch.setattr(process, "labelled", late)
    assert process.sweep("run1", instance.folder) == ()
    assert real(instance.folder) == ()


def test_a_sweep_finds_what_nobody_wrote_down_and_only_of_its_run(instance: Instance, tmp_path: Path) -> None:
    """Its starter died before it wrote the pid file; the label is in its environment."""
    environment = os.environ | {process.LABEL: str(tmp_path)}
    stranger = os.environ | {process.LABEL: f"{tmp_path}-other"}
    with (
        subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True),
        subprocess.Popen(["sleep", "60"], env=stranger, start_new_session=True) as others,
    ):
        assert process.sweep("run1", tmp_path) == ()
        assert process.labelled(tmp_path) == ()
        assert others.poll() is None
        others.kill()
    assert list((tmp_path / "pids").iterdir()) == []


def test_the_time_of_what_it_supervises_is_its_own(instance: Instance) -> None:
    """Else a busy shop would be taken for somebody else on the machine."""
    busy = "import os\nos.fork()\nwhile True: pass\n"
    pid_file = instance.pid_file.with_name("busy-1.pid")
    process.spawn([sys.executable, "-c", busy], pid_file)
    both = Residence(run="run1", driver="process", things=(Thing(name="busy-1", ref=str(pid_file), state={}),))
    pause(0.6)
    leader = process.stat(process.read(pid_file).pid)
    used = process.cpu_s(both)
    assert leader is not None
    assert used["busy-1"] > leader[2]


def test_logs_are_collected_without_the_runs_secrets(instance: Instance) -> None:
    """The token is in the environment of what runs; where nothing runs any more nobody can tell, and nothing is written."""
    logs = instance.folder / "logs"
    instance.pid_file.with_suffix(".out").write_text("my token is t0k3n\n")
    process.collect("run1", logs)
    assert (logs / f"{NAME}.log").read_text() == "my token is ***\n"
    (logs / f"{NAME}.log").unlink()
    process.send(process.read(instance.pid_file), signal.SIGKILL)
    assert process.await_state(process.read(instance.pid_file), "gone")
    process.collect("run1", logs)
    assert list(logs.iterdir()) == []


def test_a_kernel_that_lists_no_children_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the list nobody finds the main process that is to crash."""
    (well,) = process.examine()
    assert (well.what, well.level) == ("processes", Level.OK)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    (ill,) = process.examine()
    assert (ill.level, ill.mend) == (Level.WARNING, "use a kernel with CONFIG_PROC_CHILDREN")


@pytest.mark.parametrize("pid", ["0", "-1", str(2**22 + 1), "9" * 30, '"\xff"', "[" * 100_000])
def test_a_pid_file_that_names_no_process_cannot_be_read(pid: str, tmp_path: Path) -> None:
    """A signal to 0 or -1 would hit many; the kernel's calls raise for larger ones."""
    pid_file = tmp_path / "it.pid"
    pid_file.write_bytes(f'{{"argv": [], "start_ticks": 1, "pid": {pid}}}'.encode("latin-1"))
    with pytest.raises(ControlError, match=r"it\.pid"):
        process.read(pid_file)
