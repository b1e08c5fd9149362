"""The shopper: pure, seeded, and not to be talked into an acknowledgement."""

import json
import shlex
from collections import Counter

import pytest

from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.load.shopper import Request, Shopper
from sut.services.orders import new_key, read_key, read_lines
from sut.services.schema import SCARCE_SKU, SHOPPERS
from sut.shopper import OneCallShopper, canonical, digest, digest_of

SHOPPER = OneCallShopper("r1", 7)
ORDER = SHOPPER.order(1, last_piece=False)
GOOD = {"order_id": 12, "amount_cents": 300, "lines": [{"sku": "SKU-00001", "qty": 3, "price_cents": 100}]}


def test_same_seed_and_seq_give_the_same_order_and_others_another() -> None:
    again = OneCallShopper("r1", 7)
    assert again.order(5, last_piece=False) == SHOPPER.order(5, last_piece=False)
    assert again.read(5) == SHOPPER.read(5)
    assert again.listing(5) == SHOPPER.listing(5)
    assert again.log(5) == SHOPPER.log(5)
    bodies = {OneCallShopper("r1", seed).order(seq, last_piece=False).body for seed in range(10) for seq in range(10)}
    assert len(bodies) > 90


def test_orders_are_of_one_to_five_lines_and_skewed_over_the_products() -> None:
    orders = [read_lines(SHOPPER.order(seq, last_piece=False).body) for seq in range(4_000)]
    sizes = Counter(len(lines) for lines in orders)
    assert set(sizes) == {1, 2, 3, 4, 5}
    lines = Counter(sku for order in orders for sku, _ in order)
    assert 2.3 < lines.total() / len(orders) < 2.7
    assert len(lines) > 1_000
    assert 0.07 < sum(count for _, count in lines.most_common(20)) / lines.total() < 0.2
    assert SCARCE_SKU not in lines


def test_a_key_names_run_and_seq_and_is_accepted_by_the_shop() -> None:
    assert read_key(ORDER.headers["Idempotency-Key"]) == "r1:1"


def test_an_order_without_a_key_is_the_same_order_and_says_which() -> None:
    bare = SHOPPER.without_key(ORDER)
    assert "Idempotency-Key" not in bare.headers
    assert bare.headers.items() < ORDER.headers.items()
    assert read_lines(bare.body) == read_lines(ORDER.body)
    assert new_key(bare.body).startswith("r1:1~")


def test_the_last_piece_is_one_of_the_scarce_product() -> None:
    assert read_lines(SHOPPER.order(3, last_piece=True).body) == ((SCARCE_SKU, 1),)


def test_it_is_a_shopper() -> None:
    shopper: Shopper = SHOPPER
    assert shopper.read(1).path.startswith("/products/SKU-")


def test_digest_is_blind_to_the_order_of_lines_and_to_nothing_else() -> None:
    lines = [("SKU-00002", 1), ("SKU-00001", 2)]
    first = digest(lines, 300)
    assert first == digest(reversed(lines), 300) == digest_of("SKU-00001:2,SKU-00002:1", 300)
    assert len({first, digest(lines, 301), digest(lines[:1], 300), digest([("SKU-00002", 2), ("SKU-00001", 2)], 300)}) == 4
    assert canonical([]) == ""


@pytest.mark.parametrize(
    ("status", "body", "fate"),
    [
        (201, GOOD, ACKNOWLEDGED),
        (200, GOOD, ACKNOWLEDGED),
        (202, GOOD, UNKNOWN),
        (400, {"refused": "malformed: qty"}, REFUSED),
        (404, {"refused": "unknown_sku", "sku": "X"}, REFUSED),
        (409, {"refused": "sold_out", "sku": "X"}, REFUSED),
        (503, {"refused": "busy"}, REFUSED),
        (504, {"unknown": "the database gave no clear answer"}, UNKNOWN),
        (504, {"refused": "busy"}, UNKNOWN),
        (500, {"refused": "busy"}, UNKNOWN),
        (201, {"refused": "busy"}, UNKNOWN),
        (503, {"refused": None}, UNKNOWN),
        (503, {}, UNKNOWN),
        (503, ["refused"], UNKNOWN),
        (409, "refused", UNKNOWN),
        (201, {**GOOD, "order_id": None}, UNKNOWN),
        (201, {**GOOD, "order_id": True}, UNKNOWN),
        (201, {**GOOD, "order_id": ""}, UNKNOWN),
        (201, {**GOOD, "order_id": "x" * 81}, UNKNOWN),
        (201, {**GOOD, "order_id": "a\nb"}, UNKNOWN),
        (201, {**GOOD, "amount_cents": "300"}, UNKNOWN),
        (201, {**GOOD, "amount_cents": 300.0}, UNKNOWN),
        (201, {**GOOD, "lines": []}, UNKNOWN),
        (201, {**GOOD, "lines": "SKU"}, UNKNOWN),
        (201, {**GOOD, "lines": [{"sku": 1, "qty": 1}]}, UNKNOWN),
        (201, {**GOOD, "lines": [{"sku": "S", "qty": True}]}, UNKNOWN),
        (201, {**GOOD, "lines": [{"sku": "\ud800", "qty": 1}]}, UNKNOWN),
    ],
)
def test_what_an_answer_proves(status: int, body: object, fate: int) -> None:
    answer = SHOPPER.judge_order(ORDER, status, json.dumps(body).encode())
    assert answer.fate == fate
    assert (answer.digest != "") == (answer.order_id != "") == (fate == ACKNOWLEDGED)


@pytest.mark.parametrize("body", [b"", b"\xff", b"<html>503</html>", b"[" * 100_000, b"9" * 10_000, b"null", b'{"order_id"'])
@pytest.mark.parametrize("status", [200, 201, 400, 409, 503, 0])
def test_hostile_bodies_prove_nothing(status: int, body: bytes) -> None:
    assert SHOPPER.judge_order(ORDER, status, body).fate == UNKNOWN
    for read in (SHOPPER.read(1), SHOPPER.listing(1), SHOPPER.log(1)):
        assert SHOPPER.judge_read(read, status, body).fate == UNKNOWN


def test_an_answer_about_another_order_shows_in_its_digest() -> None:
    answer = SHOPPER.judge_order(ORDER, 201, json.dumps(GOOD).encode())
    assert (answer.order_id, answer.digest) == ("12", digest([("SKU-00001", 3)], 300))


def test_a_read_must_show_the_product_asked_for() -> None:
    read = SHOPPER.read(1)
    sku = read.path.rsplit("/", 1)[1]
    assert SHOPPER.judge_read(read, 200, json.dumps({"sku": sku}).encode()).fate == ACKNOWLEDGED
    assert SHOPPER.judge_read(read, 200, b'{"sku": "SKU-LAST"}').fate == UNKNOWN
    assert SHOPPER.judge_read(read, 503, b'{"refused": "database"}').fate == REFUSED


def test_every_page_that_is_looked_at_is_there_and_every_shopper_looks() -> None:
    asked = Counter(SHOPPER.listing(seq).path for seq in range(4_000))
    assert set(asked) == {f"/products?category=CAT-{n:02d}&page={page}" for n in range(1, 41) for page in (1, 2, 3)}
    shoppers = {int(SHOPPER.log(seq).path.split("/")[2]) for seq in range(4_000)}
    assert len(shoppers) > 3_000
    assert 1 <= min(shoppers) < 20
    assert SHOPPERS - 20 < max(shoppers) <= SHOPPERS


LIST = Request(method="GET", path="/products?category=CAT-02&page=1", headers={}, body=b"")
PAGE_OF = [{"sku": f"SKU-{n:05d}", "category": "CAT-02"} for n in range(1, 1_000, 40)][:20]


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        ({"page": 1, "products": PAGE_OF}, ACKNOWLEDGED),
        ({"page": 1, "products": PAGE_OF[:1]}, ACKNOWLEDGED),
        ({"page": 2, "products": PAGE_OF}, UNKNOWN),
        ({"page": 1, "products": []}, UNKNOWN),
        ({"page": 1, "products": [*PAGE_OF, {"sku": "SKU-99999", "category": "CAT-02"}]}, UNKNOWN),
        ({"page": 1, "products": PAGE_OF[::-1]}, UNKNOWN),
        ({"page": 1, "products": [PAGE_OF[0], PAGE_OF[0]]}, UNKNOWN),
        ({"page": 1, "products": [PAGE_OF[0], {"sku": "SKU-99999", "category": "CAT-03"}]}, UNKNOWN),
        ({"page": 1, "products": [{"sku": "SKU-00001", "category": "CAT-03"}]}, UNKNOWN),
        ({"page": True, "products": PAGE_OF}, UNKNOWN),
        ({"page": 1}, UNKNOWN),
        ({"page": 1, "products": [7]}, UNKNOWN),
    ],
)
def test_a_page_must_be_the_one_asked_for_in_order(answer: object, fate: int) -> None:
    assert SHOPPER.judge_read(LIST, 200, json.dumps(answer).encode()).fate == fate


LOG = Request(method="GET", path="/shoppers/7/events", headers={}, body=b"")
TIMES = [f"2026-11-22T12:00:{second:02d}{part}+00:00" for second in range(59, 0, -1) for part in (".5", "")][:20]
EVENTS = [{"at": at, "kind": "viewed", "sku": "SKU-00001"} for at in TIMES]


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        ({"shopper": 7, "events": EVENTS}, ACKNOWLEDGED),
        ({"shopper": 7, "events": [EVENTS[0], EVENTS[0]]}, ACKNOWLEDGED),
        ({"shopper": 8, "events": EVENTS}, UNKNOWN),
        ({"shopper": "7", "events": EVENTS}, UNKNOWN),
        ({"shopper": 7, "events": []}, UNKNOWN),
        ({"shopper": 7, "events": [*EVENTS, EVENTS[-1]]}, UNKNOWN),
        ({"shopper": 7, "events": EVENTS[::-1]}, UNKNOWN),
        ({"shopper": 7, "events": [EVENTS[1], EVENTS[0]]}, UNKNOWN),
        ({"shopper": 7, "events": [{"at": "yesterday"}]}, UNKNOWN),
        ({"shopper": 7, "events": [{"at": 7}]}, UNKNOWN),
        ({"shopper": 7, "events": [{"at": "2026-11-22T12:00:00"}, EVENTS[1]]}, UNKNOWN),
        ({"shopper": 7}, UNKNOWN),
        ({"events": EVENTS}, UNKNOWN),
    ],
)
def test_a_log_must_be_the_shopper_s_and_the_newest_first(answer: object, fate: int) -> None:
    assert SHOPPER.judge_read(LOG, 200, json.dumps(answer).encode()).fate == fate
    assert SHOPPER.judge_read(LOG, 503, b'{"refused": "database"}').fate == REFUSED


def test_people_can_order_without_it() -> None:
    """The line is one that a shell understands; each time it is another order, of what the shop sells."""
    line = SHOPPER.by_hand("http://198.18.0.14:8080")
    assert "$(date +%s%N)" in line
    words = shlex.split(line)
    assert words[:3] == ["curl", "-i", "http://198.18.0.14:8080/orders"]
    assert json.loads(words[words.index("-d") + 1]) == {"lines": [{"sku": "SKU-00001", "qty": 1}]}
    assert {word.partition(":")[0] for word in words} >= {"Idempotency-Key", "Content-Type"}
