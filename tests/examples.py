"""The example that each fault gives of itself in its doc string, as a scenario would hold it."""

from typing import Any

from harness import faultbook, registry
from harness.model import Fault
from harness.scenario import Entry


def example(kind: str) -> dict[str, Any]:
    """Give the parameters of a fault's example, its target among them. Raises ``ValueError`` where it gives none."""
    return dict(faultbook.example(kind).params)


def made(kind: str, target: str) -> Fault:
    """Make a fault as in its example, but aimed at something else."""
    fault: Fault = registry.make(
        "faults", Entry(id=kind, kind=kind, params=example(kind) | {"target": target}), "made_up.toml", kind
    )
    return fault
