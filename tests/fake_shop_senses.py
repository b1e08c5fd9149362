"""How the fake shop is seen: questions to an instance over its own port, never by signals."""

import json
import socket
import time
from pathlib import Path
from typing import Any

from harness.errors import ControlError
from harness.model import REFUSED, SILENT, Reading, Series
from harness.shop import Site

Address = tuple[str, int]


class Senses:
    """Asks an instance over its own port, never by signals."""

    def __init__(self, address: Address, nodes: dict[str, Address], leader: Path, site: Site) -> None:
        self._address, self._nodes, self._leader, self._now = address, nodes, leader, site.now_ns

    def answer_ms(self) -> Reading:
        """Ask whether it answers."""
        return self._ask("ping", lambda _, ms: ms)

    def started(self) -> Reading:
        """Ask since when its main process runs."""
        return self._ask("started", lambda said, _: str(said["started"]))

    def standbys(self) -> Reading:
        """Ask the leader for its standbys."""
        leader = json.loads(self._leader.read_text())["name"]
        return self._ask("standbys", lambda said, _: float(said["standbys"]), self._nodes[leader])

    def primary(self) -> Reading:
        """Read who renewed the lead in the last second."""
        found = json.loads(self._leader.read_text())
        fresh = time.time() - found["at"] < 1.0
        return Reading(at_ns=self._now(), value=found["name"] if fresh else "none")

    def _ask(self, what: str, read: Any, of: Address | None = None) -> Reading:
        try:
            said, ms = ask(of or self._address, what, 0.5)
        except TimeoutError:
            return Reading(at_ns=self._now(), value=SILENT)
        except (OSError, ValueError):
            return Reading(at_ns=self._now(), value=REFUSED)
        return Reading(at_ns=self._now(), value=read(said, ms))


class Samples:
    """Asks the monitor for what it has sampled, and whom it calls."""

    def __init__(self, address: Address, site: Site) -> None:
        self._address, self._now_ns = address, site.now_ns

    def receiver(self) -> str:
        """Give the URL it calls."""
        try:
            return str(ask(self._address, "receiver", 1.0)[0]["receiver"])
        except (OSError, ValueError, KeyError) as error:
            raise ControlError(f"the monitor does not answer: {error}") from error

    def metrics(self, begin_ns: int, end_ns: int) -> tuple[Series, ...]:
        """Give the counters of the storefronts."""
        try:
            said, _ = ask(self._address, "samples", 5.0)
        except (OSError, ValueError) as error:
            raise ControlError(f"the monitor does not answer: {error}") from error
        zero_ns = time.time_ns() - self._now_ns()
        found = []
        for key, rows in said["samples"].items():
            on, kind = key.split()
            timed = [(round(row[0] * 1e9) - zero_ns, *row[1:]) for row in rows]
            inside = [row for row in timed if begin_ns <= row[0] < end_ns]
            for place, name in enumerate(("query_count", "query_sum_s", "query_fast"), 1):
                times, values = tuple(row[0] for row in inside), tuple(float(row[place]) for row in inside)
                found.append(Series(name=name, on=on, labels={"class": kind}, times_ns=times, values=values))
        return tuple(found)


def ask(address: Address, what: str, timeout_s: float) -> tuple[Any, float]:
    """Ask one instance one thing; give the answer and the milliseconds it took. The balancer only accepts."""
    began = time.monotonic()
    with socket.create_connection(address, timeout_s) as connection:
        connection.sendall(b'{"ask": "%s"}\n\r\n\r\n' % what.encode())
        with connection.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise ConnectionResetError(f"{address} hung up without an answer")
    return json.loads(line), (time.monotonic() - began) * 1000
