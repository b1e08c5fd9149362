"""JUnit XML for CI: a test case for each objective, named by its id, in the class of its scenario file.

FAIL is a failure; INCONCLUSIVE and DIRTY are errors, never skipped. A run that is worse than its objectives (stopped,
dirty, nothing judged) gets one case more, named ``run``, so that CI is green only where the run passed. Measured values,
limits and evidence are properties of the suite, named ``<objective>.measured.<name>``: inside a test case the schemas
of Ant and Jenkins do not allow them.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.history import History
from harness.model import Outcome, Verdict
from harness.report import Report
from harness.reporters import terminal
from harness.reporters._words import MEANING, figures, number, utc, visible

FILE = "junit.xml"


def render(report: Report) -> str:
    """Give the document of one run."""
    return render_all([report])


def render_all(reports: Sequence[Report], not_flown: Sequence[str] = ()) -> str:
    """Give one document for several runs, a suite each, in their order; what was not flown is a suite of errors."""
    root = Element("testsuites")
    for place, report in enumerate(reports):
        _suite(root, place, report)
    if not_flown:
        _left_out(root, len(reports), not_flown)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, place: int, report: Report) -> None:
    scenario, run = report.plan.scenario, report.history.run
    cases = [*report.judgement.verdicts, *_whole(report)]
    took = f"{_seconds(report.history):.3f}"
    suite = SubElement(
        root,
        "testsuite",
        id=str(place),
        name=_attribute(scenario.name),
        package=_attribute(scenario.file),
        hostname="localhost",  # the machine is described in the properties
        timestamp=utc(run.wall_ns if run else 0),
        time=took,
        tests=str(len(cases)),
        failures=str(sum(_tag(case) == "failure" for case in cases)),
        errors=str(sum(_tag(case) == "error" for case in cases)),
        skipped="0",
    )
    properties = SubElement(suite, "properties")
    for name, value in _properties(report):
        SubElement(properties, "property", name=_attribute(name), value=visible(value))
    for case in cases:
        _case(suite, scenario.file, case)
    SubElement(suite, "system-out").text = visible(terminal.render(report), keep="\n", most=1_000_000)
    SubElement(suite, "system-err").text = ""


def _left_out(root: Element, place: int, not_flown: Sequence[str]) -> None:
    """One error for each run that was to be flown and was not: nothing is known of its promises."""
    count = str(len(not_flown))
    counts = {"tests": count, "failures": "0", "errors": count, "skipped": "0"}
    named = {"id": str(place), "name": "not flown", "package": "not flown", "hostname": "localhost"}
    suite = SubElement(root, "testsuite", {**named, "timestamp": utc(0), "time": "0", **counts})
    SubElement(suite, "properties")
    for why in not_flown:
        case = SubElement(suite, "testcase", name=_attribute(why), classname="not flown", time="0")
        SubElement(case, "error", type=Outcome.INCONCLUSIVE.name, message=visible(why)).text = visible(why)
    SubElement(suite, "system-out").text = ""
    SubElement(suite, "system-err").text = ""


def _case(suite: Element, file: str, verdict: Verdict) -> None:
    """One objective. It took no time of its own: the run is one experiment, its time stands at the suite."""
    case = SubElement(suite, "testcase", name=_attribute(verdict.objective), classname=_attribute(file), time="0")
    tag = _tag(verdict)
    if tag:
        lines = [f"{f.name} {f.value} {f.unit}".strip() for f in figures(verdict.measured, verdict.limit)]
        lines += [f"limit: {visible(name)} {number(value)}" for name, value in verdict.limit.items()]
        lines += [f"evidence: {verdict.evidence} of {verdict.needed} needed", *map(visible, verdict.examples)]
        problem = SubElement(case, tag, type=verdict.outcome.name, message=visible(verdict.because))
        problem.text = "\n".join([visible(verdict.because), *lines])


def _whole(report: Report) -> Iterator[Verdict]:
    """The case of the run as a whole, where its outcome is not that of its worst objective."""
    judged = report.judgement
    if not judged.verdicts or judged.outcome is not max(verdict.outcome for verdict in judged.verdicts):
        because = " ".join([MEANING[judged.outcome], *(doubt.because for doubt in judged.doubts)])
        yield Verdict(
            objective="run",
            outcome=judged.outcome,
            because=because,
            measured={},
            limit={},
            evidence=len(judged.verdicts),
            needed=1,
        )


def _tag(verdict: Verdict) -> str | None:
    return {Outcome.PASS: None, Outcome.FAIL: "failure"}.get(verdict.outcome, "error")


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    run = report.history.run
    yield "outcome", report.judgement.outcome.name
    if run:
        yield from (("run", run.id), ("command", run.command), ("commit", run.commit), ("machine", run.machine))
        yield from (("seed", str(run.seed)), ("scale", repr(run.scale)))
    for verdict in report.judgement.verdicts:
        yield from ((f"{verdict.objective}.measured.{name}", repr(value)) for name, value in verdict.measured.items())
        yield from ((f"{verdict.objective}.limit.{name}", repr(value)) for name, value in verdict.limit.items())
        yield f"{verdict.objective}.evidence", str(verdict.evidence)
        yield f"{verdict.objective}.needed", str(verdict.needed)


def _seconds(history: History) -> float:
    return max(0.0, (history.events[-1].at_ns - history.events[0].at_ns) / 1e9) if history.events else 0.0


def _attribute(text: str) -> str:
    """A name: one line, never empty."""
    return visible(text, most=200) or "-"
