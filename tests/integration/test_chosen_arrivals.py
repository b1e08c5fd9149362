"""Arrivals that are chosen from the others: a crowd that looks at one product, orders without a key."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ControlError
from harness.history import READ
from tests.integration.little_server import Server, answer
from tests.integration.loads import LOAD, Flight, flying, spec_for

pytestmark = pytest.mark.slow


def test_the_crowd_looks_at_one_product_and_all_others_at_theirs(tmp_path: Path) -> None:
    paths: list[bytes] = []

    def note(shop: Server, request: bytes, writer: asyncio.StreamWriter) -> None:
        paths.append(request.split()[1])
        answer(shop, request, writer)

    load = replace(LOAD, products_per_s=100, crowd_ratio=0.8)
    with Server(note) as shop, flying(replace(spec_for(tmp_path, shop.url), load=load)) as flight:
        flight.stop_after(1.2)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        reads = Counter(path for path in paths if path != b"/orders")
        assert reads.total() == np.count_nonzero(ledger.kind == READ) > 50
        (_, crowd), *others = reads.most_common()
        assert 0.7 < crowd / reads.total() < 0.9
        assert len(others) > 0.1 * reads.total()


def test_some_orders_carry_no_key_and_are_told_apart_all_the_same(tmp_path: Path) -> None:
    heads: list[bytes] = []

    def note(shop: Server, request: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(request)
        answer(shop, request, writer)

    load = replace(LOAD, products_per_s=0, unkeyed_ratio=0.5)
    spec = replace(spec_for(tmp_path, ""), load=load, shopper="sut.shopper:OneCallShopper")
    with Server(note) as shop, flying(replace(spec, url=shop.url)) as flight:
        flight.stop_after(0.8)
        bare = sum(b"Idempotency-Key" not in head for head in heads)
        assert 0.4 < bare / len(heads) < 0.6
        assert len(heads) == len(flight.ledger()[0]) > 50


def test_a_shopper_that_always_has_a_key_is_not_asked_to_forget_it(tmp_path: Path) -> None:
    spec = replace(spec_for(tmp_path, "http://127.0.0.1:1"), load=replace(LOAD, unkeyed_ratio=0.5))
    with pytest.raises(ControlError, match=r"tests.fakes:FakeShopper is not Keyless"):
        Flight(spec)
