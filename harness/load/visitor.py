"""How a shopper with a browser goes through a shop: the part of a session that is the shop's own. Pure, no network."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from harness.demand import Sessions
from harness.load.shopper import Answer, Request
from harness.model import noun


@noun
class Reply:
    """A whole answer to what was first asked at ``asked_ms``, in milliseconds since 1970.

    Names of ``headers`` are in small letters, ``cookies`` are the values of each ``Set-Cookie``.
    """

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    body: bytes
    sha256: bytes
    asked_ms: int


@noun
class Said:
    """What a shopper says of an answer: why it is ``wrong`` (of ``visits.WRONGS``, "" if it is not), what it ordered."""

    wrong: str = ""
    order: Answer | None = None


@noun
class Ask:
    """One request of a session: ``what`` is an index into ``visits.WHATS``, ``judge`` is asked about any whole answer."""

    what: int
    request: Request
    judge: Callable[[Reply], Said]


@noun
class Turn:
    """What a session asks at the same time, after it has thought for ``think`` times the scenario's ``think_s``."""

    asks: tuple[Ask, ...]
    think: float = 0.0


Visit = Generator[Turn, Sequence[Reply], None]


@runtime_checkable
class Visitor(Protocol):
    """A shopper that also comes with a browser. Cookies, repeated GETs and time-outs are the load's own business."""

    def visit(self, seq: int, sessions: Sessions) -> Visit:
        """Begin the session of an arrival: yield turn after turn, and be sent the replies to each, in the order of its asks.

        Pure and seeded: the same run, seed, seq and replies give the same turns. The first turn is the first page; no
        later one thinks before the assets of a page. A session whose turn failed is closed, without an answer.
        """
        ...
