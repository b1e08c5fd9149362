"""Log-in, account, cart and the way to the till: nobody is taken for another, and nothing counts that was not signed."""

import json
import time
from typing import Any

import pytest

from sut.services import identity
from sut.services.batches import Batches
from sut.services.identity import Confirmation, Session, Signer, log_in, password
from sut.services.link import CallError, LostError, UnreachableError
from sut.services.link import Links as RealLinks
from sut.services.orders import Answer
from sut.services.schema import SHOPPERS
from sut.services.settings import Settings
from sut.services.storefront import Storefront
from tests.asgi import PAINTED, ask

SETTINGS = Settings(
    dsn="postgresql://shop@127.0.0.1:1/shop", route="localhost", signing_secret="s", port=8080, defects=frozenset()
)
SIGNER = Signer("s")
SESSION = Session(shopper=17, id="abc")
COOKIE = {"Cookie": f"edge=cdn_a; sid={SIGNER.session(SESSION)}"}
CONFIRMED = Confirmation(session="abc", lines=(("A", 2, 150), ("B", 1, 99)))
ALL_ROUTES = [("GET", "/account"), ("GET", "/cart"), ("PUT", "/cart/A"), ("POST", "/checkout"), ("POST", "/pay")]


class Database:
    """Stands for the database: gives the rows that a class of statement is answered with, and notes what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **rows: list[dict[str, Any]] | CallError) -> None:
        self.calls: list[tuple[object, ...]] = []

        async def call(_links: RealLinks, kind: str, _statement: str, *arguments: object, limit_s: float) -> Any:
            assert limit_s <= 3.0
            self.calls.append((kind, *arguments))
            answer = rows[kind]
            if isinstance(answer, CallError):
                raise answer
            return answer

        monkeypatch.setattr(RealLinks, "call", call)


def send(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
    told = b"" if body is None else json.dumps(body).encode()
    status, answered, text = ask(Storefront(SETTINGS, PAINTED).app(), method, path, told, headers)
    assert answered["cache-control"] == "private, no-store"
    return status, answered, json.loads(text) if answered["content-type"] == "application/json" else text.decode()


def test_who_knows_the_password_gets_a_session_of_his_own() -> None:
    word = password(17)
    cookies = set()
    for _ in range(2):
        status, headers, body = send("POST", "/login", {"shopper": 17, "password": word})
        assert (status, headers["x-shopper"], body) == (200, "17", {"shopper": 17})
        token, *about = headers["set-cookie"].removeprefix("sid=").split("; ")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(about)
        session = SIGNER.read_session(token)
        assert session is not None
        assert session.shopper == 17
        cookies.add(token)
    assert len(cookies) == 2


@pytest.mark.parametrize(
    ("shopper", "word"),
    [
        (17, "x"),
        (17, None),
        (17, password(18)),
        (0, password(0)),
        (SHOPPERS + 1, password(SHOPPERS + 1)),
        (True, password(1)),
    ],
)
def test_who_does_not_gets_none(shopper: object, word: object) -> None:
    assert log_in(shopper, word) is None
    status, headers, body = send("POST", "/login", {"shopper": shopper, "password": word})
    assert (status, body) == (401, {"refused": "login"})
    assert "set-cookie" not in headers


OTHERS = pytest.param(
    f"sid={Signer('other').session(SESSION)}", id="another shop's"
)  # it holds the time: no name for a test


@pytest.mark.parametrize("cookie", ["", "sid=", "sid=x.y", "sid=\xe4.\xe4", OTHERS])
@pytest.mark.parametrize(("method", "path"), ALL_ROUTES)
def test_nothing_personal_without_a_session_of_this_shop(method: str, path: str, cookie: str) -> None:
    status, headers, body = send(method, path, {}, {"Cookie": cookie})
    assert (status, body) == (401, {"refused": "login"})
    assert "x-shopper" not in headers


def test_tokens_do_not_stand_for_each_other_and_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    session, confirmation = SIGNER.session(SESSION), SIGNER.confirmation(CONFIRMED)
    assert SIGNER.read_session(session) == SESSION
    assert SIGNER.read_confirmation(confirmation) == CONFIRMED
    assert SIGNER.read_session(confirmation) is None
    assert SIGNER.read_confirmation(session) is None
    body, _, mark = session.rpartition(".")
    changed = ("B" if body[0] == "A" else "A") + body[1:]
    assert SIGNER.read_session(f"{changed}.{mark}") is None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + identity.CONFIRMATION_S + 1)
    assert SIGNER.read_confirmation(confirmation) is None
    assert SIGNER.read_session(session) == SESSION
    monkeypatch.setattr(time, "time", lambda: now + identity.SESSION_S + 1)
    assert SIGNER.read_session(session) is None


def test_the_account_is_about_one_shopper(monkeypatch: pytest.MonkeyPatch) -> None:
    Database(monkeypatch, cart=[{"sku": "A", "qty": 2}])
    status, headers, text = send("GET", "/account", headers=COOKIE)
    assert (status, headers["x-shopper"]) == (200, "17")
    assert '<body data-page="/account" data-shopper="17">' in text
    assert 'data-line="A"' in text
    assert headers["repr-digest"].startswith("sha-256=:")


def test_the_cart_is_that_of_the_session_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(monkeypatch, cart=[{"sku": "B", "qty": 1}, {"sku": "A", "qty": 2}])
    status, headers, body = send("GET", "/cart", headers=COOKIE)
    assert (status, headers["x-shopper"]) == (200, "17")
    assert body == {"shopper": 17, "lines": [{"sku": "A", "qty": 2}, {"sku": "B", "qty": 1}]}
    assert database.calls == [("cart", "abc")]


FIVE = [{"sku": f"S{n}", "qty": 1} for n in range(5)]


@pytest.mark.parametrize(
    ("qty", "rows", "status", "called"),
    [
        (2, [{"sku": "A", "qty": 2}], 200, [("put", "abc", "A", 2)]),
        (0, [], 200, [("put", "abc", "A")]),
        (2, [], 404, [("put", "abc", "A", 2)]),
        (2, FIVE, 409, [("put", "abc", "A", 2)]),
        (2, UnreachableError("x"), 503, [("put", "abc", "A", 2)]),
        (2, LostError("x"), 504, [("put", "abc", "A", 2)]),
        (10, [], 400, []),
        (-1, [], 400, []),
        (True, [], 400, []),
        ("2", [], 400, []),
    ],
)
def test_a_put_says_what_became_of_it(
    qty: object, rows: Any, status: int, called: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(monkeypatch, put=rows)
    answered, _, body = send("PUT", "/cart/A", {"qty": qty}, COOKIE)
    assert answered == status, body
    assert database.calls == called


def test_checkout_signs_what_the_database_says_that_the_cart_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"sku": "B", "qty": 1, "price_cents": 99}, {"sku": "A", "qty": 2, "price_cents": 150}]
    Database(monkeypatch, confirm=rows)
    status, _, body = send("POST", "/checkout", headers=COOKIE)
    assert status == 200
    assert (body["shopper"], body["amount_cents"]) == (17, 399)
    assert [line["sku"] for line in body["lines"]] == ["A", "B"]
    assert SIGNER.read_confirmation(body["confirmation"]) == CONFIRMED


@pytest.mark.parametrize(
    ("rows", "status", "refused"),
    [
        ([], 409, "empty_cart"),
        ([line | {"price_cents": 1} for line in [*FIVE, {"sku": "S5", "qty": 1}]], 409, "cart_full"),
        (UnreachableError("x"), 503, "database"),
    ],
)
def test_checkout_refuses_what_cannot_be_ordered(
    rows: Any, status: int, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(monkeypatch, confirm=rows)
    answered, _, body = send("POST", "/checkout", headers=COOKIE)
    assert (answered, body["refused"]) == (status, refused)


def pay(monkeypatch: pytest.MonkeyPatch, token: object, answer: Answer, key: str = "r:1") -> tuple[int, Any, list[Any]]:
    placed: list[Any] = []

    async def place(_self: Batches, key: str, lines: tuple[tuple[str, int], ...]) -> Answer:
        placed.append((key, lines))
        return answer

    monkeypatch.setattr(Batches, "place", place)
    status, _, body = send("POST", "/pay", {"confirmation": token}, {**COOKIE, "Idempotency-Key": key})
    return status, body, placed


@pytest.mark.parametrize("status", [201, 200])
@pytest.mark.parametrize("clear", [[], LostError("x")])
def test_what_was_confirmed_is_ordered_and_leaves_the_cart(status: int, clear: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(monkeypatch, clear=clear)
    answered = pay(monkeypatch, SIGNER.confirmation(CONFIRMED), (status, {"order_id": 1}))
    assert answered == (status, {"order_id": 1}, [("r:1", (("A", 2), ("B", 1)))])
    assert database.calls == [("clear", "abc", ["A", "B"], [2, 1])]


@pytest.mark.parametrize("answer", [(409, {"refused": "sold_out"}), (503, {"refused": "busy"}), (504, {"unknown": ""})])
def test_what_was_not_ordered_stays_in_the_cart(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(monkeypatch)
    assert pay(monkeypatch, SIGNER.confirmation(CONFIRMED), answer)[:2] == answer
    assert database.calls == []


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "x.y",
        SIGNER.session(SESSION),
        Signer("other").confirmation(CONFIRMED),
        SIGNER.confirmation(Confirmation(session="another", lines=CONFIRMED.lines)),
    ],
    ids=["none", "empty", "made up", "a session", "another shop's", "another session's"],
)
def test_nothing_is_ordered_that_this_session_was_not_told(token: object, monkeypatch: pytest.MonkeyPatch) -> None:
    status, body, placed = pay(monkeypatch, token, (201, {}))
    assert (status, body, placed) == (400, {"refused": "malformed: confirmation"}, [])


def test_nothing_is_ordered_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pay(monkeypatch, SIGNER.confirmation(CONFIRMED), (201, {}), key="")[0] == 400
