"""What runs here: so that a run explains itself in its first record."""

import platform
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.clock import Clock
from harness.events import Parts, Run
from harness.host import describe
from harness.planned import Plan
from harness.project import Project
from harness.settings import Settings
from harness.shop import RunningShop

LIBRARIES = ("windtunnel", "locust", "docker", "testcontainers", "numpy")


def first_record(plan: Plan, settings: Settings, clock: Clock) -> Run:
    """Give the first record of a run."""
    written = Project(root=settings.project, shop_name=settings.shop_name).written
    return Run(
        at_ns=clock.now_ns(),
        id=settings.run,
        command=settings.command,
        commit=commit(settings.project, besides=[settings.out, *written]),
        machine=describe(),
        versions=versions(),
        shop=settings.shop_name,
        defects=plan.defects,
        seed=plan.scenario.seed,
        scale=plan.scale,
        wall_ns=clock.wall_ns(),
        part=settings.part,
        of=settings.of,
        scenario=plan.scenario.file,
    )


def parts(plan: Plan, shop: RunningShop, clock: Clock) -> Parts:
    """Give the record of what was started."""
    started = [part for part in plan.declaration.components if part.name in plan.parts]
    instances = {part.name: shop.instances(part) for part in started}
    return Parts(at_ns=clock.now_ns(), versions=dict(shop.versions), instances=instances)


def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that matter, where they are installed."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def commit(project: Path, besides: Sequence[Path] = ()) -> str:
    """Give the project's commit, with ``+`` where the tree differs from it, new files included; empty outside git.

    Files and folders of the project named in ``besides`` may differ, and a commit that changes nothing else is passed over
    for the one before it: what a command writes about a commit does not make it another, also once that is committed. Nor
    does what git ignores.
    """
    here = project.resolve()
    inside = [path.resolve().relative_to(here) for path in besides if here in path.resolve().parents]
    where = ["--", ":/", *(f":(exclude,literal){path}" for path in inside)]
    try:
        name = _git(project, "rev-list", "-1", "--abbrev-commit", "--abbrev=12", "HEAD", *where).stdout.strip()
        same = _git(project, "diff", "HEAD", "--quiet", *where).returncode == 0
        new = _git(project, "ls-files", "--others", "--exclude-standard", *where).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return name if not name or (same and not new) else f"{name}+"


def _git(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(project), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
