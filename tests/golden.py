"""Golden runs: stored runs of the fake shop, with the verdicts that they must get, byte for byte.

    python -m tests.golden                 judge them again and write their verdicts down, after their words were changed
    python -m tests.golden fly [NAME…]     fly them (or only those) anew first; half a minute each, on a calm machine

``tests/histories`` holds, for each: the scenario as it is flown, ``<name>.zip`` with its run folder, and ``<name>.json``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_LZMA, ZipFile

from harness.conclude import conclude
from harness.judge import encode
from harness.model import Judgement, noun
from harness.project import Project
from harness.reporters import html, json, junit, terminal

ROOT = Path(__file__).parents[1]
HISTORIES = Path(__file__).with_name("histories")
SHOP = "tests.fake_shop:FakeShop"
MADE_AGAIN = {"verdicts.json", html.FILE, json.FILE, junit.FILE, terminal.FILE}
OF_THE_MOMENT = {"undo.lock", "harness.json", "load.pid", "guardian.out"}


@noun
class Golden:
    """One golden run: the scenario it flies, the defects of its shop, and the objectives it must FAIL (none: PASS)."""

    scenario: str
    defects: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()


GOLDEN: Mapping[str, Golden] = {
    "primary_lost": Golden(scenario="primary_lost"),
    "no_failover": Golden(scenario="primary_lost", defects=("no_failover",), fails=("rto",)),
    "no_idempotency": Golden(scenario="sent_twice", defects=("no_idempotency",), fails=("duplicated",)),
}


def project(folder: Path) -> Project:
    """Make a project of the fake shop in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(f'[tool.windtunnel]\nshop = "{SHOP}"\n', encoding="utf-8")
    return Project(root=folder, shop_name=SHOP)


def unpack(name: str, into: Project) -> Path:
    """Put a golden run among the runs of a project, as if it had just been flown there; give its folder."""
    with ZipFile(HISTORIES / f"{name}.zip") as archive:
        archive.extractall(into.runs)
        return into.runs / archive.namelist()[0].partition("/")[0]


def judged(name: str, into: Project) -> Judgement:
    """Judge a golden run."""
    return conclude(unpack(name, into), into).judgement


def fly(name: str, into: Project) -> None:
    """Fly a golden run and store its folder. Raises ``SystemExit`` where it did not end as it must."""
    golden = GOLDEN[name]
    scenario = into.root / f"{golden.scenario}.toml"
    scenario.write_bytes((HISTORIES / scenario.name).read_bytes())
    command = [sys.executable, "-m", "harness", "run", "--wait", scenario.name]
    command += [word for defect in golden.defects for word in ("--defect", defect)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = subprocess.run(command, cwd=into.root, env=environment, check=False, timeout=600).returncode
    if code != bool(golden.fails):
        raise SystemExit(f"{name}: ended with {code}, not stored; try again on a calm machine")
    (run,) = into.runs.iterdir()
    with ZipFile(HISTORIES / f"{name}.zip", "w", ZIP_LZMA) as archive:
        for path in sorted(run.rglob("*")):
            part = path.relative_to(run)
            if path.is_file() and part.name not in MADE_AGAIN | OF_THE_MOMENT and part.parts[0] not in ("pids", "state"):
                archive.write(path, Path(run.name) / part)


def main() -> None:
    """Fly if asked to, then judge, and write the verdicts down."""
    flying = sys.argv[1:2] == ["fly"]
    for name in sys.argv[2:] or GOLDEN:
        with tempfile.TemporaryDirectory(prefix="golden-") as folder:
            if flying:
                fly(name, project(Path(folder) / "flown"))
            judgement = judged(name, project(Path(folder) / "judged"))
            (HISTORIES / f"{name}.json").write_bytes(encode(judgement))
            print(f"{name}: {judgement.outcome.name}")


if __name__ == "__main__":
    main()
