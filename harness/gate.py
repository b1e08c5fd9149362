"""The gate of a release: which scenarios, within how many minutes, flown again where nothing was decided, told to CI."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.campaign import Flown, Sortie
from harness.clock import S, monotonic_ns
from harness.errors import SetupError, UsageError, WindtunnelError
from harness.judge import HEALED
from harness.model import Outcome
from harness.planned import expected_s
from harness.project import Project, near
from harness.report import Report
from harness.reporters import markdown
from harness.reporters._words import visible
from harness.scenario import load

STEP_SUMMARY, ACTIONS = "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"
IMPLIED = {"blast_radius": "blast_radius", HEALED: "steps"}  # objective of every run → the top-level key it is about


@dataclass(slots=True, kw_only=True)
class Passage:
    """What a campaign came to. ``reports`` holds every attempt in the order flown; of a run the last attempt counts."""

    final: list[Report] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    not_flown: list[str] = field(default_factory=list)
    interrupted: int = 0
    trouble: Exception | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of all: the worst outcome's; what was not flown is not decided."""
        worst = max((report.judgement.outcome for report in self.final), default=Outcome.INCONCLUSIVE)
        if self.not_flown:
            worst = max(worst, Outcome.INCONCLUSIVE)
        if self.trouble is not None and worst < Outcome.FAIL:
            return exit_code(self.trouble)
        return worst.exit_code if worst is Outcome.DIRTY or not self.interrupted else self.interrupted


def exit_code(trouble: Exception) -> int:
    """Give the exit code of what kept us from going on; a bug of ours leaves open what was to be shown."""
    return trouble.exit_code if isinstance(trouble, WindtunnelError) else Outcome.INCONCLUSIVE.exit_code


def chosen(project: Project, files: Sequence[Path], tag: str | None) -> tuple[Path, ...]:
    """Give the scenario files meant: those named (or all of ``scenarios/``) that carry the tag, if one is given.

    Raises ``UsageError`` where none is left: a gate that flies nothing would let everything through.
    """
    folder = project.root / "scenarios"
    named = tuple(files) or (tuple(near(path) for path in sorted(folder.rglob("*.toml"))) if tag is not None else ())
    if not named:
        raise UsageError("name scenario files, or a tag with --tag")
    found = named if tag is None else tuple(file for file in named if tag in load(file).tags)
    if not found:
        tags = sorted({one for file in named for one in load(file).tags})
        raise UsageError(f"--tag {tag}: no scenario carries it; known here: {', '.join(tags) or 'none'}")
    return found


def told(sorties: Sequence[Sortie], minutes: float | None) -> str:
    """Say how long it will take. Raises ``UsageError`` where that is more than ``minutes``."""
    usual_s = sum(expected_s(sortie.plan) for sortie in sorties)
    longest_s = sum(sortie.plan.longest_s for sortie in sorties)
    runs = f"{len(sorties)} run{'s' if len(sorties) > 1 else ''}"
    said = f"{runs}: about {usual_s / 60:.1f} min if all goes well, {longest_s / 60:.0f} min at the longest"
    if minutes is not None and usual_s > minutes * 60:
        raise UsageError(
            f"{said}; that is more than --max-minutes {minutes:g}: choose fewer, or allow {usual_s / 60 + 1:.0f}"
        )
    return said


def pass_through(
    sorties: Sequence[Sortie], fly: Callable[[Sortie], Flown], *, minutes: float | None = None, again: int = 0
) -> Passage:
    """Fly all, each anew up to ``again`` times where nothing was decided; a FAIL never.

    A run that would not come to its end within ``minutes`` is not begun. Beside a shop that is still broken, and after an
    interruption, nothing more is flown; nor on a machine that is not ready, or after a bug of ours: that is ``trouble``.
    """
    passage, began_ns = Passage(), monotonic_ns()
    for number, sortie in enumerate(sorties):
        flown: Flown | None = None
        for _ in range(again + 1):
            used_s = (monotonic_ns() - began_ns) / S
            if minutes is not None and used_s + expected_s(sortie.plan) > minutes * 60:
                break
            try:
                flown = fly(sortie)
            except Exception as error:  # noqa: BLE001 -- what the others said is kept, and told, whatever it was
                passage.trouble = error
                passage.not_flown += [f"{_name(one)}: {error}" for one in sorties[number:]]
                return passage
            passage.reports.append(flown.report)
            if flown.interrupted or flown.report.judgement.outcome is not Outcome.INCONCLUSIVE:
                break
        if flown is None:
            passage.not_flown.append(f"{_name(sortie)}: the {minutes:g} minutes are used up")
            continue
        passage.final.append(flown.report)
        if flown.interrupted or flown.report.judgement.outcome is Outcome.DIRTY:
            passage.interrupted = flown.interrupted or 0
            passage.not_flown += [f"{_name(one)}: the campaign ended before" for one in sorties[number + 1 :]]
            break
    return passage


def summarize(passage: Passage, path: Path | None) -> None:
    """Write the Markdown summary to ``path``, if given, and append it where GitHub collects them, if it does.

    Raises ``SetupError`` where one of them cannot be written; the other is written all the same.
    """
    text = markdown.render_all(passage.reports, passage.not_flown, passage.final)
    collected = os.environ.get(STEP_SUMMARY)
    trouble: OSError | None = None
    for where, how in ((path, "w"), (Path(collected) if collected else None, "a")):
        try:
            if where is not None:
                where.parent.mkdir(parents=True, exist_ok=True)
                with where.open(how, encoding="utf-8") as stream:
                    stream.write(text)
        except OSError as error:
            trouble = error
    if trouble is not None:
        raise SetupError(f"the summary cannot be written: {trouble}; name another file with --summary") from trouble


def annotations(passage: Passage) -> Iterator[str]:
    """Give GitHub's commands that mark the lines of scenario files; none where GitHub does not run us."""
    if os.environ.get(ACTIONS) != "true":
        return
    for report in passage.final:
        scenario = report.plan.scenario
        for verdict in report.judgement.verdicts:
            if verdict.outcome is not Outcome.PASS:
                place = f"file={_property(scenario.file)},line={line_of(scenario.text, verdict.objective)}"
                title = _property(f"{verdict.outcome.name} {verdict.objective}")
                yield f"::error {place},title={title}::{_data(visible(verdict.because))}"


def _name(sortie: Sortie) -> str:
    part = f" (run {sortie.part} of {sortie.of})" if sortie.of > 1 else ""
    return f"{sortie.plan.scenario.name}{part}"


def line_of(text: str, objective: str) -> int:
    """Give the line, counted from 1, on which a scenario asks for an objective; 1 where no line does.

    What every run is asked stands where the scenario says what it is about: the blast radius, and the steps to heal.
    """
    moment, _, rest = objective.partition(".")
    section, name = ("steady_state", rest) if moment in ("before", "after") and rest else ("objectives", objective)
    section, name = ("", IMPLIED[objective]) if objective in IMPLIED else (section, name)
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]", line):
            inside = header[1]
            if inside == f"{section}.{name}".lstrip("."):
                return number
        elif inside == section and re.match(rf"""\s*["']?{re.escape(name)}["']?\s*[=.]""", line):
            return number
    return 1


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
