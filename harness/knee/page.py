"""A search for the knee, told: a table, a page with three charts for people, figures for machines. Pure."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness import reporters
from harness.cost import GENERATOR
from harness.knee.rungs import PERCENTILES, Rung, shop_cores
from harness.knee.search import Knee
from harness.model import noun
from harness.reporters._charts import Axis, Chart, Floats, Frame, Mark, Tick, logarithmic, stacked
from harness.reporters._words import visible

LAYERS = 8  # colours for parts; whoever is busy beyond these is "others"
OTHERS = "others"


@noun
class Told:
    """What a search was about: the scenario's file, the shop, its defects, the machine, the commit, the command typed."""

    scenario: str
    shop: str
    defects: tuple[str, ...]
    machine: str
    commit: str
    command: str


@noun
class Rates(Axis):
    """Orders offered a second, where other charts have the time."""

    def ticks(self) -> tuple[Tick, ...]:
        """Round rates to label, eight at most."""
        length = self.end_s - self.begin_s
        step = next(one * 10**n for n in range(7) for one in (1, 2, 5) if length / (one * 10**n) <= 8)
        numbers = range(math.ceil(self.begin_s / step), math.floor(self.end_s / step) + 1)
        return tuple(Tick(at_s=float(n * step), label=f"{n * step:,}", minor=n % 2 != 0) for n in numbers)


def figures(told: Told, searches: Sequence[Knee]) -> bytes:
    """Write all figures as JSON; an endless latency is null."""
    return msgspec.json.format(
        msgspec.json.encode({"format": 1, "about": told, "searches": [_plain(one) for one in searches]})
    )


def cells(one: Rung) -> tuple[str, ...]:
    """Give the cells of a rung's row: offered, served, the percentiles, the cores of the shop and of the generator, held."""
    latency = ("never" if math.isinf(ms) else f"{ms:,.0f} ms" for ms in (one.latency_ms[rank] for rank in PERCENTILES))
    generator = one.cores.get(GENERATOR, 0.0)
    return (
        f"{one.per_s:,}",
        f"{one.served_per_s:,.0f}",
        *latency,
        f"{shop_cores(one):.2f}",
        f"{generator:.2f}",
        one.outcome.name,
    )


HEADS = ("offered/s", "good/s", *(f"p{rank}" for rank in PERCENTILES), "shop's cores", "generator's", "outcome")


def sentences(one: Knee) -> tuple[str, ...]:
    """Say in words what a search has come to."""
    gave = f"What gives way first is {one.gave.part}: " if one.gave and one.gave.part else "Of what gives way first: "
    beyond = one.beyond
    return (
        one.because,
        *((f"{gave}{one.gave.because}.",) if one.gave else ()),
        *((_beyond(beyond, one.per_s),) if beyond else ()),
    )


def _beyond(rung: Rung, knee: int) -> str:
    share = min(1.0, rung.served_per_s / knee)
    good = f"{rung.served_per_s:,.0f}/s were good: {share:.0%} of it."
    return f"Offered {rung.per_s / knee:.1f} times that, {rung.per_s:,}/s, {good}"


def render(told: Told, searches: Sequence[Knee]) -> str:
    """Give the page: of each search the knee, the charts and the rungs."""
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent, *reporters.__path__]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else visible(str(value)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("knee.j2").render(
        told=told,
        searches=[(one, sentences(one), *charts(one, number)) for number, one in enumerate(searches, 1)],
        heads=HEADS,
        cells=cells,
    )


def charts(one: Knee, number: int) -> tuple[tuple[Chart, ...], tuple[str, ...]]:
    """Draw orders, latency and cores against the rate; give the names of the layers of the third one, too."""
    rungs = sorted(one.rungs, key=lambda it: it.per_s)
    rates = np.array([it.per_s for it in rungs], dtype=np.float64)
    edges = _edges(rates)
    axis = Rates(begin_s=float(edges[0]), end_s=float(edges[-1]))
    marks = (Mark(at_s=float(one.per_s), label="knee", heal=False),) if one.per_s else ()

    def frame(key: str, title: str, text: str) -> Frame:
        return Frame(key=f"{key}{number}", title=title, text=text, axis=axis, marks=marks)

    good = np.array([min(it.served_per_s, float(it.per_s)) for it in rungs])
    best = max(rungs, key=lambda it: it.served_per_s)
    latency = {f"p{rank}": np.array([it.latency_ms[rank] for it in rungs]) for rank in PERCENTILES}
    layers = {name: np.array([figure(it) for it in rungs]) for name, figure in _parts(rungs)}
    orders = frame(
        "orders",
        "Orders per second that were good, against those offered",
        f"{len(rungs)} rates from {rungs[0].per_s} to {rungs[-1].per_s} orders per second were tried. The most that were "
        f"good are {best.served_per_s:.0f} per second, at {best.per_s} offered.",
    )
    waited = frame("latency", "Latency of orders against the rate", "The 50th, 95th and 99th percentile at each rate.")
    cores = frame("cores", "Cores kept busy, against the rate", "By part of the shop, and by the generator.")
    return (
        (
            stacked(orders, edges, {"good": good, "missed": np.maximum(0.0, rates - good)}),
            logarithmic(waited, edges, dict(reversed(latency.items()))),
            stacked(cores, edges, {f"part part{n}": figures for n, figures in enumerate(layers.values())}),
        ),
        tuple(layers),
    )


def _edges(rates: Floats) -> Floats:
    """Put each rate into the middle of a step, as well as its neighbours allow."""
    between = (rates[1:] + rates[:-1]) / 2
    first = between[0] - rates[0] if len(between) else rates[0] / 4
    last = rates[-1] - between[-1] if len(between) else rates[-1] / 4
    return np.concatenate(([rates[0] - first], between, [rates[-1] + last]))


def _parts(rungs: Sequence[Rung]) -> Iterator[tuple[str, "_Cores"]]:
    """Name the parts that were busiest on the highest rung, then all others together, then the generator."""
    names = [name for name in rungs[-1].cores if name != GENERATOR]
    for name in names[: LAYERS - 2]:
        yield name, _Cores(names=(name,))
    if len(names) > LAYERS - 2:
        yield OTHERS, _Cores(names=tuple(names[LAYERS - 2 :]))
    yield GENERATOR, _Cores(names=(GENERATOR,))


@noun
class _Cores:
    """The cores that some parts kept busy together on a rung."""

    names: tuple[str, ...]

    def __call__(self, one: Rung) -> float:
        return sum(one.cores.get(name, 0.0) for name in self.names)


def _plain(one: Knee) -> dict[str, object]:
    """Give a search as JSON can hold it."""
    return {
        "knee_per_s": one.per_s,
        "outcome": one.outcome.name,
        "because": one.because,
        "gave_way": one.gave,
        "rungs": [
            {
                "offered_per_s": it.per_s,
                "outcome": it.outcome.name,
                "because": it.because,
                "good_per_s": it.served_per_s,
                "latency_ms": {f"p{rank}": None if math.isinf(ms) else ms for rank, ms in it.latency_ms.items()},
                "cores": it.cores,
                "throttled": it.throttled,
            }
            for it in one.rungs
        ],
    }
