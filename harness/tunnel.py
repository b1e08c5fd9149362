"""The Python form of a scenario, for test suites that do not live in TOML: load, break, then ask for verdicts.

It becomes a scenario like any other: written down, planned with all refusals, flown, stored, judged by the same checkers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import tomli_w

from harness import registry
from harness.declaration import Declaration
from harness.errors import UsageError
from harness.judge import unsteady
from harness.model import Fault, Json, Outcome, Target, Verdict
from harness.planned import Plan
from harness.report import Report
from harness.reporters._failure import failure
from harness.scenario import FORMAT, Scenario, parse

STEADY: Mapping[str, Mapping[str, float]] = {"goodput": {"min_ratio": 0.999}}
SECOND_AFTER_S = 20.0  # from the end of one breakage to the next, where a test does not say when


class Told(Exception):  # noqa: N818 -- it carries a verdict to the one who runs the tests; the error is the shop's
    """An objective that did not pass, with all there is to say about it."""


class Answer:
    """The answer to one question about a run: true where the shop kept this promise, with evidence.

    What could not be decided has raised before. It is looked at where it is used as a truth, as ``assert`` and ``if`` do;
    a test that does not look fails.
    """

    def __init__(self, verdict: Verdict, told: str) -> None:
        self.verdict, self.told, self.looked_at = verdict, told, False

    @property
    def passed(self) -> "Answer":
        """The answer itself. Whoever only writes this down has not looked yet."""
        return self

    def __bool__(self) -> bool:
        self.looked_at = True
        return self.verdict.outcome is Outcome.PASS

    def __repr__(self) -> str:
        return f"<{self.verdict.outcome.name} {self.verdict.objective}>"


class Tunnel:
    """What the fixture ``tunnel`` gives to a test: one run, and the questions about it.

    ``name`` is the test's. ``plans`` makes a plan of a scenario (monitored or not), ``flies`` flies it and gives its run
    folder, ``asks`` judges that folder by more objectives (the table ``[objectives]`` as TOML) and gives the report.
    """

    def __init__(
        self,
        name: str,
        declaration: Declaration,
        *,
        plans: Callable[[Scenario, bool], Plan],
        flies: Callable[[Plan], Path],
        asks: Callable[[Path, str], Report],
    ) -> None:
        self._name, self._declaration = name, declaration
        self._plans, self._flies, self._asks = plans, flies, asks
        self._steps: list[dict[str, Json]] | None = None
        self._folder: Path | None = None
        self._asked: dict[str, dict[str, Json]] = {}
        self._answers: dict[str, Answer] = {}
        self.checked = False

    @contextmanager
    def load(  # noqa: PLR0913 -- the tables of a scenario, with defaults
        self,
        *,
        orders_per_s: float,
        products_per_s: float = 0.0,
        entry: str = "",
        warm_up_s: float = 5.0,
        baseline_s: float = 15.0,
        stable_s: float = 15.0,
        give_up_s: float = 180.0,
        steady_state: Mapping[str, Mapping[str, float]] = STEADY,
        blast_radius: tuple[str, ...] | None = None,
        monitored: bool = False,
        hypothesis: str = "",
    ) -> Iterator[None]:
        """Collect what is broken inside, and fly it at the end; what raises inside flies nothing.

        ``monitored`` starts the shop's monitoring too, which ``alert`` and ``query_time`` need. ``blast_radius`` is, where
        not given, what is broken and all that needs it. Raises ``UsageError`` for a second load, ``PlanError`` for what a
        scenario file would be refused for, ``SetupError`` where nothing can be flown.
        """
        if self._steps is not None:
            raise UsageError(f"{self._name}: one test is one run; write a second test for a second load")
        self._steps = []
        yield
        text = tomli_w.dumps(
            {
                "format": FORMAT,
                "hypothesis": hypothesis or f"The shop passes {self._name}.",
                "blast_radius": list(self._suffering() if blast_radius is None else blast_radius),
                "load": {
                    "arrivals": {"orders_per_s": orders_per_s},
                    "products_per_s": products_per_s,
                    "entry": entry,
                    "warm_up_s": warm_up_s,
                    "baseline_s": baseline_s,
                },
                "steady_state": steady_state,
                "recovery": {"stable_s": stable_s, "give_up_s": give_up_s},
                "objectives": {},
                "steps": self._steps,
            }
        )
        self._folder = self._flies(self._plans(parse(text, self._name), monitored))

    def break_(self, fault: Fault, *, hold_s: float | None = None, at_s: float | None = None) -> None:
        """Break something, ``at_s`` after the baseline (else 20 s after the previous one is over), for ``hold_s``.

        ``fault`` is one of ``harness.faults``; its target may be written as text. Raises ``UsageError`` outside ``load``.
        """
        if self._steps is None or self._folder is not None:
            raise UsageError(f"{self._name}: write break_ inside `with tunnel.load(…):`")
        kind = next((one for one in registry.kinds("faults") if registry.cls("faults", one) is type(fault)), None)
        if kind is None:
            raise UsageError(f"{self._name}: {fault!r} is none of the faults: {', '.join(registry.kinds('faults'))}")
        every = {one.name: getattr(fault, one.name) for one in fields(fault)}  # type: ignore[arg-type]  # every fault is a noun
        params = {name: value for name, value in every.items() if value is not None}
        step: dict[str, Json] = {"at_s": self._following_s() if at_s is None else at_s}
        if hold_s is not None:
            step["hold_s"] = hold_s
        self._steps.append(step | {kind: params | {"target": str(fault.target)}})

    def verdict(self, kind: str, *, id: str = "", **params: Json) -> Answer:  # noqa: A002 -- the word of scenario files
        """Judge the run by one objective, with the parameters that a scenario file would give it.

        Raises ``Told`` for what could not be decided, for a run that left something broken, for a shop that was not steady
        before anything was broken, and where this promise was kept but it was not steady again: neither a yes nor a no.
        """
        __tracebackhide__ = True
        if self._folder is None:
            raise UsageError(f"{self._name}: nothing has flown yet; ask after the end of `with tunnel.load(…):`")
        if (id or kind) in self._asked:
            raise UsageError(f'{self._name}: {id or kind} was asked already; give the second question a name: id="…"')
        given = {name.rstrip("_"): value for name, value in params.items() if value is not None}  # class_
        asked = self._asked | {id or kind: {"kind": kind, **given}}
        report = self._asks(self._folder, tomli_w.dumps(asked))
        self._asked = asked
        verdicts = {verdict.objective: verdict for verdict in report.judgement.verdicts}
        wanted = verdicts[id or kind]
        implied = [verdict for name, verdict in verdicts.items() if name not in self._asked]
        against = [verdict for verdict in (wanted, *implied) if verdict.outcome is not Outcome.PASS]
        dirty = [verdict for verdict in against if verdict.outcome is Outcome.DIRTY]
        before = unsteady(report.judgement)  # what was broken already, no act of ours has broken
        if dirty or before or (against and wanted.outcome is not Outcome.FAIL):
            raise Told(failure(report, (*dirty, *before, *against)[0]))
        answer = Answer(wanted, failure(report, wanted))
        self._answers[id or kind] = answer
        return answer

    def told(self) -> str:
        """Tell everything about the promises that were asked for and not kept; empty where all were."""
        return "\n".join(one.told for one in self._answers.values() if one.verdict.outcome is not Outcome.PASS)

    def check(self) -> None:
        """Look whether the test has asked, and looked at the answers. Raises ``UsageError`` where it proves nothing."""
        __tracebackhide__ = True
        self.checked = True
        if self._folder is None:
            raise UsageError(f"{self._name}: has the fixture tunnel, and flew nothing; write `with tunnel.load(…):`")
        if not self._answers:
            raise UsageError(f'{self._name}: asked for no verdict, so it proves nothing; write tunnel.verdict("rto", …)')
        for name, answer in self._answers.items():
            if not answer.looked_at:
                raise UsageError(f'{self._name}: did not look at the answer; write: assert tunnel.verdict("{name}").passed')

    def _following_s(self) -> float:
        """When the next breakage is, unless the test says."""
        ends = [float(str(step["at_s"])) + float(str(step.get("hold_s", 0.0))) for step in self._steps or ()]
        return max(ends) + SECOND_AFTER_S if ends else 0.0

    def _suffering(self) -> list[str]:
        """Name the components that are broken, and all that need them, in the declaration's order."""
        targets = [str(table["target"]) for step in self._steps or () for table in step.values() if isinstance(table, dict)]
        found = {Target.parse(target).component for target in targets}
        for _ in self._declaration.components:  # as many rounds as the longest chain can need
            found |= {part.name for part in self._declaration.components if found & set(part.needs)}
        found -= set(self._declaration.entries)  # what shoppers enter at says for itself whether it is well
        return [part.name for part in self._declaration.components if part.name in found]
