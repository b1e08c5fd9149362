"""``knee`` as it is typed, on a made-up shop that serves so many orders a second and not one more."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import Flown, Manner, Sortie
from harness.commands import knee
from harness.errors import PlanError
from harness.events import Fingerprint, Sample
from harness.history import History
from harness.judge import judge
from harness.plan import plan as planning
from harness.planned import Plan
from harness.progress import Progress
from harness.project import Project
from harness.report import Report
from tests.fake_monitoring import INSTANCES, counted
from tests.fake_runs import BEGIN_NS, Trouble, a_history, also, end_ns, sealed, without
from tests.typing_in import Typed, typed

CALM = """
format = 1
hypothesis = "It carries what comes."
[load]
arrivals = { orders_per_s = 60 }
warm_up_s = 1
baseline_s = 10
[steady_state]
goodput = { min_ratio = 0.99 }
[objectives]
orders_lost = {}
"""


class Flights:
    """Flies in no time, against a shop that holds ``most`` orders a second and refuses every second one beyond."""

    def __init__(self, *most: int, lost: int = 0, ends: int | None = None, dirty: bool = False) -> None:
        self.most, self.lost, self.ends, self.dirty = list(most), lost, ends, dirty
        self.flown: list[Plan] = []

    def fly(self, _: Project, sortie: Sortie, manner: Manner, __: Progress) -> Flown:
        """Fly one ladder."""
        assert manner.apart is not None
        self.flown.append(sortie.plan)
        made, seen = sortie.plan, self._seen(sortie.plan)
        report = Report(plan=made, history=seen, judgement=judge(made, seen), logs={}, folder=Path("r1"))
        return Flown(report=report, interrupted=self.ends)

    def _seen(self, made: Plan) -> History:
        troubles, at_s = list[Trouble](), 0.0
        for stage in made.scenario.load.stages:
            if stage.orders_per_s > self.most[0]:
                troubles.append(Trouble(from_s=at_s, to_s=at_s + stage.for_s, one_in=2))
            at_s += stage.for_s
        found = a_history(made, troubles, self.lost)
        if self.dirty:
            left = ("orders_db-1: exited",)
            seen = (replace(one, residue=left) if isinstance(one, Fingerprint) else one for one in found.events)
            found = replace(found, events=sealed(seen))
        waited = {name: 0.0 for names in INSTANCES.values() for name in names} | {"lb": 0.3}
        return also(found, *counted(BEGIN_NS, end_ns(made), waited, probe="throttled"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project in which we are."""
    (tmp_path / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "tests.fake_shop:FakeShop"\n')
    (tmp_path / "calm.toml").write_text(CALM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sought(monkeypatch: pytest.MonkeyPatch, flights: Flights, *words: str) -> Typed:
    monkeypatch.setattr(knee, "fly", flights.fly)
    return typed("knee", "calm.toml", *words)


def test_the_knee_is_found_named_and_written_down(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(80)
    done = sought(monkeypatch, flights)
    assert done.code == 0, done.out + done.err
    assert len(flights.flown) == 2
    assert {"cpu", "throttled"} <= set(flights.flown[0].probes)
    (page,) = here.glob("reports/knees/*/knee.html")
    told = json.loads(page.with_suffix(".json").read_bytes())
    (search,) = told["searches"]
    assert 80 / 1.05 - 1 <= search["knee_per_s"] <= 80
    assert search["gave_way"]["part"] == "lb"
    assert "What gives way first is lb: lb had used up its CPU quota for 30% of the time." in done.out
    assert f"It held {search['knee_per_s']} orders/s, and did not hold" in done.out
    text = page.read_text()
    assert f'<h2 id="search-1">{search["knee_per_s"]} orders per second</h2>' in text
    assert "<script" not in text


def test_searches_that_do_not_agree_leave_it_open(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Moody(Flights):
        def fly(self, project: Project, sortie: Sortie, manner: Manner, progress: Progress) -> Flown:
            if len(self.flown) == 2:
                self.most.pop(0)
            return super().fly(project, sortie, manner, progress)

    done = sought(monkeypatch, Moody(80, 60), "--searches", "2")
    assert done.code == 12
    assert "do not agree within 10%" in done.out
    assert sought(monkeypatch, Flights(80), "--searches", "2").code == 0


def test_an_order_that_was_lost_is_worse_than_any_knee(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sought(monkeypatch, Flights(80, lost=1))
    assert done.code == 1
    assert "orders_lost: " in done.out


def test_a_promise_of_the_whole_run_that_was_not_shown_leaves_it_open(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rung was held, and nobody compared the shop with its declaration at the end."""

    class Blind(Flights):
        def _seen(self, made: Plan) -> History:
            return without(super()._seen(made), Fingerprint)

    done = sought(monkeypatch, Blind(80))
    assert done.code == 12, done.out
    assert "INCONCLUSIVE healed: " in done.out


def test_a_part_whose_cpu_time_nobody_read_is_never_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unread(Flights):
        def _seen(self, made: Plan) -> History:
            found = super()._seen(made)
            read = (one for one in found.events if not (isinstance(one, Sample) and (one.probe, one.on) == ("cpu", "lb")))
            return replace(found, events=sealed(read))

    done = sought(monkeypatch, Unread(80))
    assert "Of what gives way first: Nobody read the CPU time of lb at all." in done.out, done.out


@pytest.mark.parametrize(("wrong", "code"), [("goodput =", 2), ("orders_lost =", 2)])
def test_a_scenario_with_a_typo_is_told_so(wrong: str, code: int, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "calm.toml").write_text(CALM.replace(wrong, f"x{wrong}"))
    done = sought(monkeypatch, Flights(80))
    assert done.code == code, done.out + done.err
    assert f"x{wrong.partition(' ')[0]}" in done.err


def test_an_interruption_ends_the_search_and_keeps_what_was_seen(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(80, ends=130)
    done = sought(monkeypatch, flights)
    assert (done.code, len(flights.flown)) == (130, 1)
    assert list(here.glob("reports/knees/*/knee.html"))


def test_a_shop_that_holds_nothing_ends_the_search_with_what_was_seen(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below some rate a ladder would prove nothing, and is refused: that is no mistake of who typed the command."""
    flights = Flights(80)

    def refusing(*what: Any, **how: Any) -> Plan:
        if flights.flown:
            raise PlanError("calm_knee.toml", "load.stages", "write more")
        return planning(*what, **how)

    monkeypatch.setattr(knee, "plan", refusing)
    done = sought(monkeypatch, flights)
    assert (done.code, len(flights.flown)) == (12, 1)
    assert "so few orders prove nothing" in done.out
    assert list(here.glob("reports/knees/*/knee.html"))


def test_a_broken_shop_is_graver_than_an_interruption(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(80, ends=130, dirty=True)
    done = sought(monkeypatch, flights)
    assert (done.code, len(flights.flown)) == (13, 1)
    assert "To mend: windtunnel heal r1" in done.out


def test_a_shop_that_holds_less_than_is_tried_first_is_searched_below(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights(80)
    done = sought(monkeypatch, flights, "--from", "200")
    assert done.code == 0, done.out + done.err
    assert len(flights.flown) == 3


def test_one_core_cannot_be_shared_out(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    done = sought(monkeypatch, Flights(80))
    assert done.code == 10
    assert "a core each" in done.err
