"""The counters of control groups, in both versions and both layouts, as the kernel writes them."""

from pathlib import Path

import pytest

from harness.drivers import docker_cpu
from harness.drivers.docker_cpu import cpu_s, throttled_s
from harness.shop import Residence, Thing

REF = "f00d"
SHOP = Residence(run="r1", driver="docker", things=(Thing(name="lb-1", ref=REF, state={}),))
V2 = "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 40\nnr_throttled 9\nthrottled_usec 750000\n"
V1_QUOTA = "nr_periods 40\nnr_throttled 9\nthrottled_time 750000000\n"
FOLDERS = (f"docker/{REF}", f"system.slice/docker-{REF}.scope")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a place where the kernel's files are looked for."""
    monkeypatch.setattr(docker_cpu, "ROOT", tmp_path)
    return tmp_path


def tell(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize("folder", FOLDERS)
def test_version_2_tells_both_in_one_file_in_microseconds(folder: str, root: Path) -> None:
    tell(root / folder / "cpu.stat", V2)
    assert (cpu_s(SHOP), throttled_s(SHOP)) == ({"lb-1": 2.5}, {"lb-1": 0.75})


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("together", [True, False])
def test_version_1_tells_them_in_two_in_nanoseconds(folder: str, together: bool, root: Path) -> None:
    """The hierarchies ``cpu`` and ``cpuacct`` are one on most machines, under both names, and two on others."""
    tell(root / "cpuacct" / folder / "cpuacct.usage", "2500000000\n")
    tell(root / "cpu" / folder / "cpu.stat", V1_QUOTA)
    if together:
        tell(root / "cpuacct" / folder / "cpu.stat", V1_QUOTA)
        tell(root / "cpu" / folder / "cpuacct.usage", "2500000000\n")
    assert (cpu_s(SHOP), throttled_s(SHOP)) == ({"lb-1": 2.5}, {"lb-1": 0.75})


@pytest.mark.parametrize("text", [None, "", "nr_periods 0\n", "usage_usec\n", "usage_usec many\n"])
def test_a_count_that_is_not_told_is_none_and_never_zero(text: str | None, root: Path) -> None:
    """As of a container that is stopped: its group is gone."""
    if text is not None:
        tell(root / FOLDERS[0] / "cpu.stat", text)
    assert (cpu_s(SHOP), throttled_s(SHOP)) == ({}, {})
