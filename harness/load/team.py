"""What several generators of one load say to each other, as Locust's own messages: JSON that is checked on arrival."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from harness.events import LoadTick
from harness.load import ledger, requests
from harness.load.spec import LoadSpec
from harness.model import noun

T = TypeVar("T")
# To a worker: take your place; begin; end. Both ways: the time. From it: I listen; I stand, or why not; rows; a tick; done.
STAND, BEGIN, UNTIL, CLOCK = "stand", "begin", "until", "clock"
HERE, STANDS, ROWS, TICK, DONE = "here", "stands", "rows", "tick", "done"
FIELD = "json"
QUESTIONS = 20
CLOCK_ERROR_NS = 5_000_000  # the most that may be unknown about another machine's clock


@noun
class Part:
    """A worker's part of a load: of every ``of`` arrivals, in their order, the ``nth`` (from 0)."""

    spec: LoadSpec
    nth: int
    of: int


@noun
class Moment:
    """A time of the run, in ns: when the load begins, or when it ends."""

    at_ns: int


@noun
class Clock:
    """A question for the time, by its number; in the answer ``at_ns`` is the other's CLOCK_MONOTONIC."""

    number: int
    at_ns: int = 0


@noun
class Here:
    """A worker listens: what was said to it before, nobody heard."""


@noun
class Stands:
    """A worker has taken its place. ``refused`` says why it has not; else ``error_ns`` is how well it knows the time."""

    refused: str = ""
    error_ns: int = 0


@noun
class Rows:
    """Rows of the ledger, and of the record of requests, in the order in which they were settled."""

    orders: tuple[ledger.Row, ...]
    sessions: tuple[requests.Row, ...]


@noun
class Done:
    """A worker's part is over, and all its rows are on their way; ``refused`` says why, where that was not its time."""

    refused: str = ""


Word = Part | Moment | Clock | Here | Stands | Rows | Done | LoadTick


def wrapped(word: Word) -> dict[str, Any]:
    """Put a word into a message's data."""
    return {FIELD: msgspec.json.encode(word)}


def unwrapped(data: Any, kind: type[T]) -> T:
    """Take a word out of a message's data. Raises ``ValueError`` for another one, ``KeyError`` or ``TypeError`` for none."""
    return msgspec.json.decode(data[FIELD], type=kind)


def ahead(ask: Callable[[int], int], now_ns: Callable[[], int]) -> tuple[int, int]:
    """Learn how far our clock is ahead of the master's, in ns, and how well that is known: by the quickest of some answers.

    The answer was given some time between our question and its arrival. Where that does not tell the two apart, it is the
    same clock, and 0. ``ask`` gives the other's time. Source: D. L. Mills and others, RFC 5905, section 8.
    """
    best = (0, 1 << 62)
    for number in range(QUESTIONS):
        asked_ns = now_ns()
        theirs_ns = ask(number)
        heard_ns = now_ns()
        known = ((asked_ns + heard_ns) // 2 - theirs_ns, (heard_ns - asked_ns + 1) // 2)
        best = min(best, known, key=lambda one: one[1])
    offset_ns, error_ns = best
    return (0, error_ns) if abs(offset_ns) <= error_ns else (offset_ns, error_ns)
