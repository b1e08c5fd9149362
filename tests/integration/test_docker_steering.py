"""Steering before two edges that answer as they are told: what is passed on again, by whom, and what is said of it then."""

import http.client
import io
import socket
import ssl
import struct
import tarfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.clock import MachineClock, pause
from harness.drivers.docker_client import client
from sut import images
from sut.components import edge, haproxy, lb, names, steering
from sut.components.authority import Authority
from tests.integration.door import soon

pytestmark = [pytest.mark.docker, pytest.mark.slow]
HERE, EDGES = "127.0.0.1", {"cdn_a": "127.0.0.2", "cdn_b": "127.0.0.3"}
WHOLE = f"{lb.BEGINNING}{lb.in_time()}"
WELL = f'http-request return status 200 content-type text/plain lf-string "{WHOLE}" if {{ path {lb.NOW} }}'
REFUSED = """http-request return status 503 content-type application/json string '{"refused":"database"}'"""
PLACED = "http-request return status 201"
LATE = "http-request return status 504"
DIES = "http-request reject"
NEAR_A, NEAR_B = "edge=cdn_a", "edge=cdn_b"
ILL = "http-request set-var(proc.ill) bool(true) if { req.cook(falls) -m found }"
FALLS = (ILL, "http-request return status 500 if { var(proc.ill) -m found }")
ENDS_EARLY = (
    ILL,
    f'http-request return status 200 content-type text/plain string "{lb.BEGINNING}" if {{ var(proc.ill) -m found }}',
)
SAID = b'{"lines":[{"sku":"SKU-00001","qty":1}]}'


def faked(name: str, *lines: str) -> str:
    """Write down an edge that answers so."""
    rules = "\n".join(f"    {line}" for line in lines)
    return f"frontend fake_{name}\n    bind {EDGES[name]}:{edge.PORT}\n{rules}\n"


class Steered:
    """Steering that runs, before two edges of these settings."""

    def __init__(self, ports: Mapping[int, int], trust: ssl.SSLContext) -> None:
        self._ports, self._trust = ports, trust

    def order(self, *, key: str = "k", between_s: float = 0.0, cookie: str = "edge=cdn_a") -> tuple[int, bytes]:
        """Place an order, its body so long after its head; give status and body of the answer."""
        wire = http.client.HTTPSConnection(HERE, self._ports[steering.PORT], context=self._trust, timeout=10)
        wire.putrequest("POST", "/orders")
        told = {"Content-Type": "application/json", "Content-Length": str(len(SAID)), "Cookie": cookie}
        for name, value in (told | ({"Idempotency-Key": key} if key else {})).items():
            wire.putheader(name, value)
        wire.endheaders()
        pause(between_s)
        wire.send(SAID)
        response = wire.getresponse()
        answer = response.status, response.read()
        wire.close()
        return answer

    def named(self, near: str) -> tuple[str, int]:
        """Ask the name server for an edge, as whoever is near one does; give its address, and for how many seconds."""
        name = b"".join(struct.pack("B", len(label)) + label.encode() for label in [*names.near(near).split("."), ""])
        asked = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
        with socket.create_connection((HERE, self._ports[names.PORT]), timeout=5) as wire, wire.makefile("rwb") as stream:
            stream.write(struct.pack(">H", len(asked)) + asked)
            stream.flush()
            answer = stream.read(struct.unpack(">H", stream.read(2))[0])
        number, _, questions, answers = struct.unpack(">4H", answer[:8])
        assert (number, questions, answers) == (7, 1, 1)
        lifetime_s, size = struct.unpack(">IH", answer[-10:-4])
        assert size == 4
        return socket.inet_ntoa(answer[-4:]), lifetime_s

    def well(self) -> bool:
        """Say whether it calls both edges well."""
        wire = http.client.HTTPConnection(HERE, self._ports[haproxy.OWN_PORT], timeout=2)
        try:
            wire.request("GET", "/metrics")
            told = wire.getresponse().read().decode()
        except OSError:
            return False
        finally:
            wire.close()
        return all(f'haproxy_server_status{{proxy="edges",server="{one}",state="UP"}} 1' in told for one in EDGES)


@contextmanager
def steered(
    cdn_a: str, cdn_b: str, *ill: str, defects: Collection[str] = (), kept_s: int = names.LIFETIME_S
) -> Iterator[Steered]:
    """Start it before these two edges, the second also ``ill``, and wait until it calls both well.

    Of the bad shop by DNS, answers are kept for ``kept_s``, whatever they say.
    """
    authority = Authority()
    edges = faked("cdn_a", WELL, cdn_a) + faked("cdn_b", *ill, WELL, cdn_b)
    files = {
        haproxy.FILE: steering.settings(EDGES, defects).replace(f"{names.LIFETIME_S}s", f"{kept_s}s") + edges,
        names.FILE: names.program("edges"),
        steering._SERVER_PEM: authority.vouch(HERE),
        steering._CA_PEM: authority.certificate,
    }
    inside = (steering.PORT, haproxy.OWN_PORT, names.PORT)
    container = client(30).containers.create(
        images.tag("haproxy"),
        [*haproxy.COMMAND],
        ports={f"{port}/tcp": (HERE, 0) for port in inside},
        labels={"windtunnel.test": Path(__file__).stem},
    )
    try:
        container.put_archive("/", packed(files))
        container.start()
        container.reload()
        trust = ssl.create_default_context(cadata=authority.certificate)
        published = container.attrs["NetworkSettings"]["Ports"]
        steered = Steered({port: int(published[f"{port}/tcp"][0]["HostPort"]) for port in inside}, trust)
        soon(steered.well, 10, "both edges are called well")
        yield steered
    finally:
        container.remove(force=True)


def packed(files: Mapping[str, str]) -> bytes:
    """Give files by their paths as the engine takes them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def test_a_refusal_of_what_was_passed_on_before_refuses_nothing() -> None:
    """The first try may have been committed, and only its answer lost: who says no to the second does not know that."""
    with steered(LATE, REFUSED) as steering_now:
        for _ in range(5):
            status, body = steering_now.order()
            assert status == 504
            assert b"refused" not in body


def test_what_was_passed_on_once_is_answered_as_the_edge_answers() -> None:
    with steered(PLACED, REFUSED) as steering_now:
        assert {steering_now.order()[0] for _ in range(5)} == {201}
        assert steering_now.order(key="", cookie="edge=cdn_b") == (503, b'{"refused":"database"}')


@pytest.mark.parametrize("between_s", [0.0, 0.2])
@pytest.mark.parametrize("first", [DIES, LATE])
def test_an_order_with_a_key_is_passed_on_again_however_it_arrives(first: str, between_s: float) -> None:
    """Its body may come a while after its head, as from any client that sends them one after the other."""
    with steered(first, PLACED) as steering_now:
        assert {steering_now.order(between_s=between_s)[0] for _ in range(5)} == {201}
        assert steering_now.order(key="", between_s=between_s)[0] in (502, 504), "what has no key is passed on once"


def test_an_edge_that_has_just_come_back_takes_what_the_other_one_drops() -> None:
    """Within its slow start too, when it has the least share."""
    well_at_s = MachineClock().wall_ns() // 1_000_000_000 + 5
    ill = f"http-request return status 500 if {{ path {lb.NOW} }} {{ date lt {well_at_s} }}"
    with steered(DIES, PLACED, ill) as steering_now:
        soon(lambda: not steering_now.well(), 5, "the other edge is called ill")
        soon(steering_now.well, 10, "and well again")
        assert [steering_now.order()[0] for _ in range(30)] == [201] * 30


def fallen(steering_now: Steered, status: int = 500) -> None:
    """Let the second edge fall, once the shoppers near each have been served by it; it answers with that status then."""
    both = (NEAR_A, NEAR_B)
    soon(lambda: {steering_now.order(cookie=near)[0] for near in both} == {201}, 10, "both edges serve")
    assert steering_now.order(cookie=f"{NEAR_B}; falls=now")[0] == status


def test_who_is_on_an_edge_that_falls_is_moved() -> None:
    with steered(PLACED, PLACED, *FALLS) as steering_now:
        fallen(steering_now)
        soon(lambda: steering_now.order(cookie=NEAR_B)[0] == 201, 3, "shoppers are moved")


def test_who_is_on_an_edge_whose_answers_end_early_is_moved() -> None:
    with steered(PLACED, PLACED, *ENDS_EARLY) as steering_now:
        fallen(steering_now, status=200)
        soon(lambda: steering_now.order(cookie=NEAR_B)[0] == 201, 3, "shoppers are moved")


def test_who_is_on_it_is_not_where_steering_looks_at_beginnings_only() -> None:
    """Shoppers get the beginning for the whole. An edge that answers anything else is left there too."""
    with steered(PLACED, PLACED, *ENDS_EARLY, defects={"accepts_truncated"}) as steering_now:
        fallen(steering_now, status=200)
        pause(3)
        assert steering_now.well()
        assert [steering_now.order(cookie=NEAR_B) for _ in range(20)] == [(200, lb.BEGINNING.encode())] * 20
    with steered(PLACED, PLACED, *FALLS, defects={"accepts_truncated"}) as steering_now:
        fallen(steering_now)
        soon(lambda: steering_now.order(cookie=NEAR_B)[0] == 201, 3, "shoppers are moved")


def test_who_was_told_its_address_is_not() -> None:
    """Though the name server names another edge by now, to whoever asks it."""
    with steered(PLACED, PLACED, *FALLS, defects={"steering_by_dns"}) as steering_now:
        assert [steering_now.named(one) for one in EDGES] == [(address, 300) for address in EDGES.values()]
        fallen(steering_now)
        soon(lambda: steering_now.named("cdn_b") == (EDGES["cdn_a"], 300), 3, "another one is named")
        assert [steering_now.order(cookie=NEAR_B)[0] for _ in range(20)] == [500] * 20
        assert [steering_now.order(cookie=NEAR_A)[0] for _ in range(20)] == [201] * 20


def test_who_was_told_its_address_is_moved_when_that_expires() -> None:
    with steered(PLACED, PLACED, *FALLS, defects={"steering_by_dns"}, kept_s=1) as steering_now:
        fallen(steering_now)
        soon(lambda: steering_now.order(cookie=NEAR_B)[0] == 201, 6, "shoppers are moved")
