"""What the journal says of each step that was carried out, gathered: the breakage, its bite, its heal, the witness."""

from collections.abc import Mapping
from typing import TypeVar

from harness.events import Acted, Bitten, Closed, Healing, Intended, Located, Looked, Mended, NotBitten, NotHealed
from harness.history import History
from harness.model import noun

E = TypeVar("E", Acted, Bitten, Closed, Located, NotBitten, NotHealed)


@noun
class Carried:
    """One step, from *intended* to *closed*. What the journal does not hold is None: it was not seen."""

    intended: Intended
    component: str | None
    acted: Acted | None
    bitten: Bitten | None
    not_bitten: NotBitten | None
    healing: Healing | None
    mended: tuple[Mended, ...]
    closed: Closed | None
    not_healed: NotHealed | None
    looks: tuple[Looked, ...]

    @property
    def t0_ns(self) -> int:
        """The instant before the act; of an act without a record, when it was intended."""
        return self.acted.t0_ns if self.acted else self.intended.at_ns

    @property
    def bit(self) -> bool:
        """Whether it was seen to bite; an impulse may be unmasked later, as one whose process never died."""
        return self.bitten is not None and self.not_bitten is None

    @property
    def healed(self) -> bool:
        """Whether it was seen healed."""
        return self.closed is not None and self.not_healed is None


def carried(history: History) -> tuple[Carried, ...]:
    """Gather the steps in the order in which they were intended."""
    acted, bitten, not_bitten = _last(history, Acted), _last(history, Bitten), _last(history, NotBitten)
    closed, not_healed, located = _last(history, Closed), _last(history, NotHealed), _last(history, Located)
    return tuple(
        Carried(
            intended=intended,
            component=located[intended.step].component if intended.step in located else None,
            acted=acted.get(intended.step),
            bitten=bitten.get(intended.step),
            not_bitten=not_bitten.get(intended.step),
            healing=next((event for event in history.all(Healing) if event.step == intended.step), None),
            mended=tuple(event for event in history.all(Mended) if event.step == intended.step),
            closed=closed.get(intended.step),
            not_healed=not_healed.get(intended.step),
            looks=tuple(event for event in history.all(Looked) if event.step == intended.step),
        )
        for intended in history.all(Intended)
    )


def _last(history: History, kind: type[E]) -> Mapping[str, E]:
    """The last record of a kind for each step: what was found at the end is what counts."""
    return {event.step: event for event in history.all(kind)}
