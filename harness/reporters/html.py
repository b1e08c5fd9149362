"""One self-contained page for everybody: the verdict in words, what shoppers felt, each objective with its evidence.

It fetches nothing and runs nothing: no script, charts as inline SVG, a policy that forbids the rest. All that comes from
outside is made visible and escaped by the template's environment, without exception.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.events import Entry, Fingerprint, Looked, Parts
from harness.history import History
from harness.model import noun
from harness.report import Report
from harness.reporters._charts import Axis, Chart, Frame, Mark, bar, logarithmic, stacked, strip
from harness.reporters._cost import bill
from harness.reporters._failure import again
from harness.reporters._monitoring import calls, notices
from harness.reporters._phases import Milestone, milestones
from harness.reporters._screens import pictures
from harness.reporters._series import Series, series
from harness.reporters._sessions import Sessions, sessions
from harness.reporters._steps import Carried, carried
from harness.reporters._story import mending, scaled, story
from harness.reporters._words import MEANING, figures, number, seconds, utc, visible, voids

FILE = "report.html"
LOG = 200_000  # characters shown of one log
ROWS = ("bitten", "as before", "could not tell")


@noun
class Told:
    """One step as the page tells it."""

    carried: Carried
    milestones: tuple[tuple[Milestone, Markup], ...]
    looks: Chart | None
    counts: tuple[tuple[str, int], ...]


def render(report: Report) -> str:
    """Give the whole page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "seconds": seconds, "voids": voids, "log": _log}
    history = report.history
    steps, found = carried(history), series(history)
    visits = sessions(history, found.bins) if found else None
    fingerprints = list(history.all(Fingerprint))
    return environment.get_template("html.j2").render(
        scenario=report.plan.scenario,
        outcome=report.judgement.outcome,
        meaning=MEANING[report.judgement.outcome],
        story=story(report),
        verdicts=[(verdict, figures(verdict.measured, verdict.limit)) for verdict in report.judgement.verdicts],
        doubts=report.judgement.doubts,
        left=[step.not_healed.because for step in steps if step.not_healed],
        mending=mending(report),
        residue=fingerprints[-1].residue if fingerprints else None,
        series=found,
        charts=_charts(found, visits, steps, tuple(_surges(history, found.zero_ns))) if found else None,
        sessions=visits,
        steps=[_told(report, step, place) for place, step in enumerate(steps, 1)],
        planned=len(report.plan.steps),
        notices=notices(history),
        calls=calls(history),
        bill=bill(history),
        screens=pictures(report),
        logs=report.logs,
        facts=list(_facts(report)),
        versions=_versions(history),
        commands=list(_commands(report)),
    )


def _finalize(value: object) -> object:
    """What the template writes, whatever it is, cannot act on its reader; escaping follows."""
    return value if isinstance(value, Markup) else visible(str(value))


def _log(text: str) -> Markup:
    """A log keeps its lines; of a very long one the end is shown."""
    return escape(visible(text[-LOG:], keep="\n\t", most=LOG))


def _charts(
    found: Series, visits: Sessions | None, steps: tuple[Carried, ...], surges: tuple[Mark, ...]
) -> dict[str, Chart]:
    """What became of the orders, and how long they took; where there are sessions, what became of these."""
    axis = Axis(begin_s=float(found.edges_s[0]), end_s=float(found.edges_s[-1]))
    marks = (*surges, *_marks(steps, found.zero_ns))
    offered = float(np.sum(list(found.totals.values()))) / (axis.end_s - axis.begin_s)
    marked = " ".join(
        [f"{mark.label} from {mark.at_s:.0f} to {mark.until_s:.0f} s." for mark in surges if mark.until_s is not None]
        + [f"{'Our heal' if mark.heal else 'Fault'} at {mark.at_s:.0f} s." for mark in marks[len(surges) :]]
    )
    counts = ", ".join(f"{count} {name}" for name, count in found.totals.items())
    never = int(np.count_nonzero(np.isposinf(found.p95_ms)))
    orders = Frame(
        key="orders",
        title="Orders per second by what became of them",
        text=f"On average {offered:.0f} orders per second were offered; in total {counts}. {marked}",
        axis=axis,
        marks=marks,
    )
    latency = Frame(
        key="latency",
        title="Latency of orders over time",
        text=f"Half of the orders (p50) and 95 % of them (p95) were answered within the time shown. In {never} of "
        f"{len(found.p95_ms)} points the 95th percentile was never acknowledged. {marked}",
        axis=axis,
        marks=marks,
    )
    layers = {"good": found.good, "late": found.late, "lost": found.lost, "missed": found.missed}
    charts = {
        "orders": stacked(orders, found.edges_s, layers),
        "latency": logarithmic(latency, found.edges_s, {"p95": found.p95_ms, "p50": found.p50_ms}),
    }
    if visits is not None:
        text = (
            f"{visits.planned} sessions were planned, {visits.begun} were begun, {visits.finished} came to their end, "
            f"{visits.totals['missed']} of them failed. {marked}"
        )
        frame = Frame(key="sessions", title="Sessions per second by what became of them", text=text, axis=axis, marks=marks)
        charts["sessions"] = stacked(frame, found.edges_s, visits.layers)
    return charts


def _marks(steps: tuple[Carried, ...], zero_ns: int) -> Iterator[Mark]:
    """Every fault and every heal of ours; several faults are numbered, and their heals are known by their dashes."""
    for place, step in enumerate(steps, 1):
        heal = step.healing if step.intended.held else None
        end = (heal.at_ns - zero_ns) / 1e9 if heal else None
        several = len(steps) > 1
        yield Mark(at_s=(step.t0_ns - zero_ns) / 1e9, label=str(place) if several else "fault", heal=False, until_s=end)
        if end is not None:
            yield Mark(at_s=end, label="" if several else "our heal", heal=True)


def _surges(history: History, zero_ns: int) -> Iterator[Mark]:
    """Every stage of the load that was had whole."""
    for stage in history.scenario.load.stages:
        window = history.stage(stage.name)
        if window is not None:
            until_s = (window.end_ns - zero_ns) / 1e9
            yield Mark(at_s=(window.start_ns - zero_ns) / 1e9, label=stage.name, heal=False, until_s=until_s)


def _told(report: Report, step: Carried, place: int) -> Told:
    """One step with its way to recovery and its witness."""
    found = milestones(report.history, report.judgement, step)
    last = max((one.at_s for one in found if one.at_s is not None), default=0.0)
    bars = [bar(one.at_s / last) if one.at_s is not None and last > 0 else Markup() for one in found]
    stages = dict.fromkeys(look.stage for look in step.looks)
    return Told(
        carried=step,
        milestones=tuple(zip(found, bars, strict=True)),
        looks=_strip(step, place) if step.looks else None,
        counts=tuple((stage, sum(look.stage == stage for look in step.looks)) for stage in stages),
    )


def _strip(step: Carried, place: int) -> Chart:
    """Every look of the witness: whether it saw the fault."""
    times = [(look.at_ns - step.t0_ns) / 1e9 for look in step.looks]
    looks = sorted(zip(times, map(_row, step.looks), strict=True))
    said = ", ".join(f"{sum(row == n for _, row in looks)} {name}" for n, name in enumerate(ROWS))
    frame = Frame(
        key=f"witness{place}",
        title=f"What the witness of step {place} saw",
        text=f"{len(looks)} looks: {said}.",
        axis=Axis(begin_s=min(*times, -1.0), end_s=max(*times, 1.0)),
        marks=tuple(_marks((step,), step.t0_ns)),
    )
    return strip(frame, ROWS, looks)


def _row(look: Looked) -> int:
    return 2 if look.bitten is None else 0 if look.bitten else 1


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    """What is needed to judge and to repeat the run."""
    run, entry = report.history.run, report.history.first(Entry)
    yield "Scenario", report.plan.scenario.file
    yield "Run folder", str(report.folder)
    if run:
        yield from (("Run", run.id), ("Started", f"{utc(run.wall_ns).replace('T', ' ')} UTC"), ("Shop", run.shop))
        yield "Defects switched on", ", ".join(run.defects) or "none"
        yield "Seed", str(run.seed)
        shoppers = report.history.scenario.load.sessions
        besides = f" and {shoppers.per_s * run.scale:g} sessions per second" if shoppers else " per second"
        yield "Load", f"{report.history.rate:g} orders{besides}{scaled(report)}"
        yield from (("Machine", run.machine), ("Commit", run.commit), ("Command", run.command))
        if run.of > 1:
            yield "Part", f"{run.part} of {run.of}"
    if entry:
        yield "Shoppers entered at", f"{entry.url} ({entry.by})"


def _versions(history: History) -> dict[str, str]:
    """Versions of the tool and its libraries, then of the shop's parts."""
    parts = history.first(Parts)
    return dict(history.run.versions if history.run else {}) | dict(parts.versions if parts else {})


def _commands(report: Report) -> Iterator[tuple[str, str]]:
    """What to type to repeat it."""
    folder = shlex.quote(str(report.folder))
    yield "Run it again", again(report)
    yield "Judge this run again", f"windtunnel judge {folder}"
    yield "Write these reports again", f"windtunnel report {folder}"
