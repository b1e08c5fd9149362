"""Text that tries to be more than text, and reports that hold it everywhere."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.model import Outcome, Undo
from harness.report import Report
from tests.sample_reports import sample_report

MARKUP = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</style></title></desc></svg><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "]]><!ENTITY x SYSTEM 'file:///'>&x;",
    "[red]rich[/red] [link=javascript:x]",
    "\x1b]0;title\x07\x1b[2J\x9b31m\x00\x08\r\n",
    "\u202eesrever\u2066\ufeff\u2028\ufffe\U000e0001",
    "\udc80\ud800",
    "x" * 9000,
    "javascript:alert(1)",
    "www.evil.example WWW.evil.example",
]
FIXED = {"stage"}  # words of a closed set, checked when they are read

REPORTS = {outcome: sample_report(outcome) for outcome in Outcome}


def everywhere(value: Any, text: str) -> Any:
    """Put a text wherever there is one: in every noun, list and table, as value and as key."""
    if isinstance(value, str):
        return text
    if isinstance(value, Path):
        return Path(text)
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Undo):
        names = [field.name for field in dataclasses.fields(value) if field.name not in FIXED]
        return dataclasses.replace(value, **{name: everywhere(getattr(value, name), text) for name in names})
    if isinstance(value, Mapping):
        return {f"{text}{n}": everywhere(one, text) for n, one in enumerate(value.values())}
    if isinstance(value, tuple):
        return tuple(everywhere(one, text) for one in value)
    return value


def spoiled(outcome: Outcome, text: str) -> Report:
    """Give a report whose every text was replaced."""
    report: Report = everywhere(REPORTS[outcome], text)
    return report
