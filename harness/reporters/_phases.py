"""The way through one fault, from the act to the heal, as milestones that were really seen."""

from collections.abc import Iterator

from harness.aftermath import aftermaths
from harness.history import History
from harness.model import Judgement, noun
from harness.reporters._monitoring import notices
from harness.reporters._steps import Carried
from harness.reporters._words import visible

MEASURED = {
    "no_primary_s": "No primary",
    "new_primary_s": "New primary",
    "first_order_s": "First order acknowledged again",
    "steady_s": "Steady again",
}


@noun
class Milestone:
    """Something that happened ``at_s`` seconds after the act; None: it was looked for and not seen, ``note`` says why."""

    name: str
    at_s: float | None
    note: str = ""


def milestones(history: History, judgement: Judgement, step: Carried) -> tuple[Milestone, ...]:
    """Give the milestones of one step in the order of time, those never seen last."""
    found = [*_witness(step), *_shoppers(history, judgement, step), *_noticed(history, step)]
    return tuple(sorted(found, key=lambda one: float("inf") if one.at_s is None else one.at_s))


def _witness(step: Carried) -> Iterator[Milestone]:
    """What the witness and the undo log say."""

    def since(at_ns: int) -> float:
        return (at_ns - step.t0_ns) / 1e9

    yield Milestone(name="Fault injected (t0)", at_s=0.0)
    if step.bitten and step.bit:
        yield Milestone(name="Seen to bite", at_s=since(step.bitten.at_ns))
    else:
        yield Milestone(name="Seen to bite", at_s=None, note=visible(step.not_bitten.because) if step.not_bitten else "")
    if step.healing and step.intended.held:
        yield Milestone(name="Our heal begins", at_s=since(step.healing.at_ns), note=visible(step.healing.reason))
    if step.closed and step.healed:
        yield Milestone(name="Seen healed", at_s=since(step.closed.at_ns))
    else:
        yield Milestone(name="Seen healed", at_s=None, note=visible(step.not_healed.because) if step.not_healed else "")


def _noticed(history: History, step: Carried) -> Iterator[Milestone]:
    """Which alert reached us first."""
    first = next((one for one in notices(history) if one.fired_ns >= step.t0_ns), None)
    if first is not None:
        yield Milestone(name="First alert", at_s=(first.fired_ns - step.t0_ns) / 1e9, note=f"{first.name} {first.about}")


def _shoppers(history: History, judgement: Judgement, step: Carried) -> Iterator[Milestone]:
    """What shoppers felt, and how the primary's role moved: measured by the checkers, repeated here as they said it."""
    first = next((one for one in aftermaths(history) if one.disturbance.step == step.intended.step), None)
    if first is not None and first.outages:
        begins = first.outages[0].start_ns
        yield Milestone(name="Outage begins", at_s=(begins - step.t0_ns) / 1e9, note="first order that went wrong")
    measured = {name: value for verdict in judgement.verdicts for name, value in verdict.measured.items()}
    for key, name in MEASURED.items():
        at_s = measured.get(f"{step.intended.step}.{key}", measured.get(key))
        if at_s is not None:
            note = _primary(history, step, at_s) if key == "new_primary_s" else ""
            yield Milestone(name=name, at_s=at_s, note=note)


def _primary(history: History, step: Carried, at_s: float) -> str:
    """Who held the primary's role at that moment."""
    moment_ns = step.t0_ns + at_s * 1e9 - 1e6  # figures are rounded
    seen = (one.value for one in history.samples("role", step.component) if one.at_ns >= moment_ns)
    return visible(str(next((value for value in seen if value not in (None, "none")), "")))
