"""What is installed is all that is needed: every file of the harness is a module, or data that the package names."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_whoever_installs_the_harness_gets_its_templates_too() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["harness"]
    home = ROOT / "harness"
    packed = {path for pattern in named for path in home.glob(pattern)}
    others = {path for path in home.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert others == packed
    assert any(path.suffix == ".j2" for path in others)
