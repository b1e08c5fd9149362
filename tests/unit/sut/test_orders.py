"""What the storefront lets in: nothing that could spoil the batch it travels in."""

import json

import pytest

from sut.services.orders import MalformedError, hash_lines, new_key, read_key, read_lines
from sut.services.schema import OF_ITS_OWN


def body(*lines: object) -> bytes:
    return json.dumps({"lines": lines}).encode()


def line(sku: object = "SKU-1", qty: object = 1) -> dict[str, object]:
    return {"sku": sku, "qty": qty}


def test_lines_come_sorted_by_sku() -> None:
    assert read_lines(body(line("B", 9), line("A", 1))) == (("A", 1), ("B", 9))


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 5_000,
        b'{"lines": null}',
        b'{"lines": {"sku": "A", "qty": 1}}',
        b'{"lines": "A"}',
        body(),
        body(*(line(f"S{n}") for n in range(6))),
        body(line(), line()),
        body("A"),
        body({"sku": "A"}),
        body(line(qty=0)),
        body(line(qty=10)),
        body(line(qty=True)),
        body(line(qty=1.0)),
        body(line(qty="1")),
        body(line(qty=None)),
        body(line(sku=None)),
        body(line(sku="")),
        body(line(sku="A\0")),
        body(line(sku="A\n")),
        body(line(sku="x" * 41)),
        body(line("A", 1), line(2, 1)),
        body(line("A", [1])),
    ],
)
def test_malformed_orders_are_refused_before_the_database(hostile: bytes) -> None:
    with pytest.raises(MalformedError):
        read_lines(hostile)


@pytest.mark.parametrize("header", [None, "", "a b", "a\0", "ä", "x" * 201])
def test_malformed_keys_are_refused(header: str | None) -> None:
    with pytest.raises(MalformedError):
        read_key(header)


def test_an_order_without_a_key_gets_another_one_each_time_behind_its_reference() -> None:
    keys = {new_key(b'{"reference": "run-1:7", "lines": []}') for _ in range(10)}
    assert len(keys) == 10
    assert {key.partition(OF_ITS_OWN)[0] for key in keys} == {"run-1:7"}


@pytest.mark.parametrize("body", [b"?", b"[]", b"{}", b'{"reference": 1}', b'{"reference": "a b"}', b'{"reference": ""}'])
def test_an_order_without_key_and_reference_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        new_key(body)


def test_the_hash_tells_orders_apart() -> None:
    assert len({hash_lines((("A", 1),)), hash_lines((("A", 2),)), hash_lines((("A", 1), ("B", 1)))}) == 3
