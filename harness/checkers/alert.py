"""``alert``: the right alert reaches whoever is on call in time, was silent before, and is silent again afterwards."""

from itertools import pairwise
from typing import ClassVar

from harness.events import WATCHDOG, Alerted, Closed, Located
from harness.evidence import decide
from harness.history import Checker, Disturbance, History, Window
from harness.model import Positive, Verdict, noun

WATCHDOG_GAP_NS = 12_000_000_000
CLEARS_S = 30.0


@noun
class Alert(Checker):
    """The alert ``name`` must fire within ``budget_s`` of the act (and ``contract_s``, if given), naming who was hit.

    ``mttd_s``: from just before the act to the first receipt at our receiver, on our clock, with a label ``component`` that
    is the target's, and, if it has a label ``instance``, the instance that was hit. ``step``: which act, by its id; the
    first by default. Only what comes before the next act or heal counts. One that was firing already tells nothing: FAIL.
    So does one without an annotation ``playbook``, which says what to do. It must clear after the step was healed, for which
    30 s are granted; where another act came before that heal, the alert may stay for that one's sake, which tells nothing.
    Nothing that did not come is FAIL unless the alert that always fires (``Watchdog``) kept arriving, at
    least every 12 s: otherwise it may only have been lost, INCONCLUSIVE. Evidence: receipts of the watchdog.
    """

    timing: ClassVar[bool] = True
    reaction: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("Alerting",)

    name: str
    budget_s: Positive
    contract_s: Positive | None = None
    step: str = ""

    def check(self, history: History) -> Verdict:
        """Judge the whole load, whatever the window."""
        limit = {"budget_s": self.budget_s} | ({} if self.contract_s is None else {"contract_s": self.contract_s})
        seen = _seen(history, self.name, self.step)
        if seen is None:
            lacking = "The journal does not say when something was broken, so there was nothing to notice."
            return decide(passed="", lacking=lacking, evidence=0, needed=1, limit=limit)
        failed, lacking = self._noisy(seen) or self._late(seen) or self._bare(seen) or self._stays(seen) or ("", "")
        mttd_s, cleared_s = seen.mttd_s, seen.cleared_s
        watchdog = sum(seen.load.start_ns <= at < seen.load.end_ns for at in seen.beats)
        return decide(
            failed=failed,
            lacking=lacking,
            passed=f"{self.name} reached us {mttd_s or 0:.1f} s after {seen.act.step}; the budget is {self._within_s:g} s. "
            f"It named its playbook, was silent before, and again {cleared_s or 0:.1f} s after the heal.",
            measured={"watchdog": watchdog}
            | ({} if mttd_s is None else {"mttd_s": mttd_s})
            | ({} if cleared_s is None else {"cleared_s": cleared_s}),
            limit=limit,
            evidence=watchdog,
            needed=max(1, int(seen.load.seconds * 1e9 / WATCHDOG_GAP_NS)),
            examples=[f"T+{one.at_ns / 1e9:.1f} s {one.state} {dict(sorted(one.labels.items()))}" for one in seen.told],
        )

    def _noisy(self, seen: "_Seen") -> tuple[str, str] | None:
        """Say that it fired without cause, or that nobody would have known."""
        if seen.noisy:
            return f"{self.name} was firing before anything was broken, so its firing tells nobody anything.", ""
        if not seen.kept(seen.load.start_ns, seen.act.at_ns):
            return "", f"{WATCHDOG} did not arrive all the time, so the silence before the act proves nothing."
        return None

    @property
    def _within_s(self) -> float:
        return min(self.budget_s, self.contract_s or self.budget_s)

    def _late(self, seen: "_Seen") -> tuple[str, str] | None:
        """Say that it did not come in time, or why that cannot be told."""
        within_s = self._within_s
        mttd_s, due_ns = seen.mttd_s, seen.act.at_ns + round(within_s * 1e9)
        if mttd_s is not None and mttd_s <= within_s:
            return None
        word = f"{self.name} " + ("did not reach us" if mttd_s is None else f"reached us only {mttd_s:.1f} s after the act")
        if mttd_s is None and seen.fired:
            word += f" about what was hit, but about {_about(seen.fired[0])}"
        if not seen.kept(seen.act.at_ns, due_ns):
            return "", f"{word}; but {WATCHDOG} did not arrive all the time either, so it may have been lost on its way."
        if seen.until_ns < due_ns:
            return "", f"{word}; but a heal, another act or the load's end came before its {within_s:g} s were over."
        return f"{word}; the budget is {within_s:g} s.", ""

    def _bare(self, seen: "_Seen") -> tuple[str, str] | None:
        """Say that it told nobody what to do, or that this was not kept."""
        playbook = seen.right.playbook if seen.right else None
        if playbook is None:
            return "", f"{self.name} fired in time; whether it named its playbook was not kept in this stored run."
        if not playbook.strip():
            return f"{self.name} fired in time, but named no playbook, so it tells nobody what to do.", ""
        return None

    def _stays(self, seen: "_Seen") -> tuple[str, str] | None:
        """Say that it did not clear after the heal, or why that cannot be told."""
        healed_ns, end_ns, cleared_s = seen.healed_ns, seen.horizon_ns, seen.cleared_s
        unseen = "", f"{self.name} fired in time; whether it cleared after the heal could not be seen."
        if healed_ns is None or not seen.kept(seen.act.at_ns, end_ns):
            return unseen
        if cleared_s is None and end_ns - healed_ns < CLEARS_S * 1e9:
            return unseen
        if seen.mixed and (cleared_s is None or cleared_s > CLEARS_S):
            return unseen
        if cleared_s is None or cleared_s > CLEARS_S:
            return f"{self.name} fired in time, but had not cleared {CLEARS_S:g} s after the heal.", ""
        return None


@noun
class _Seen:
    """What the receiver was told of one alert, beside what it was to tell. ``hit``: component and instance.

    ``told`` are all receipts of it, ``beats`` the times at which the watchdog arrived. What comes after ``until_ns``, the
    next act or heal, may be that one's; from ``horizon_ns`` on, the next act after the step was healed, nothing is put down
    to this one any more. ``mixed``: something else was done before it was healed.
    """

    load: Window
    act: Disturbance
    first_ns: int
    until_ns: int
    horizon_ns: int
    mixed: bool
    hit: tuple[str, str]
    healed_ns: int | None
    told: tuple[Alerted, ...]
    beats: tuple[int, ...]

    @property
    def fired(self) -> list[Alerted]:
        """Receipts of its firing between the act and what came next, whomever they name."""
        return [one for one in self.told if one.state == "firing" and self.act.at_ns <= one.at_ns < self.until_ns]

    @property
    def right(self) -> Alerted | None:
        """The first of them that names what was hit."""
        _, instance = self.hit
        about = ((one.labels.get("component"), one.labels.get("instance", instance)) for one in self.fired)
        return next((one for one, whom in zip(self.fired, about, strict=True) if whom == self.hit), None)

    @property
    def noisy(self) -> bool:
        """Whether it fired while the load ran and nothing was broken yet, or still did at the act."""
        last = {_labels(one): one.state for one in self.told if one.at_ns < self.act.at_ns}
        early = [one for one in self.told if one.state == "firing" and self.load.start_ns <= one.at_ns < self.first_ns]
        return "firing" in last.values() or bool(early)

    @property
    def mttd_s(self) -> float | None:
        """From just before the act to the first receipt; None where none came."""
        return (self.right.at_ns - self.act.at_ns) / 1e9 if self.right else None

    @property
    def cleared_s(self) -> float | None:
        """How long after the heal it cleared (0: before); None where it did not, or nothing is known of the heal."""
        if self.right is None or self.healed_ns is None:
            return None
        last = [one for one in self.told if _labels(one) == _labels(self.right) and one.at_ns < self.horizon_ns][-1]
        return max(0.0, (last.at_ns - self.healed_ns) / 1e9) if last.state == "resolved" else None

    def kept(self, start_ns: int, end_ns: int) -> bool:
        """Whether the watchdog kept arriving in a stretch: no gap that reaches into it is too long, wherever it began."""
        before = [at for at in self.beats if at < start_ns][-1:] or [start_ns]
        inside = [at for at in self.beats if start_ns <= at < end_ns]
        after = [at for at in self.beats if at >= end_ns][:1] or [end_ns]
        return all(later - earlier <= WATCHDOG_GAP_NS for earlier, later in pairwise([*before, *inside, *after]))


def _seen(history: History, name: str, step: str) -> _Seen | None:
    """Gather what is known of an alert; None where nothing was broken, or nobody knows what."""
    load = history.load
    act = next((one for one in history.disturbances if not one.heal and step in ("", one.step)), None)
    hit = next((one for one in history.all(Located) if act is not None and one.step == act.step), None)
    if load is None or act is None or hit is None:
        return None
    later = [one for one in history.disturbances if one.at_ns > act.at_ns]
    until_ns = min([load.end_ns, *(one.at_ns for one in later)])
    healed_ns = next((one.at_ns for one in history.all(Closed) if one.step == act.step), None)
    others = [one.at_ns for one in later if not one.heal]
    horizon_ns = min([load.end_ns, *(at for at in others if healed_ns is None or at > healed_ns)])
    alerted = sorted(history.all(Alerted), key=lambda one: one.at_ns)
    return _Seen(
        load=load,
        act=act,
        first_ns=history.disturbances[0].at_ns,
        until_ns=until_ns,
        horizon_ns=horizon_ns,
        mixed=healed_ns is not None and any(at < healed_ns for at in others),
        hit=(hit.component, hit.instance),
        healed_ns=healed_ns,
        told=tuple(one for one in alerted if one.name == name),
        beats=tuple(one.at_ns for one in alerted if one.name == WATCHDOG and one.state == "firing"),
    )


def _labels(alert: Alerted) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(alert.labels.items()))


def _about(alert: Alerted) -> str:
    return f"{alert.labels.get('component', 'nothing')} {alert.labels.get('instance', '')}".strip()
