"""pytest's door: each scenario file is collected, with a test for each of its objectives.

It is opened by one line in ``conftest.py``: ``pytest_plugins = ["harness.pytest_plugin"]``. A file's run is flown once, when
its first test needs it, whichever tests were chosen. A FAIL is a failure, INCONCLUSIVE an error in set-up, never a skip; a
DIRTY run ends the session. Tags are marks. Files count as scenarios if their name ends with ``.toml`` and they lie below a
folder called ``scenarios``, or are named on the command line.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from harness import registry
from harness.campaign import Change, Manner, Sortie, fly, planned
from harness.conclude import conclude, write
from harness.errors import UsageError, WindtunnelError
from harness.gate import line_of
from harness.judge import asked, unsteady
from harness.model import Outcome, Verdict
from harness.plan import able, plan, started
from harness.planned import BEFORE, Plan
from harness.progress import Progress
from harness.project import Project, find
from harness.report import Report
from harness.reporters._failure import failure
from harness.scenario import Scenario
from harness.screen import Screen
from harness.store import ASKED
from harness.tunnel import Told, Tunnel

FOLDER = "scenarios"
WORKERS = "scenarios share one machine and cannot run in several workers: leave out -n"
FLOWN = pytest.StashKey[dict[Path, Report]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; they begin with ``--windtunnel-``, since Locust's own plugin has the short names."""
    group = parser.getgroup("windtunnel", "scenarios of windtunnel")
    group.addoption("--windtunnel-rate", type=float, metavar="N", help="orders a second in place of the scenarios'")
    group.addoption("--windtunnel-seed", type=int, metavar="N", help="the seed in place of the scenarios'")
    group.addoption("--windtunnel-defect", action="append", default=[], metavar="NAME", help="a switch of the bad shops")
    group.addoption("--windtunnel-out", type=Path, metavar="DIR", help="where run folders go (default: reports/runs)")
    group.addoption("--windtunnel-keep", action="store_true", help="leave the shop running after the run")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the reports of the session."""
    config.stash[FLOWN] = {}


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect scenario files."""
    root = parent.config.rootpath
    below = file_path.parent.relative_to(root).parts if file_path.is_relative_to(root) else ()
    if file_path.suffix != ".toml" or not (FOLDER in below or parent.session.isinitpath(file_path)):
        return None
    collector: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return collector


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the reports are."""
    for report in config.stash[FLOWN].values():
        outcome, name = report.judgement.outcome.name, report.plan.scenario.file
        terminalreporter.write_line(f"windtunnel: {outcome}  {name}  {report.folder}/report.html")


@pytest.fixture
def tunnel(request: pytest.FixtureRequest) -> Iterator[Tunnel]:
    """Give the Python form of a scenario: one run, and the questions about it. See ``harness.tunnel``."""
    project, change = find(request.path.parent), _change(request.config)
    if hasattr(request.config, "workerinput"):
        raise UsageError(WORKERS)
    declaration = project.shop().declaration

    def plans(scenario: Scenario, monitored: bool) -> Plan:  # noqa: FBT001 -- as a tunnel calls it
        made = plan(scenario, declaration, defects=change.defects, rate=change.rate, seed=change.seed)
        checkers = [registry.cls("checkers", kind) for kind in registry.kinds("checkers")]
        # What will be asked is not known yet, so everything is watched.
        probes = {probe for checker in checkers for probe in checker.probes}
        needs = {need for checker in checkers for need in checker.needs} if monitored else set[str]()
        parts = started(declaration, [*made.parts, *able(declaration, needs)])
        return replace(made, parts=parts, probes=tuple(sorted({*made.probes, *probes})))

    def asks(folder: Path, objectives: str) -> Report:
        file = folder / ASKED
        before = file.read_text(encoding="utf-8") if file.exists() else None
        file.write_text(objectives, encoding="utf-8")
        try:
            report = conclude(folder, project)
        except UsageError:  # a question that is refused must not be asked of this run for ever
            file.unlink() if before is None else file.write_text(before, encoding="utf-8")
            raise
        write(report, folder)
        request.config.stash[FLOWN][folder] = report
        return report

    def flies(made: Plan) -> Path:
        return _fly(request.session, project, Sortie(plan=made, part=1, of=1)).folder

    made = Tunnel(request.node.nodeid, declaration, plans=plans, flies=flies, asks=asks)
    yield made
    if not made.checked:  # a test that got it by another way than its arguments
        made.check()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Fail a test that has the fixture ``tunnel`` and proves nothing with it; tell what broke beside its assertion."""
    found = pyfuncitem.funcargs.get("tunnel")
    if not isinstance(found, Tunnel):
        return (yield)
    try:
        done = yield
        found.check()
    finally:
        found.checked = True
        if told := found.told():
            pyfuncitem.add_report_section("call", "windtunnel", told)
    return done


def _change(config: pytest.Config) -> Change:
    """Read what the options change."""
    option = config.getoption
    defects = tuple(option("--windtunnel-defect"))
    return Change(rate=option("--windtunnel-rate"), seed=option("--windtunnel-seed"), defects=defects)


def _fly(session: pytest.Session, project: Project, sortie: Sortie) -> Report:
    """Fly one run, in sight of whoever looks on. The session ends where nothing more may be flown."""
    config = session.config
    out = config.getoption("--windtunnel-out") or project.runs
    command = shlex.join(["pytest", *map(os.fspath, config.invocation_params.args)])
    manner = Manner(out=out, command=command, keep=config.getoption("--windtunnel-keep"), wait=True)
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        screen = Screen(highlight=False, quiet=config.get_verbosity() < 0)
        screen.print()
        with Progress(screen, sortie.plan.scenario.name) as progress:
            flown = fly(project, sortie, manner, progress)
    report = flown.report
    config.stash[FLOWN][report.folder] = report
    if report.judgement.outcome is Outcome.DIRTY:  # beside what is still broken, nothing is measured
        session.shouldstop = f"the shop is still broken: windtunnel heal {report.folder.name}"
    elif flown.interrupted is not None:
        session.shouldstop = f"told to stop (as exit code {flown.interrupted} says); all is healed"
    return report


class ScenarioFile(pytest.File):
    """One scenario file: planned when it is collected, flown when its first test is set up."""

    _reports: tuple[Report, ...] | BaseException | None = None

    def collect(self) -> Iterator["ObjectiveItem"]:
        """Give a test for each objective. A file that cannot be planned is an error of the collection."""
        if hasattr(self.config, "workerinput"):
            raise self.CollectError(WORKERS)
        try:
            self._project, self._sorties = self._planned()
        except WindtunnelError as error:
            raise self.CollectError(str(error)) from error
        plan = self._sorties[0].plan
        for tag in plan.scenario.tags:
            self.config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
            self.add_marker(tag)
        for objective in asked(plan):
            yield ObjectiveItem.from_parent(self, name=objective)

    def _planned(self) -> tuple[Project, tuple[Sortie, ...]]:
        project, here = find(self.path.parent), Path.cwd()
        file = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return project, planned(project, [file], _change(self.config))

    def reports(self) -> tuple[Report, ...]:
        """Fly the runs of the file, once, and give their reports. Raises ``WindtunnelError`` where they cannot be flown."""
        if self._reports is None:
            try:
                self._reports = tuple(self._flown())
            except BaseException as error:  # noqa: BLE001 -- also a time limit's: it is raised again for each test
                self._reports = error
        if isinstance(self._reports, BaseException):
            raise self._reports
        if len(self._reports) < len(self._sorties):
            told = f"only {len(self._reports)} of the {len(self._sorties)} runs of the series were flown"
            raise Told(f"{told}: {'; '.join(f'{one.folder}/report.html' for one in self._reports)}")
        return self._reports

    def line_of(self, objective: str) -> int:
        """Give the line of the file that asks for an objective, counted from 0."""
        return line_of(self._sorties[0].plan.scenario.text, objective) - 1

    def _flown(self) -> Iterator[Report]:
        for sortie in self._sorties:
            yield _fly(self.session, self._project, sortie)
            if self.session.shouldstop:
                return


class ObjectiveItem(pytest.Item):
    """One objective of a scenario; of a series the worst of its runs counts."""

    def setup(self) -> None:
        """Fly the run if that has not been done. What could not be decided is an error here."""
        try:
            self._fly()
        except (Told, WindtunnelError) as error:  # how pytest came to know of it is of no use to anybody
            pytest.fail(str(error), pytrace=False)

    def _fly(self) -> None:
        told = [(report, _counted(report, self.name)) for report in self._file.reports()]
        report, verdict = max(told, key=lambda one: (max(one[1].outcome, _dirty(one[0])), one[1].objective == self.name))
        self._worst = verdict
        self._told = failure(report, verdict)
        self._note(report, verdict)
        if report.judgement.outcome is Outcome.DIRTY:
            raise Told(failure(report, _verdict(report, asked(report.plan)[-1])))
        if verdict.objective != self.name or verdict.outcome not in (Outcome.PASS, Outcome.FAIL):
            raise Told(self._told)

    def runtest(self) -> None:
        """Fail where the shop broke its promise."""
        if self._worst.outcome is not Outcome.PASS:
            pytest.fail(self._told, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Give the place in the file, and a headline; in one that ended as the test's id does, pytest would rewrite dots."""
        file = self.nodeid.removesuffix(f"::{self.name}")
        return self.path, self._file.line_of(self.name), f"{self.name} in {file}"

    @property
    def _file(self) -> ScenarioFile:
        assert isinstance(self.parent, ScenarioFile)  # noqa: S101 -- made by its collect
        return self.parent

    def _note(self, report: Report, verdict: Verdict) -> None:
        """Leave the figures to JUnit and to whoever reads ``user_properties``."""
        run = report.history.run
        self.user_properties += [("run", run.id if run else ""), ("report", f"{report.folder}/report.html")]
        self.user_properties += [("outcome", verdict.outcome.name), ("evidence", verdict.evidence)]
        self.user_properties += [(f"measured.{name}", value) for name, value in verdict.measured.items()]
        self.user_properties += [(f"limit.{name}", value) for name, value in verdict.limit.items()]


def _counted(report: Report, objective: str) -> Verdict:
    """Give the verdict that counts for an objective: where it was kept by a shop that was not steady before, that one."""
    verdict, before = _verdict(report, objective), unsteady(report.judgement)
    kept_for_nothing = before and verdict.outcome is Outcome.PASS and not objective.startswith(BEFORE)
    return max(before, key=lambda one: one.outcome) if kept_for_nothing else verdict


def _verdict(report: Report, objective: str) -> Verdict:
    return next(verdict for verdict in report.judgement.verdicts if verdict.objective == objective)


def _dirty(report: Report) -> Outcome:
    """Whatever else is said of it, a run that left something broken is the worst of a series."""
    outcome = report.judgement.outcome
    return outcome if outcome is Outcome.DIRTY else Outcome.PASS
