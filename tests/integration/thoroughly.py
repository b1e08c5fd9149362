"""Which rows of a long test `make test` tries, and which it leaves to `make conformance`."""

from collections.abc import Container, Iterable

import pytest


def thoroughly(rows: Iterable[object], always: Container[object]) -> list[object]:
    """Give the rows of a test, a tuple for several parameters; those not tried always carry the mark ``thorough``."""
    return [
        pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=() if row in always else pytest.mark.thorough)
        for row in rows
    ]
