"""The choice of a subnet for a run."""

from pathlib import Path

import pytest

from harness.errors import SetupError
from harness.shop import Site
from sut.components import ground as module
from sut.components.ground import BENCHMARKS, Ground, lay, subnets

SITE = Site(id="run-7", folder=Path("runs/run-7"), now_ns=lambda: 0, say=print, receive=lambda address: f"http://{address}")


def test_every_subnet_is_offered_once_and_runs_begin_at_different_ones() -> None:
    offered = list(subnets("run-7"))
    assert len(set(offered)) == len(offered) == 512
    assert all(subnet.subnet_of(BENCHMARKS) and subnet.prefixlen == 24 for subnet in offered)
    assert next(subnets("run-7")) == offered[0]
    assert len({next(subnets(f"run-{n}")) for n in range(20)}) > 10


def test_a_taken_subnet_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Ground] = []

    def make(ground: Ground) -> None:
        tried.append(ground)
        if len(tried) < 3:
            raise OSError("Pool overlaps with other one on this address space")

    monkeypatch.setattr(module, "_make", make)
    ground = lay(SITE, ["etcd", "orders_db-1"], {"tools": "tools:1"})
    assert ground is tried[2]
    assert ground.subnet == list(subnets("run-7"))[2]
    assert ground.addresses == {"etcd": str(ground.subnet[10]), "orders_db-1": str(ground.subnet[11])}
    assert ground.labels("etcd") == {
        "windtunnel.run": "run-7",
        "windtunnel.instance": "etcd",
        "windtunnel.lock": str(Path("runs/run-7/undo.lock").resolve()),
        "windtunnel.network": "windtunnel-run-7",
        "windtunnel.address": str(ground.subnet[10]),
        "windtunnel.tools": "tools:1",
    }
    assert ground.labels("network").keys() == {"windtunnel.run", "windtunnel.instance", "windtunnel.lock"}


def test_another_refusal_of_the_engine_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Ground] = []

    def make(ground: Ground) -> None:
        tried.append(ground)
        raise OSError("no space left on device")

    monkeypatch.setattr(module, "_make", make)
    with pytest.raises(SetupError, match="no space left"):
        lay(SITE, ["etcd"], {})
    assert len(tried) == 1


def test_the_search_ends_where_nothing_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_: Ground) -> None:
        raise OSError("Pool overlaps with other one on this address space")

    monkeypatch.setattr(module, "_make", make)
    with pytest.raises(SetupError, match="windtunnel heal"):
        lay(SITE, ["etcd"], {})
