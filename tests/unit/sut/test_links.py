"""The links of the reference shop as a whole: how they are located, detoured, and seen by all who use them."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.errors import ControlError
from harness.model import REFUSED, SILENT, Located, Reading, Target
from sut.components import storefront as storefront_module
from sut.components.storefront import Storefront
from sut.components.together import Together, least
from sut.components.toxiproxy import Detour, settings
from sut.declared import DETOUR_PORTS, LINKS
from sut.running import RunningReferenceShop
from sut.shop import ReferenceShop


def reading(value: float | str | None) -> Reading:
    return Reading(at_ns=0, value=value)


def test_settings_have_a_door_for_each_link_and_no_toxic() -> None:
    written = json.loads(settings([Detour(link="storefront->db_route", port=20_002, to="198.18.0.9:5432")]))
    assert written == [{"name": "storefront->db_route", "listen": "0.0.0.0:20002", "upstream": "198.18.0.9:5432"}]


def test_no_two_links_share_a_door() -> None:
    assert len(set(DETOUR_PORTS.values())) == len(LINKS)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((3.0, 300.0), 3.0),
        ((SILENT, 300.0), 300.0),
        ((REFUSED, SILENT), REFUSED),
        ((None, SILENT), SILENT),
        ((None, 2.0), 2.0),
        ((None, None), None),
    ],
)
def test_a_link_suffers_as_much_as_whoever_suffers_least(values: tuple[float | str | None, ...], found: object) -> None:
    """What is well for one is not spoilt for all; who cannot be asked says nothing about the link."""
    assert least([reading(value) for value in values]).value == found
    parts = [SimpleNamespace(carried_ms=lambda *_, value=value: reading(value)) for value in values]
    assert Together(cast("Any", parts)).carried_ms("db_route", 10).value == found


def test_where_nobody_runs_nobody_can_say_how_a_link_carries() -> None:
    with pytest.raises(ControlError, match="no instance runs"):
        Together([]).carried_ms("db_route", 10)


@pytest.mark.parametrize(
    ("status", "body", "value"),
    [
        (200, b'{"took_ms": 3.5}', 3.5),
        (200, b'{"silent": "nothing came"}', SILENT),
        (200, b'{"refused": "the connection was closed"}', REFUSED),
        (200, b"{}", None),
        (200, b"?", None),
        (200, b'{"took_ms": "long"}', None),
        (503, b'{"refused": "no_storefront"}', None),
        (400, b"", None),
        (None, b"", None),
    ],
)
def test_a_storefront_speaks_of_its_link_and_its_own_silence_says_nothing(
    status: int | None, body: bytes, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_: object) -> tuple[int, bytes]:
        if status is None:
            raise TimeoutError("nobody answered")
        return status, body

    monkeypatch.setattr(storefront_module, "http_get", get)
    part = SimpleNamespace(instance="storefront-1", address="", deadline=lambda _: None, ground=SimpleNamespace(now_ns=int))
    seen = Storefront.carried_ms(cast("Storefront", part), "db_route", 100)
    assert seen.value == value
    assert (seen.why is None) == (value is not None)


def located(target: str) -> Located:
    site = SimpleNamespace(now_ns=int)
    parts = dict.fromkeys(("storefront-1", "storefront-2", "db_route", "toxiproxy"))
    shop = SimpleNamespace(_declaration=ReferenceShop().declaration, _parts=parts, _site=site, _rooms={})
    return RunningReferenceShop.locate(cast("RunningReferenceShop", shop), Target.parse(target))


def test_a_whole_link_is_located_at_its_component_and_one_end_of_it_at_an_instance() -> None:
    whole = located("storefront->db_route")
    assert (whole.component, whole.instance) == ("storefront", "storefront")
    assert located("storefront#2->db_route").instance == "storefront-2"
    with pytest.raises(ControlError, match="which of storefront-1, storefront-2"):
        located("storefront")
