"""What an audit must show before it proves that all is well."""

from dataclasses import replace

from harness.evidence import audit_lacks
from tests.fake_runs import a_history, with_audit


def test_two_primaries_are_no_truth() -> None:
    """Orders acknowledged by the one may be missing on the other: which of them counts is not for the harness to choose."""
    history = a_history()
    assert history.audit is not None
    assert audit_lacks(history) == ""
    both = tuple(replace(node, role="primary") for node in history.audit.nodes)
    assert "several primaries" in audit_lacks(with_audit(history, replace(history.audit, nodes=both)))
