"""What our two edges have in common: a cache of one product between steering and the balancer, and how to see it answer."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from harness.capabilities import Wrong
from harness.drivers.docker_commands import commanding, upkeep
from harness.model import SILENT, Break, Reading
from sut.components import lb
from sut.components.ask import Deadline, about, answers, healthy, http_get, look
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.watched import Scrape

PORT: Final = 8080
OWN_PORT: Final = 8081  # where it tells of itself, whatever is behind it
BEYOND: Final = "/beyond"  # there: what the balancer says now, whatever the edge tells shoppers
RELAY_S: Final = 0.9
HEARD_S, PROVEN_S = 0.6, 0.3  # in which something may come over the link, and in which both its ends must answer else
STALE_MS: Final = 2500  # the origin says that its answer may be kept for 1 s, which edges count in whole seconds
_NOTHING_CAME: Final = (502, 504)  # by which our products say so
ELSEWHERE: Final = "<!doctype html><title>Welcome</title><p>This is not the shop that you asked for."  # a wrong body


class Edge(Part):
    """One edge. ``origin`` is the balancer's address. A product says how it is configured, and how that is exchanged.

    ``astray`` is a shell line that prints how it answers wrongly (``named``), nothing where it answers as it was started;
    ``restore`` one that brings it back to that, as a fresh start does too.
    """

    scrape: ClassVar[Scrape] = Scrape(port=OWN_PORT, keep="edge_.*")
    astray: ClassVar[str]
    restore: ClassVar[str]

    def __init__(
        self, ground: Ground, instance: str, command: list[str], *, origin: str, files: Mapping[str, str], **engine: Any
    ) -> None:
        self._origin = origin
        super().__init__(ground, instance, command, memory="256m", files=files, **engine)

    def labels(self) -> dict[str, str]:
        """Say too how it is seen to answer wrongly, and mended, from any shell."""
        return {**super().labels(), **upkeep(self.astray, self.restore)}

    def wrongly(self, how: Wrong, amount: int) -> list[str]:
        """Give the command that makes it answer wrongly."""
        raise NotImplementedError

    def not_ready(self) -> str | None:
        """Ready when the balancer answers through it."""
        status, body = http_get(self.address, PORT, lb.NOW, self.deadline())
        return None if status == 200 else f"GET {lb.NOW} gave {status} {body[:100]!r}"

    def answer_ms(self) -> Reading:
        """Ask whether it works itself, whatever is behind it."""
        return look(self.ground.now_ns, CALL_S, healthy(self.address, OWN_PORT))

    def heard_ms(self, peer: str | None) -> Reading:
        """Let it fetch what the balancer says, on its own port: how it answers shoppers has no part in it.

        Silent where nothing came, although it works itself and the balancer answers others: else nobody could look.
        """
        if peer is None:
            return self.answer_ms()
        return look(self.ground.now_ns, HEARD_S, self._reaches)

    def misanswer(self, how: Wrong, amount: int) -> Break:
        """Prepare that it gets another configuration."""
        typed = f"docker exec {self.instance} <load a configuration: {named(how, amount)}>"
        return commanding(self.get_wrapped_container(), self.wrongly(how, amount), typed)

    def relayed(self) -> Reading:
        """Ask it for what the balancer answers, and compare that with what the balancer says itself."""
        try:
            status, said = http_get(self._origin, lb.PORT, lb.NOW, self.deadline(RELAY_S))
        except (OSError, ValueError) as error:
            return Reading(at_ns=self.ground.now_ns(), value=None, why=f"the origin itself: {error or type(error).__name__}")
        if status != 200:
            return Reading(at_ns=self.ground.now_ns(), value=None, why=f"the origin itself answers {status}")
        return look(self.ground.now_ns, RELAY_S, lambda deadline: self._relayed(said, deadline))

    def _relayed(self, said: bytes, deadline: Deadline) -> str | None:
        status, body = http_get(self.address, PORT, lb.NOW, deadline)
        return f"status {status}" if status != 200 else differs(body, said)

    def _reaches(self, deadline: Deadline) -> str | None:
        status, body = 0, b""
        with about(self.instance), suppress(TimeoutError):  # over a connection that stands, it waits for longer than we do
            status, body = http_get(self.address, OWN_PORT, BEYOND, deadline)
        if status and status not in _NOTHING_CAME:
            with about(self.instance):
                _told(status, body)
            return None
        proof = self.deadline(PROVEN_S)
        with about(self.instance):
            answers(self.address, OWN_PORT, "/health", proof)
        with about("the balancer"):
            answers(self._origin, lb.PORT, lb.NOW, proof)
        return SILENT


def named(how: Wrong, amount: int) -> str:
    """Name a configuration by which an edge answers wrongly."""
    return f"wrongly-{how}-{amount}" if amount else f"wrongly-{how}"


_BEGUN: Final = re.compile(rb"a(t( \d*)?)?")  # of a first line that is not whole


def _told(status: int, body: bytes) -> None:
    """Raise ``ValueError`` for anything but what the balancer says."""
    if status != 200 or _split(body)[0] is None:
        raise ValueError(f"GET {BEYOND} gave {status} {body[:100]!r}")


def differs(body: bytes, said: bytes) -> str | None:
    """Say how one answer to ``GET /now`` differs from another that was given just before; None where it need not."""
    moment, rest = _split(body)
    said_moment, said_rest = _split(said)
    if moment is None or said_moment is None:
        return "truncated" if said_moment is not None and _BEGUN.fullmatch(body) else "wrong"
    if rest != said_rest:
        return "truncated" if said_rest.startswith(rest) else "wrong"
    return "stale" if said_moment - moment > STALE_MS else None


def _split(body: bytes) -> tuple[int | None, bytes]:
    """Part what changes from what does not: the moment, and the lines that are always the same."""
    match = re.match(rb"at (\d+)\n([^\[]*)", body)
    return (int(match[1]), match[2]) if match else (None, b"")
