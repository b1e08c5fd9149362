"""The pen of a run: what it writes, what it hides, and what it does on a full disk."""

from pathlib import Path

import pytest

from harness.errors import SetupError
from harness.events import Event, Gap, Interrupted
from harness.recorder import Recorder
from harness.store import JOURNAL, read_journal


def recorder(folder: Path, shown: list[Event] | None = None) -> Recorder:
    """Give a recorder that shows its records to a list."""
    return Recorder(folder, (shown if shown is not None else []).append)


def test_a_secret_is_never_written(tmp_path: Path) -> None:
    """An error that quotes an address with its password is kept without it, under a check sum that fits."""
    record = recorder(tmp_path)
    record.hide(('s3cr"et', ""))
    record(Interrupted(at_ns=1, by='error: postgresql://shop:s3cr"et@db refused'))
    record.seal(2)
    events, doubts = read_journal(tmp_path / JOURNAL)
    assert b"s3cr" not in (tmp_path / JOURNAL).read_bytes()
    assert events[0] == Interrupted(at_ns=1, by="error: postgresql://shop:***@db refused")
    assert doubts == ()


def test_a_full_disk_stops_a_run_but_not_a_healing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be written is an error; while healing it is remembered, and the journal stays unsealed."""
    shown: list[Event] = []
    record = recorder(tmp_path, shown)
    record._journal.close()
    monkeypatch.setattr(record._journal, "_stream", Path("/dev/full").open("ab", buffering=0))  # noqa: SIM115 -- the recorder closes it
    with pytest.raises(SetupError, match="cannot be written"):
        record(Gap(at_ns=1, what="nothing"))
    record.sparing = True
    record(Gap(at_ns=2, what="healing goes on"))
    record.seal(3)
    assert record.broken is not None
    assert shown == [Gap(at_ns=2, what="healing goes on")]
    assert read_journal(tmp_path / JOURNAL)[1] != ()
