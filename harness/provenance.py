"""What runs here: so that a run explains itself in its first record."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("windtunnel", "locust", "docker", "testcontainers", "numpy")


def versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that matter, where they are installed."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(project: Path) -> str:
    """Give the project's commit, with ``+`` where the tree differs from it; empty outside git."""
    try:
        command = ["git", "-C", str(project), "describe", "--always", "--abbrev=12", "--dirty=+"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
