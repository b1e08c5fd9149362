"""What is said of an error: one line for people, never a traceback."""

import tempfile
import traceback

from harness.errors import WindtunnelError
from harness.reporters._words import visible


def said(error: Exception) -> str:
    """Say what went wrong. Of a bug of ours: its kind, and the file that holds the traceback, if there is room for one."""
    if isinstance(error, WindtunnelError):
        return visible(str(error), keep="\n")
    try:
        with tempfile.NamedTemporaryFile("w", prefix="windtunnel-", suffix=".txt", delete=False) as told:
            traceback.print_exception(error, file=told)
        where = told.name
    except OSError as full:
        where = f"this (its traceback cannot be kept: {full})"
    return f"a bug of ours: {type(error).__name__}: {visible(str(error))}; please report {where}"
