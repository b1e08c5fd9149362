"""What the Docker engine says of runs, asked by its own command: by another path than the harness asks."""

import fcntl
import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.drivers.docker_client import INSTANCE, LOCK, RUN
from harness.model import noun
from sut import images
from tests.acceptance.flight import must

CALL_S = 60
LOOK_S = 0.25
HEALED_S, ROLES_S, REMOVED_S = 15.0, 120.0, 60.0
HOLDS_S = 25.0  # longer than the 20 s for which a leader that has died is still taken for one
STAYS_GONE_S = 6.0  # a call may have been queued in the engine when its caller died
UNDERWAY_S = 1.0  # what the engine has just done may still be on its way to our ear
MOMENT_S = 3.0  # a container that is being removed looks stopped for a moment
WELL = "running"
# A primary's standbys are told by their names, which are those of their instances.
ROLE = """select case when pg_is_in_recovery() then 'standby' else 'primary of ' || coalesce((
select string_agg(application_name || ' ' || sync_state, ',' order by application_name)
from pg_stat_replication where state = 'streaming'), 'none') end"""


def docker(*words: str) -> str:
    """Type one docker command; give what it printed. Raises ``CalledProcessError`` where it fails."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True, timeout=CALL_S).stdout.strip()


def containers(run: str) -> dict[str, str]:
    """Give the state of each container of a run, by name."""
    listed = docker("ps", "--all", "--filter", f"label={RUN}={run}", "--format", "{{.Names}}\t{{.State}}")
    return {name: state for name, _, state in (line.partition("\t") for line in listed.splitlines())}


def things(run: str) -> list[str]:
    """Name everything of a run: containers, networks, volumes."""
    label = ("--filter", f"label={RUN}={run}", "--format", "{{.Name}}")
    return [*containers(run), *docker("network", "ls", *label).split(), *docker("volume", "ls", *label).split()]


def lock_holder(lock: Path) -> set[int]:
    """Give the pids that the kernel names as holders of a lock file."""
    if not lock.exists():
        return set()
    inode = str(lock.stat().st_ino)
    held = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines() if "->" not in line]
    return {int(words[4]) for words in held if words[5].rpartition(":")[2] == inode}


@noun
class Clearing:
    """How a run was cleared away after a death: until when something was off, and when the last thing had gone, in s."""

    off_s: float
    gone_s: float

    def __str__(self) -> str:
        return f"nothing off after {self.off_s:.1f} s, all gone after {self.gone_s:.1f} s"


def see_cleared(run: str, since: float) -> Clearing:
    """Watch a run being healed and removed, from ``since`` (monotonic) on.

    Raises ``NotAsRequired`` where something is paused or stopped after 15 s for longer than its removal takes, or
    anything of the run is there after 60 s.
    """
    off_since: dict[str, float] = {}
    off_s = 0.0
    while left := things(run):
        now_s, states = time.monotonic() - since, containers(run)
        for name in [name for name in off_since if states.get(name, WELL) == WELL]:
            lasted_s = now_s - off_since.pop(name)
            off_s = now_s if name in states or lasted_s > MOMENT_S else off_s
        off_since = {name: now_s for name, state in states.items() if state != WELL} | off_since
        late = [f"{name} {states[name]}" for name, at in off_since.items() if now_s > max(HEALED_S, at + MOMENT_S)]
        must(not late, f"{now_s:.1f} s after the death still off: {', '.join(late)}")
        must(now_s < REMOVED_S, f"{now_s:.1f} s after the death still there: {', '.join(left)}")
        time.sleep(LOOK_S)
    gone_s = time.monotonic() - since
    time.sleep(STAYS_GONE_S)
    must(not things(run), f"it had gone after {gone_s:.1f} s, but came again: {', '.join(things(run))}")
    return Clearing(off_s=off_s, gone_s=gone_s)


def see_healed(run: str, since: float) -> str:
    """Watch a run that is kept: all runs within 15 s, and within 120 s the database's roles have held for 25 s; say when."""
    healed_s = _await(lambda: set(containers(run).values()) == {WELL}, since, HEALED_S, "all containers run")
    nodes = [name for name in containers(run) if "orders_db-" in name]
    roles_s = _await(lambda: as_declared(roles(nodes)), since, ROLES_S, "one primary, a synchronous standby", HOLDS_S)
    must(set(containers(run).values()) == {WELL}, "a container that ran does no longer")
    return f"all containers ran after {healed_s:.1f} s, roles were as declared from {roles_s:.1f} s on, for {HOLDS_S:g} s"


def _await(so: Callable[[], bool], since: float, within_s: float, what: str, holds_s: float = 0.0) -> float:
    """Wait until something has been so at each look for ``holds_s``; give from when on, in s from ``since``."""
    begun_s: float | None = None
    while True:
        now_s = time.monotonic() - since
        begun_s = (begun_s if begun_s is not None else now_s) if so() else None
        if begun_s is not None and time.monotonic() - since >= begun_s + holds_s:
            return begun_s
        must(now_s < within_s, f"not so {within_s:g} s after the death: {what}")
        time.sleep(LOOK_S)


def roles(nodes: Iterable[str]) -> dict[str, str]:
    """Ask each of the database's containers for its own role: ``standby``, or ``primary`` and its standbys; "" if silent.

    Each PostgreSQL is asked itself. What Patroni lists are keys in etcd, which outlive a node by up to 20 s.
    """
    return {node: _role(node) for node in nodes}


def _role(node: str) -> str:
    ask = f'PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD timeout 5 psql -h 127.0.0.1 -U postgres -AtXc "{ROLE}"'
    try:
        return docker("exec", node, "sh", "-c", ask)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return ""


def as_declared(said: Mapping[str, str]) -> bool:
    """Say whether one node is the primary, with all the others as its streaming synchronous standbys, which say so too."""
    primaries = [node for node, role in said.items() if role.startswith("primary")]
    others = [node for node in said if node not in primaries]
    if len(primaries) != 1 or not others or any(said[node] != "standby" for node in others):
        return False
    wanted = ",".join(sorted(f"{node[node.index('orders_db-') :]} sync" for node in others))
    return said[primaries[0]] == f"primary of {wanted}"


class Ear:
    """Listens to the engine's events of all runs, from now on, by ``docker events``; a file takes them, as many as come."""

    def __init__(self) -> None:
        words = ["docker", "events", "--filter", f"label={RUN}", "--filter", "type=container", "--format", "{{json .}}"]
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the ear
        self._child = subprocess.Popen(words, stdout=self._file)
        self._heard: list[tuple[str, str, str]] | None = None

    def heard(self) -> list[tuple[str, str, str]]:
        """Give what was heard so far: run, instance and action of each event, in their order."""
        if self._heard is not None:
            return self._heard
        size = os.fstat(self._file.fileno()).st_size  # read without moving: the child writes at the same place
        whole = os.pread(self._file.fileno(), size, 0).rpartition(b"\n")[0]
        events = [json.loads(line) for line in whole.splitlines()]
        attributes = [(event["Actor"]["Attributes"], event["Action"]) for event in events]
        return [(labels[RUN], labels.get(INSTANCE, ""), action) for labels, action in attributes]

    def of(self, run: str, instance: str) -> list[str]:
        """Give the actions heard so far of one instance of a run, in their order."""
        return [action for whose, of, action in self.heard() if (whose, of) == (run, instance)]

    def close(self) -> list[tuple[str, str, str]]:
        """Stop listening; give all that was heard. Twice gives the same."""
        if self._heard is None:
            time.sleep(UNDERWAY_S)
            self._child.terminate()
            self._child.wait(CALL_S)
            self._heard = self.heard()
            self._file.close()
        return self._heard


def in_this_order(actions: Iterable[str], wanted: Iterable[str]) -> bool:
    """Say whether the wanted actions are among those the engine told of, in their order."""
    told = iter(actions)
    return all(action in told for action in wanted)


class Bystander:
    """Containers that belong to another living run: one runs, one is paused by its owner. Nobody may touch them."""

    def __init__(self, folder: Path) -> None:
        self.run = f"bystander-{uuid.uuid4().hex[:8]}"
        lock = folder / f"{self.run}.lock"
        self._lock = lock.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._labels = [word for label in (f"{RUN}={self.run}", f"{LOCK}={lock}") for word in ("--label", label)]

    def __enter__(self) -> Self:
        image = images.tag("etcd")
        base = ["run", "--detach", "--network", "none", *self._labels, "--entrypoint", "sleep"]
        for name in ("runs", "rests"):
            docker(*base, "--name", f"{self.run}-{name}", image, "3600")
        docker("pause", f"{self.run}-rests")
        docker("network", "create", *self._labels, f"{self.run}-net")
        self._before = self._seen()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in containers(self.run):
            docker("rm", "--force", name)
        docker("network", "rm", f"{self.run}-net")
        self._lock.close()

    def must_be_untouched(self) -> None:
        """Compare it with what it was. Raises ``NotAsRequired``."""
        now = self._seen()
        must(now == self._before, f"a living run beside it was touched: {self._before} became {now}")

    def _seen(self) -> list[Any]:
        form = "{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}"
        names: Sequence[str] = sorted(containers(self.run))
        return [docker("inspect", "--format", form, *names).splitlines() if names else [], sorted(things(self.run))]
