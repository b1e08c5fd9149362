"""A stored run → its judgement → its reports. Needs nothing but the run folder and the shop's declaration."""

from contextlib import suppress
from pathlib import Path

from harness import registry, store
from harness.browser import record
from harness.errors import SetupError, StoredRunError
from harness.judge import encode, judge
from harness.plan import plan
from harness.planned import Plan, first_seed
from harness.project import Project
from harness.report import Report

VERDICTS = "verdicts.json"
LOG_BYTES = 40_000


def conclude(folder: Path, project: Project) -> Report:
    """Judge a stored run. The same folder gives the same judgement, byte for byte.

    Raises ``StoredRunError`` where the folder holds no run, or one of another shop.
    """
    stored = store.open_run(folder)
    run = stored.run
    if run is not None and run.shop != project.shop_name:
        raise StoredRunError(f"{folder}: a run of the shop {run.shop}, this project has {project.shop_name}; judge it there")
    made = _planned(stored, project)
    history = store.history(stored, made)
    return Report(
        plan=made,
        history=history,
        judgement=judge(made, history),
        logs=_logs(folder),
        folder=_named(folder),
        shots=record.shots(folder / record.SHOTS, history.views),
    )


def write(report: Report, folder: Path) -> None:
    """Write verdicts and every report into the run folder, each whole or not at all. Raises ``SetupError`` if it cannot."""
    files = {VERDICTS: encode(report.judgement).decode()}
    files |= {reporter.FILE: reporter.render(report) for reporter in registry.modules("reporters")}
    for name, text in files.items():
        fresh = folder / f"{name}.new"
        try:
            fresh.write_text(text, encoding="utf-8")
            fresh.rename(folder / name)
        except OSError as error:
            raise SetupError(
                f"{name} cannot be written: {error}; free some space, then `windtunnel report {folder}`"
            ) from error


def _planned(stored: store.Stored, project: Project) -> Plan:
    """Plan the stored scenario again as it was planned for the run."""
    run = stored.run
    defects = run.defects if run else ()
    rate = stored.scenario.load.arrivals.orders_per_s * run.scale if run else None
    seed, part = (first_seed(run.seed, run.part), run.part) if run else (None, 1)
    declaration = project.shop(defects).declaration
    return plan(stored.scenario, declaration, defects=defects, rate=rate, seed=seed, part=part, flown=True)


def _logs(folder: Path) -> dict[str, str]:
    """Give the last part of each instance's log; one that cannot be read is left out, for it decides nothing."""
    found: dict[str, str] = {}
    for path in sorted((folder / "logs").glob("*.log")):
        with suppress(OSError):
            found[path.stem] = path.read_bytes()[-LOG_BYTES:].decode(errors="replace")
    return found


def _named(folder: Path) -> Path:
    """Name a folder relative to where we are, if it lies below."""
    resolved = folder.resolve()
    return resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else resolved
