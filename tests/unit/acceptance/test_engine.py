"""What the acceptance sees of a shop that was mended: the word of its parts, not what somebody else still holds of them."""

import subprocess
from types import SimpleNamespace

import pytest

from tests.acceptance import engine
from tests.acceptance.flight import NotAsRequired

ONE, TWO = "windtunnel-run-orders_db-1", "windtunnel-run-orders_db-2"
WELL = {ONE: "primary of orders_db-2 sync", TWO: "standby"}
SILENT = {ONE: ""}
STALE = """[{"Member": "orders_db-1", "Role": "Leader", "State": "running"},
            {"Member": "orders_db-2", "Role": "Sync Standby", "State": "streaming"}]"""


class FakeEngine:
    """Two nodes that run; each says its role as ``says`` has it at a time. Patroni always lists them as they once were."""

    def __init__(self, *says: tuple[float, dict[str, str]]) -> None:
        self.now_s, self._says = 0.0, says

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now_s += seconds

    def __call__(self, *words: str) -> str:
        """Type one docker command."""
        if words[0] == "ps":
            return f"{ONE}\trunning\n{TWO}\trunning"
        if "patronictl" in words:
            return STALE
        said = [roles for at_s, roles in self._says if at_s <= self.now_s][-1][words[1]]
        if not said:
            raise subprocess.CalledProcessError(124, words)
        return said


def healed(monkeypatch: pytest.MonkeyPatch, *says: tuple[float, dict[str, str]]) -> str:
    fake = FakeEngine(*says)
    monkeypatch.setattr(engine, "docker", fake)
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=fake.monotonic, sleep=fake.sleep))
    return engine.see_healed("run", 0.0)


def test_roles_that_come_back_and_stay_are_healed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "from 8.0 s on" in healed(monkeypatch, (0, WELL | SILENT), (8, WELL))


@pytest.mark.parametrize(
    "says",
    [
        [(0, WELL | SILENT)],  # Patroni's list would still name it the leader
        [(0, WELL), (20, WELL | SILENT)],  # it was the answer of before the lease ended
        [(0, WELL), (20, {ONE: "primary of none", TWO: "primary of none"})],
        [(0, {ONE: "primary of orders_db-2 async", TWO: "standby"})],
        [(0, {ONE: "standby", TWO: "standby"})],
        [(0, {ONE: "primary of orders_db-2 sync", TWO: "primary of orders_db-1 sync"})],
        [(at, WELL if at % 20 else WELL | SILENT) for at in range(0, 150, 10)],
    ],
    ids=["silent", "too short", "two primaries", "asynchronous", "no primary", "each claims the other", "now and then"],
)
def test_a_stale_or_wrong_answer_is_not_healed(
    says: list[tuple[float, dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotAsRequired, match="synchronous standby"):
        healed(monkeypatch, *says)


@pytest.mark.parametrize("heard", [[], ["pause"], ["unpause", "pause"], ["kill", "unpause"]])
def test_events_that_lack_or_come_the_other_way_round_are_not_heard(heard: list[str]) -> None:
    assert engine.in_this_order(["create", "pause", "die", "unpause"], ("pause", "unpause"))
    assert not engine.in_this_order(heard, ("pause", "unpause"))
