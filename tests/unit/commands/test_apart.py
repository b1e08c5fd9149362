"""``run --apart``: shop and generator have cores of their own, or the run is refused before anything starts."""

from pathlib import Path

import pytest

from harness import cli
from harness.campaign import Flown, Manner, Sortie
from harness.model import Outcome
from harness.progress import Progress
from harness.project import Project
from tests.acceptance.flight import ROOT
from tests.sample_reports import sample_report
from tests.typing_in import typed

CALM, GROWS = (str(ROOT / "scenarios" / f"{name}.toml") for name in ("calm", "replica_added"))


@pytest.fixture
def flown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Manner]:
    """Go to a project of the reference shop; give how runs are flown there, which takes no time."""
    manners: list[Manner] = []

    def fly(_: Project, __: Sortie, manner: Manner, ___: Progress) -> Flown:
        manners.append(manner)
        return Flown(report=sample_report(Outcome.PASS), interrupted=None)

    monkeypatch.setattr(cli, "fly", fly)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.windtunnel]\nshop = "sut.shop:ReferenceShop"\n')
    return manners


def test_shop_and_generator_share_no_core_where_that_is_asked(flown: list[Manner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert typed("run", CALM).code == 0
    assert typed("run", CALM, "--apart").code == 0
    together, own = flown
    assert together.apart is None
    assert own.apart is not None
    assert (own.apart.shop, own.apart.load) == (frozenset({0, 1}), frozenset({2}))


@pytest.mark.parametrize(
    ("words", "because"),
    [((CALM, "--generators", "2"), "leave --generators and --gather out"), ((GROWS,), "what is added runs on every core")],
)
def test_whatever_would_run_on_any_core_is_refused(words: tuple[str, ...], because: str, flown: list[Manner]) -> None:
    done = typed("run", "--apart", *words)
    assert (done.code, because in done.err, flown) == (2, True, []), done.err


def test_one_core_is_not_enough(flown: list[Manner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    done = typed("run", "--apart", CALM)
    assert (done.code, "a core each" in done.err, flown) == (10, True, []), done.err
