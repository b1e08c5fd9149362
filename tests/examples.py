"""The example that each fault gives of itself in its doc string, as a scenario would hold it."""

import re
import tomllib
from typing import Any

from harness import registry
from harness.model import Fault
from harness.scenario import Entry


def example(kind: str) -> dict[str, Any]:
    """Give the parameters of a fault's example, its target among them. Raises ``AssertionError`` where it gives none."""
    found = re.search(rf"``({kind} = {{.*}})``", registry.cls("faults", kind).__doc__ or "")
    assert found is not None, f"{kind} gives no example of itself"
    parameters: dict[str, Any] = tomllib.loads(found[1])[kind]
    return parameters


def made(kind: str, target: str) -> Fault:
    """Make a fault as in its example, but aimed at something else."""
    fault: Fault = registry.make(
        "faults", Entry(id=kind, kind=kind, params=example(kind) | {"target": target}), "made_up.toml", kind
    )
    return fault
