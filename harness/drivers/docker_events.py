"""The engine's own word of what happened to a run's containers."""

import threading
from collections.abc import Callable

import docker
import requests

from harness.drivers.docker_client import CONTROL_S, HELPER, INSTANCE, RUN, client
from harness.errors import SetupError
from harness.events import EngineEvent, Gap

RESUMES = 20


class _Follower:
    """Follows the stream of one run; a broken stream is resumed where it broke, and noted as a gap."""

    def __init__(self, run: str, record: Callable[[EngineEvent | Gap], None], now_ns: Callable[[], int]) -> None:
        self._filters = {"label": f"{RUN}={run}", "type": "container"}
        self._record, self._now_ns = record, now_ns
        self._ending = threading.Event()
        self._close: Callable[[], None] = lambda: None
        self._since_ns = 0
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop following; waits for the thread, bounded."""
        self._ending.set()
        self._close()
        self._thread.join(CONTROL_S)

    def _follow(self) -> None:
        for attempt in range(RESUMES):
            try:
                self._read()
            except (SetupError, docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
                if not self._ending.is_set():
                    self._record(Gap(at_ns=self._now_ns(), what=f"the engine's event stream broke: {error}"))
            if self._ending.wait(min(0.1 * 2**attempt, float(CONTROL_S))):
                return

    def _read(self) -> None:
        """Read one stream to its end. Events at or before the last one seen are passed over."""
        since = self._since_ns // 10**9
        stream = client(None).events(since=since or None, decode=True, filters=self._filters)
        self._close = stream.close
        for event in stream:
            if self._ending.is_set():
                return
            if event["timeNano"] <= self._since_ns:
                continue
            self._since_ns = event["timeNano"]
            attributes = event["Actor"]["Attributes"]
            if HELPER in attributes:
                continue
            name = attributes.get(INSTANCE, attributes.get("name", ""))
            self._record(
                EngineEvent(at_ns=self._now_ns(), action=event["Action"], instance=name, engine_ns=event["timeNano"])
            )


def watch(run: str, record: Callable[[EngineEvent | Gap], None], now_ns: Callable[[], int]) -> Callable[[], None]:
    """Record the engine's events of the run's containers from now on; give the function that ends it."""
    return _Follower(run, record, now_ns).end
