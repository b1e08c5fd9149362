"""What all parts of the shop have in common: a container at a fixed address, that says itself when it is ready."""

import threading
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, ClassVar, Self

from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import WaitStrategy
from testcontainers.core.waiting_utils import WaitStrategyTarget

from harness.errors import ControlError, SetupError
from harness.model import Reading
from sut.components.ask import Deadline, look
from sut.components.ground import ENGINE_LIMIT_S, Ground
from sut.components.watched import Rule, Scrape
from sut.services.knock import knock

# Its reaper comes from a registry that is not always there; the guardian and the run's label do its work.
testcontainers_config.ryuk_disabled = True
# Inside a container it would guess a gateway's address. The parts are asked at their own.
testcontainers_config.connection_mode_override = ConnectionMode.docker_host

POLL_S = 0.1
CALL_S = 0.5
TRY_S = 3.0
ROUND_TRIPS, ROUND_TRIP_S, LOST_S = 11, 2.0, 0.5
LOG_LINES = 2000


class Until(WaitStrategy):
    """Wait, asking every 0.1 s, until ``check`` gives None; what it gives before is the state seen."""

    def __init__(
        self, what: str, check: Callable[[], str | None], within_s: int, given_up: threading.Event | None = None
    ) -> None:
        super().__init__()
        self.what, self.within_s, self._check, self.seen = what, within_s, check, "never asked"
        self._given_up = given_up or threading.Event()
        self.with_startup_timeout(within_s).with_poll_interval(POLL_S)

    def wait(self) -> None:
        """Wait. Raises ``SetupError`` with the last state seen."""

        def settled() -> bool:
            if self._given_up.is_set():
                raise StopIteration  # what testcontainers understands as "no longer"
            try:
                seen = self._check()
            except (OSError, ValueError) as error:  # nobody listens yet, or stammers
                seen = str(error) or type(error).__name__
            self.seen = seen or ""
            return seen is None

        if not self._poll(settled):
            raise SetupError(f"{self.what} within {self.within_s} s; last seen: {self.seen}")

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Wait for a part. Raises ``SetupError`` with the last state seen and the part's last words."""
        try:
            self.wait()
        except SetupError as error:
            raise SetupError("\n    ".join([f"{error}. Its last log lines:", *_last_words(container)])) from None


def _last_words(container: WaitStrategyTarget) -> list[str]:
    try:
        return b"".join(container.get_logs()).decode(errors="replace").splitlines()[-15:]
    except OSError as error:  # the container may be gone: that must not hide what was seen before
        return [f"none: {error}"]


class Part(DockerContainer):
    """One instance of a component. ``role`` names its image, ``packages`` are those whose versions a report shows.

    ``scrape`` (None: it tells no counters) and ``rules`` are for the shop's monitoring. ``files`` are put into the
    container before it starts, so nothing of the host is mounted. It comes back by itself when its main process dies;
    killed through the engine, as a host is lost, it stays dead until it is started.
    """

    role: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    scrape: ClassVar[Scrape | None]
    rules: ClassVar[tuple[Rule, ...]]
    ready_within_s: ClassVar[int] = 20
    main_process: ClassVar[tuple[str, ...]] = ("sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)")

    def __init__(
        self,
        ground: Ground,
        instance: str,
        command: list[str],
        *,
        memory: str,
        files: Mapping[str, str] | None = None,
        **engine: Any,
    ) -> None:
        super().__init__(
            ground.images[self.role], docker_client_kw={"timeout": ENGINE_LIMIT_S}, name=f"{ground.network}-{instance}"
        )
        self.ground, self.instance = ground, instance
        self.address = ground.addresses[instance]
        self.with_command(command)
        for path, text in (files or {}).items():
            self.with_copy_into_container(text.encode(), path)
        self.with_kwargs(
            hostname=instance,
            network=ground.network,
            networking_config={ground.network: {"IPAMConfig": {"IPv4Address": self.address}, "Aliases": [instance]}},
            labels=self.labels(),
            init=True,
            mem_limit=memory,
            memswap_limit=memory,
            restart_policy={"Name": "unless-stopped"},
            log_config={"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}},
            **engine,
        )
        self.waiting_for(Until(f"{instance} was not ready", self.not_ready, self.ready_within_s, ground.given_up))

    def labels(self) -> dict[str, str]:
        """Give its labels, by which it is found by those who know no shop."""
        return self.ground.labels(self.instance)

    def not_ready(self) -> str | None:
        """Say what is still missing before it serves, None when it does. May raise ``OSError``."""
        raise NotImplementedError

    def answer_ms(self) -> Reading:
        """Ask it, within 0.5 s, by its own protocol whether it works."""
        raise NotImplementedError

    def heard_ms(self, peer: str | None) -> Reading:
        """Let something pass over a link; without a peer that is to ask it from outside."""
        if peer is not None:
            raise ControlError(f"{self.instance}: nobody knows how to see whether its link to {peer} works")
        return self.answer_ms()

    def carried_ms(self, peer: str, size_bytes: int) -> Reading:
        """Have an answer of so many bytes come over a link, see ``capabilities.Carries``."""
        raise ControlError(f"{self.instance}: nobody knows how its link to {peer} carries {size_bytes} bytes")

    def knock(self, peer: str | None, count: int, within_s: float, _deadline: Deadline) -> list[float | None]:
        """Knock over a link, as ``knock`` does; without a peer that is from outside. Raises ``OSError``."""
        if peer is not None:
            raise ControlError(f"{self.instance}: nobody knows how to try out its link to {peer}")
        return knock(self.address, count, within_s)

    def round_trip_ms(self, peer: str | None) -> Reading:
        """Knock a few times, and take the median of what was answered."""

        def ask(deadline: Deadline) -> float:
            return median(_answered(self.knock(peer, ROUND_TRIPS, ROUND_TRIP_S, deadline)))

        return look(self.ground.now_ns, TRY_S, ask)

    def lost_ratio(self, peer: str | None, knocks: int) -> Reading:
        """Knock often, and count what was not answered before the kernel tries again."""

        def ask(deadline: Deadline) -> float:
            took_ms = self.knock(peer, knocks, LOST_S, deadline)
            return 1 - len(_answered(took_ms)) / len(took_ms)

        return look(self.ground.now_ns, TRY_S, ask)

    def kbytes_per_s(self, peer: str | None) -> Reading:
        """Move bytes over a link: only parts that have one can."""
        raise ControlError(f"{self.instance}: nobody knows how to move bytes {f'to {peer}' if peer else 'but over a link'}")

    def deadline(self, within_s: float = CALL_S) -> Deadline:
        """Give a deadline on the run's clock."""
        return Deadline(self.ground.now_ns, within_s)

    def adopt(self, ref: str) -> Self:
        """Stand for a container that another process has started. Raises ``ControlError`` where it has gone."""
        try:
            self._container = self.get_docker_client().client.containers.get(ref)
        except OSError as error:  # all that the engine's client raises about an answer is one
            raise ControlError(f"{self.instance}: cannot be found again: {error}. Type: windtunnel status") from error
        return self

    @property
    def ref(self) -> str:
        """The container's full id."""
        return self.get_container_id()

    def versions(self) -> dict[str, str]:
        """Read the versions of its packages from the list in its own image."""
        listed = self.exec(["timeout", "5", "cat", "/etc/windtunnel-packages"]).output.decode()
        found = dict(line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
        return {name: found.get(name, "unknown") for name in self.packages}

    def log(self) -> str:
        """Read its last 2000 lines of log, each with the engine's time."""
        return self.get_wrapped_container().logs(tail=LOG_LINES, timestamps=True).decode(errors="replace")


def _answered(took_ms: list[float | None]) -> list[float]:
    """Give the knocks that were answered. Raises ``TimeoutError`` where none was."""
    answered = [ms for ms in took_ms if ms is not None]
    if not answered:
        raise TimeoutError("no knock was answered")
    return answered
