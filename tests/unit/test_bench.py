"""The bench says where it has written what it measured."""

from pathlib import Path

import pytest

from tests import bench
from tests.figures import Figure


def test_the_place_of_every_value_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "DATA", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "benchmarks.md")
    told = {"commit": "c0ffee", "machine": "made up", "date": "2026-01-01", "versions": "none"}
    bench.write([Figure(name="how long", unit="s", values=(1.0, 2.0))], told)
    assert "bench.json" in capsys.readouterr().out.splitlines()[-1]
    assert '"how long"' in (tmp_path / "bench.json").read_text()
    assert "| how long | 2 |" in (tmp_path / "benchmarks.md").read_text()
