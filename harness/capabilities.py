"""What instances of a shop can undergo (powers) and how they can be seen (senses).

A power breaks and knows its undo. A sense measures by another path than the power writes: never through the engine's
or a proxy's control interface. Every call has a bound; a power that cannot be prepared raises ``ControlError``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from harness.model import Break, Reading, Series

Way = Literal["both", "in", "out"]
Toxic = Literal["latency", "bandwidth", "slicer", "limit_data", "reset_peer", "link_timeout"]
DELAY_LASTS_S = 3600  # after which packets are held back no more, whoever forgot to undo it
Wrong = Literal["status", "body", "stale", "truncated", "slow"]


@runtime_checkable
class Killable(Protocol):
    """Can be lost as a host is lost: gone at once, and staying gone."""

    def kill(self) -> Break:
        """Prepare the loss; its undo starts the instance again."""
        ...


@runtime_checkable
class Crashable(Protocol):
    """Its main process can die; what supervises it may start it again."""

    def crash(self) -> Break:
        """Prepare the death of the main process; there is no undo."""
        ...


@runtime_checkable
class Pausable(Protocol):
    """Can be frozen: alive, holding its connections, answering nothing."""

    def pause(self) -> Break:
        """Prepare the freeze; its undo thaws."""
        ...


@runtime_checkable
class Cuttable(Protocol):
    """Its packets can be lost on their way, where they enter or leave it."""

    def cut(self, peer: str | None, way: Way) -> Break:
        """Prepare the loss of all packets from (``in``) and to (``out``) the instances of ``peer``; of everybody if None.

        Its undo lets them pass again.
        """
        ...


@runtime_checkable
class Refusable(Protocol):
    """Its connections can be reset, where their packets enter or leave it."""

    def refuse(self, peer: str | None, way: Way) -> Break:
        """Prepare that TCP from (``in``) and to (``out``) the instances of ``peer`` is reset; of everybody if None.

        What is not TCP is lost. Its undo lets packets pass again.
        """
        ...


@runtime_checkable
class Lossy(Protocol):
    """Some of its packets can be lost, where they enter or leave it."""

    def lose(self, peer: str | None, way: Way, percent: int, seed: int) -> Break:
        """Prepare the loss of ``percent`` of 100 packets from (``in``) and to (``out``) ``peer``; of everybody's if None.

        Which ones follows from ``seed`` and the order in which they come. Its undo lets them pass again.
        """
        ...


@runtime_checkable
class Throttleable(Protocol):
    """Its links can be made slow, for connections that stand too."""

    def throttle(self, peer: str | None, way: Way, kbytes_per_s: int) -> Break:
        """Prepare that no more than ``kbytes_per_s`` (of 1,024 bytes) come in, and as many go out; the rest is lost.

        Its undo lets all pass again.
        """
        ...


@runtime_checkable
class Delayable(Protocol):
    """What it receives can be held back."""

    def delay(self, peer: str | None, ms: int, jitter_ms: int, seed: int) -> Break:
        """Prepare that packets from ``peer``, from everybody if None, come in ``ms`` later, give or take ``jitter_ms``.

        They keep their order. It ends by itself after ``DELAY_LASTS_S``, whoever has died. Its undo ends it at once.
        """
        ...


@runtime_checkable
class Unnameable(Protocol):
    """Can be left without the resolution of names."""

    def unname(self) -> Break:
        """Prepare that its questions for names stay without an answer; addresses work on. Its undo lets them pass."""
        ...


@runtime_checkable
class Detachable(Protocol):
    """Can be taken off the network that it shares with the others."""

    def isolate(self) -> Break:
        """Prepare that it leaves; its undo brings it back under the same names and at the same address."""
        ...


@runtime_checkable
class Poisonable(Protocol):
    """What passes over its links can be spoilt on the way, by a proxy that a plan puts into the path of such a link."""

    def poison(self, peer: str, toxic: Toxic, settings: Mapping[str, int]) -> Break:
        """Prepare that a toxic spoils the link to ``peer``: for every instance, and for connections that stand too.

        ``settings`` are the fault's own parameters. Its undo leaves the link without any toxic, and open.
        """
        ...


@runtime_checkable
class Flushable(Protocol):
    """Keeps things for others, who can do without, and can lose all of it at once."""

    def flush(self) -> Break:
        """Prepare that it forgets everything; there is no undo."""
        ...


@runtime_checkable
class Corruptible(Protocol):
    """Keeps things for others, who believe it, and can be made to keep wrong ones."""

    def corrupt(self) -> Break:
        """Prepare wrong prices of what is most asked for: as fresh as right ones, and kept without an end. No undo."""
        ...


@runtime_checkable
class Misconfigurable(Protocol):
    """Passes on what those behind it answer, and can be configured to do so wrongly."""

    def misanswer(self, how: Wrong, amount: int) -> Break:
        """Prepare that it answers wrongly; its undo brings back its own configuration.

        ``how``: everything with the ``status`` of that number; reads with another ``body``; with one it keeps for too long
        (``stale``); ``truncated`` after so many bytes; ``slow`` by so many milliseconds. Where no number is needed it is 0.
        """
        ...


@runtime_checkable
class Scalable(Protocol):
    """Can be added to the others of its component while those work on."""

    def scale_out(self) -> Break:
        """Prepare that it is started beside them, which ends when it is ready; its undo asks it to go, then removes it."""
        ...


@runtime_checkable
class Answers(Protocol):
    """Can be asked, by its own protocol, whether it works."""

    def answer_ms(self) -> Reading:
        """Ask once, within 0.5 s: milliseconds, ``silent``, ``refused``, or None with why."""
        ...


@runtime_checkable
class Linked(Protocol):
    """Tells whether what is sent over one of its links arrives."""

    def heard_ms(self, peer: str | None) -> Reading:
        """Let something pass over the link to ``peer`` as the parts themselves do; if None, ask it from outside.

        Within 1 s: milliseconds, ``silent`` (nothing came across), ``refused``, or None with why: also where whoever was to
        look is ill itself, or the other end answers nobody, so that this says nothing about the link.
        """
        ...


@runtime_checkable
class Carries(Protocol):
    """Tells how well one of its links carries what the other end sends."""

    def carried_ms(self, peer: str, size_bytes: int) -> Reading:
        """Let every instance have an answer of so many bytes sent by ``peer``, over a connection that it keeps.

        Within 3 s, of the instance that suffers least: milliseconds, ``silent`` (it did not come within the 1.2 s that
        are waited for it), ``refused`` (the connection ended, or none was to be had), or None with why.
        """
        ...


@runtime_checkable
class Tried(Linked, Protocol):
    """Its links can be tried out: how long packets take, how many get lost, how many bytes pass.

    Each goes over the link to ``peer``; if None, it goes to the instance from outside. ``silent`` where nothing came back.
    """

    def round_trip_ms(self, peer: str | None) -> Reading:
        """Knock some times, where nobody lives, so that the other end itself says no: the median of the milliseconds.

        Within 3 s.
        """
        ...

    def lost_ratio(self, peer: str | None, knocks: int) -> Reading:
        """Knock that often (at most 500): the share (0..1) to which no answer came in 0.5 s, before any is tried again.

        Within 1 s.
        """
        ...

    def kbytes_per_s(self, peer: str | None) -> Reading:
        """Move bytes as the parts themselves do, for at most 1 s: how many kbytes (of 1,024 bytes) passed in a second.

        Within 3 s.
        """
        ...


@runtime_checkable
class Resolves(Protocol):
    """Looks up names of other parts."""

    def lookup_ms(self) -> Reading:
        """Let it look up a name as it does itself, within 1 s: milliseconds, ``silent``, ``refused``, or None with why.

        While a lookup of before has not returned, no other is begun.
        """
        ...


@runtime_checkable
class Relays(Protocol):
    """Passes on what those behind it answer."""

    def relayed(self) -> Reading:
        """Ask it for something that those behind it answer, and compare the two answers, within 2 s in all.

        Milliseconds where it gave what it should; else ``status`` and a number, ``wrong``, ``truncated`` or ``stale``;
        ``silent`` or ``refused``; or None with why, also where those behind it do not answer themselves.
        """
        ...


@runtime_checkable
class Writable(Protocol):
    """Takes transactions of its own, whatever the others of its component do."""

    def commit_ms(self) -> Reading:
        """Commit a transaction on this instance: milliseconds until it returned without a warning, within 1 s.

        ``silent`` where it did not return, or one sent before has not yet; ``refused`` where it takes none; ``warned``
        where it returned with a warning; or None with why.
        """
        ...


@runtime_checkable
class Started(Protocol):
    """Tells by its own protocol since when its main process runs."""

    def started(self) -> Reading:
        """Ask once, within 0.5 s: a text that changes with every start, ``silent``, ``refused``, or None with why."""
        ...


@runtime_checkable
class Retentive(Protocol):
    """Tells since when it has kept what it keeps."""

    def kept_since(self) -> Reading:
        """Read once, within 0.5 s, what was left there at the first look: another text once that was lost.

        ``silent``, ``refused``, or None with why.
        """
        ...


@runtime_checkable
class Priced(Protocol):
    """What it keeps is what shoppers are shown."""

    def price_shown(self) -> Reading:
        """Read the price (cents) of something popular where shoppers read it, within 0.5 s.

        ``silent``, ``refused``, or None with why.
        """
        ...


@runtime_checkable
class Truthful(Protocol):
    """Shows shoppers prices and stock, of which somebody else knows the truth."""

    def shown_age_ms(self) -> Reading:
        """Hold a page against the truth, within 1 s: how old that is which it shows (ms), ``wrong`` where it is not so.

        ``silent``, ``refused``, or None with why.
        """
        ...


@runtime_checkable
class Replicated(Protocol):
    """Keeps its data on several nodes."""

    def standbys(self) -> Reading:
        """Count the synchronous standbys that stream now, within 1 s (float), or None with why."""
        ...

    def primary(self) -> Reading:
        """Name the instance that takes writes now, ``"none"``, or None with why; within 1 s."""
        ...


@runtime_checkable
class Shares(Protocol):
    """Serves its part of the orders, by the word of whoever hands them out."""

    def share_ratio(self) -> Reading:
        """Ask that one, within 0.5 s: its share (0..1) of the orders served since the last look, or None with why."""
        ...


@runtime_checkable
class Metered(Protocol):
    """Samples the shop's counters, and keeps the samples."""

    def metrics(self, begin_ns: int, end_ns: int) -> tuple[Series, ...]:
        """Give the raw samples of a stretch of the run's time, a column for each counter; within 20 s.

        No sample is no column. Raises ``ControlError`` where it cannot be asked, or what it says cannot be understood.
        """
        ...


@runtime_checkable
class Alerting(Protocol):
    """Sends the shop's alerts on to whoever is on call, here the receiver of the harness, and ``Watchdog`` all the time."""

    def receiver(self) -> str:
        """Give the address it sends to, by its own word. Raises ``ControlError``; within 1 s."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A machine that others use too."""

    def foreign_ratio(self) -> Reading:
        """Give the share (0..1) of CPU time since the last call stolen or used outside the run; or None with why."""
        ...


@runtime_checkable
class Spends(Protocol):
    """Uses CPU time, of which somebody keeps count."""

    def cpu_s(self) -> Reading:
        """Give the CPU seconds used since it was started, all its processes together; or None with why."""
        ...


@runtime_checkable
class Rationed(Protocol):
    """May have a quota of CPU time, and somebody counts how long it waited for the next one."""

    def throttled_s(self) -> Reading:
        """Give the seconds since it was started for which it had used up its quota; or None with why."""
        ...


class Probe(Protocol):
    """Observes one thing at a rate through a sense, and never judges. A module of the shelf ``probes`` holds one."""

    sense: ClassVar[type]
    interval_s: ClassVar[float]
    each: ClassVar[bool]  # every instance of a component is looked at, not one for all

    def look(self, through: Any) -> Reading:
        """Look once."""
        ...
