"""Questions under one deadline: what a part that is slow, gone or strange looks like."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from harness.clock import MachineClock
from harness.model import REFUSED, SILENT, Reading
from sut.components.ask import Deadline, healthy, http_get, look, query

WITHIN_S = 0.3
NOW = MachineClock().now_ns


@contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection after another in a thread, on a port of its own."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                wire, _ = listener.accept()
                with closing(wire), suppress(OSError):
                    serve(wire)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def health(port: int) -> Reading:
    return look(NOW, WITHIN_S, healthy("127.0.0.1", port))


def answering(head: bytes) -> Callable[[socket.socket], None]:
    def serve(wire: socket.socket) -> None:
        wire.recv(1000)
        wire.sendall(head)

    return serve


def hanging(wire: socket.socket) -> None:
    """Keep the connection, say nothing, until the other side has gone."""
    while wire.recv(1000):
        pass


def dripping(wire: socket.socket) -> None:
    """Say a byte now and then: each read is quick, the answer never ends."""
    for _ in range(100):
        wire.sendall(b"H")
        time.sleep(0.05)


def test_a_good_answer_is_milliseconds() -> None:
    with served(answering(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n{}")) as port:
        value = health(port).value
        assert isinstance(value, float)
        assert 0 < value < WITHIN_S * 1000
        assert http_get("127.0.0.1", port, "/", Deadline(NOW, WITHIN_S)) == (200, b"{}")


def test_an_answer_that_says_no_and_a_closed_door_are_refusals() -> None:
    with served(answering(b"HTTP/1.1 503 Not now\r\n\r\n")) as port:
        assert health(port).value == REFUSED
    with served(lambda _: None) as port:
        assert health(port).value == REFUSED
    assert health(port).value == REFUSED


@pytest.mark.parametrize("serve", [hanging, dripping])
def test_who_hangs_or_drips_is_silent_when_the_deadline_has_passed(serve: Callable[[socket.socket], None]) -> None:
    with served(serve) as port:
        begun = NOW()
        assert health(port).value == SILENT
        assert (NOW() - begun) / 1e9 < WITHIN_S + 1


def test_a_database_that_hangs_is_silent_too() -> None:
    """The bound that libpq itself knows is on connecting alone, and two seconds at least."""
    with served(hanging) as port:
        words = f"host=127.0.0.1 port={port} user=u dbname=d sslmode=disable gssencmode=disable"
        begun = NOW()
        assert look(NOW, WITHIN_S, lambda deadline: query(words, "select 1", deadline)[0][0]).value == SILENT
        assert (NOW() - begun) / 1e9 < WITHIN_S + 1
    assert look(NOW, WITHIN_S, lambda deadline: query(words, "select 1", deadline)[0][0]).value == REFUSED


def test_an_address_nobody_has_is_silence_and_a_fault_of_the_one_who_looks_is_not() -> None:
    def raising(error: OSError | ValueError) -> Reading:
        def ask(_: Deadline) -> None:
            raise error

        return look(NOW, WITHIN_S, ask)

    assert raising(OSError(errno.EHOSTUNREACH, "No route to host")).value == SILENT
    blind = raising(OSError(errno.EMFILE, "Too many open files"))
    assert blind.value is None
    assert "Too many open files" in (blind.why or "")
    stammer = raising(ValueError("not JSON"))
    assert stammer.value is None
    assert "not JSON" in (stammer.why or "")
    assert raising(PermissionError("password authentication failed")).value is None
