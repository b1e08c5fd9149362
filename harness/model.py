"""What things are: the nouns that every room shares. No input, no output, no time."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar, Protocol, TypeVar, Union, dataclass_transform, runtime_checkable

from msgspec import Meta

from harness.errors import VacuousPassError

Scalar = bool | int | float | str | None
Json = Union[Scalar, Sequence["Json"], Mapping[str, "Json"]]  # noqa: UP007 -- it names itself
T = TypeVar("T")
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=0)]
Pid = Annotated[int, Meta(ge=1, le=2**22)]  # the kernel gives no other; calls that are given one raise, or hit many
Ratio = Annotated[float, Meta(gt=0, le=1)]  # a limit of 0 could never fail


@dataclass_transform(kw_only_default=True, frozen_default=True)
def noun(cls: type[T]) -> type[T]:
    """Make a class a noun of the house: a frozen, slotted, keyword-only dataclass."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


class Outcome(IntEnum):
    """What a run says about an objective; of several, the worst wins."""

    PASS = 0
    INCONCLUSIVE = 1
    FAIL = 2
    DIRTY = 3

    @property
    def exit_code(self) -> int:
        """The exit code a command ends with when this is its worst outcome."""
        return {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 12, Outcome.DIRTY: 13}[self]


_TARGET = re.compile(
    r"(?P<component>[a-z][a-z0-9_]*)(?:#(?P<index>[1-9][0-9]*)|:(?P<role>[a-z_]+))?(?:->(?P<peer>[a-z][a-z0-9_]*))?"
    r"|@(?P<alias>[a-z][a-z0-9_]*)"
)


@noun
class Target:
    """What a step aims at: ``cdn_a``, ``orders_db:primary``, ``storefront#2``, ``storefront#1->db_route``, ``@alias``.

    ``index`` counts from 1. A role is resolved only at the moment of injection. With ``peer`` it is the link from that
    instance to all (other) instances of that component, seen from the instance: it is hit at this end. A link without index
    and role, ``storefront->db_route``, is meant as a whole, where a proxy in its path carries it for all instances.
    """

    component: str | None = None
    index: int | None = None
    role: str | None = None
    peer: str | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read a target as written in a scenario. Raises ``ValueError`` with the forms that are understood."""
        match = _TARGET.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is no target; write component, component:role, component#2, component:role->component or @alias"
            )
        index = match["index"]
        return cls(
            component=match["component"],
            index=int(index) if index else None,
            role=match["role"],
            peer=match["peer"],
            alias=match["alias"],
        )

    def __str__(self) -> str:
        if self.alias is not None:
            return f"@{self.alias}"
        index = f"#{self.index}" if self.index else ""
        role = f":{self.role}" if self.role else ""
        peer = f"->{self.peer}" if self.peer else ""
        return f"{self.component}{index}{role}{peer}"


@noun
class Located:
    """A target resolved to one instance at one moment, e.g. ``orders_db:primary`` was ``orders_db-1``."""

    target: Target
    component: str
    instance: str
    at_ns: int


@noun
class Reading:
    """One look. ``value`` None means "could not see", and ``why`` says so; it is never zero.

    A sense that was answered gives milliseconds (float); one that saw that nobody answers gives ``"silent"``
    (its deadline passed) or ``"refused"`` (the other side said no).
    """

    at_ns: int
    value: float | str | None
    why: str | None = None


SILENT = "silent"
REFUSED = "refused"


@noun
class Undo:
    """How to take one act back, as data: a verb of ``VERBS``, the thing it is done to, and its arguments."""

    VERBS: ClassVar[frozenset[str]] = frozenset(
        {"start", "unpause", "attach", "limit", "unblock", "untoxic", "signal", "remove", "retire", "exec"}
    )

    verb: str
    on: str
    args: Mapping[str, Scalar]

    def __post_init__(self) -> None:
        if self.verb not in self.VERBS:
            raise ValueError(f"{self.verb!r} is no verb of an undo; one of {', '.join(sorted(self.VERBS))}")


@noun
class Break:
    """A breakage prepared, of which nothing has happened yet. ``undo == ()`` for an impulse.

    ``typed`` is the command a person would type for the same act, shown by ``plan`` and in reports.
    """

    undo: tuple[Undo, ...]
    act: Callable[[], None]
    typed: str = ""


@noun
class Residue:
    """Something that is not as declared: which thing, and what is off (``paused``, ``stopped``, ``no primary`` …)."""

    on: str
    what: str


@noun
class Doubt:
    """A reason not to believe some outcomes.

    ``voids`` holds PASS when a failure may be hidden, FAIL when one may be faked. ``timing_only`` limits it to checkers
    that a slow machine may deceive, ``reaction_only`` to those that expect the shop to react to a fault.
    """

    because: str
    voids: frozenset[Outcome]
    timing_only: bool = False
    reaction_only: bool = False


@noun
class Verdict:
    """What a checker says of one objective. Units are in the names of ``measured`` and ``limit``.

    PASS with ``evidence < needed`` raises ``VacuousPassError``: a checker cannot build an empty PASS.
    """

    objective: str
    outcome: Outcome
    because: str
    measured: Mapping[str, float]
    limit: Mapping[str, float]
    evidence: int
    needed: int
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.outcome is Outcome.PASS and (self.evidence < self.needed or self.needed < 1):
            raise VacuousPassError(
                f"{self.objective}: PASS needs {max(self.needed, 1)} pieces of evidence, there are {self.evidence}"
            )


@noun
class Judgement:
    """The word on one run: the verdict of each objective after all doubts were applied, and the worst of them.

    ``judge`` makes it from a history alone; the same history gives the same judgement, byte for byte.
    """

    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    doubts: tuple[Doubt, ...]


@noun
class Series:
    """A counter of one instance as it was sampled: parallel columns, oldest first, times on the run's clock, never rates.

    ``name``: ``query_count``, ``query_sum_s`` (seconds in all) or ``query_fast`` (those of at most 0.2 s), with the label
    ``class`` (of statement); ``log_bytes``, which a database wrote into its log. A value below its predecessor means that
    the instance was restarted.
    """

    name: str
    on: str
    labels: Mapping[str, str]
    times_ns: tuple[int, ...]
    values: tuple[float, ...]


@runtime_checkable
class Fault(Protocol):
    """One breakage. A fault prepares and looks; it holds no healing code.

    ``needs`` is the power it uses, ``sense`` the one its witness looks through, both protocols of ``capabilities``.
    ``held``: must be undone (a pause). Otherwise an impulse: the shop itself must get over it (a killed process).

    An impulse's bite is an edge: what the witness reads is another for good (when a process began). Where it is a level that
    the shop brings back to what it was (a price), the class says ``fades = True``; not to be seen any more is its heal then.
    """

    needs: ClassVar[type]
    sense: ClassVar[type]
    held: ClassVar[bool]

    @property
    def target(self) -> Target:
        """What it breaks."""
        ...

    def prepare(self, on: object) -> Break:
        """Prepare the breakage on one power of one located target. Only reads; nothing has happened yet."""
        ...

    def look(self, through: object) -> Reading:
        """Look once through the sense."""
        ...

    def bitten(self, before: Sequence[Reading], now: Reading) -> bool | None:
        """Say whether ``now`` differs from ``before`` as this fault would make it; None when it cannot tell. Pure."""
        ...
