"""What the journal says of each step that was carried out, gathered: the breakage, its bite, its heal, the witness."""

from collections.abc import Mapping
from typing import TypeVar

from harness.events import Acted, Bitten, Closed, Healing, Intended, Looked, Mended, NotBitten, NotHealed
from harness.history import History
from harness.model import noun

E = TypeVar("E", Acted, Bitten, Closed, Healing, NotBitten, NotHealed)


@noun
class Carried:
    """One step, from *intended* to *closed*. What the journal does not hold is None: it was not seen."""

    intended: Intended
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


def carried(history: History) -> tuple[Carried, ...]:
    """Gather the steps in the order in which they were intended."""
    acted, bitten, not_bitten = _last(history, Acted), _last(history, Bitten), _last(history, NotBitten)
    healing, closed, not_healed = _last(history, Healing), _last(history, Closed), _last(history, NotHealed)
    return tuple(
        Carried(
            intended=intended,
            acted=acted.get(intended.step),
            bitten=bitten.get(intended.step),
            not_bitten=not_bitten.get(intended.step),
            healing=healing.get(intended.step),
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
