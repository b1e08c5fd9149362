"""Raw samples from a tiny server that speaks as Prometheus does, or does not."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.clock import S
from harness.drivers import prometheus
from harness.drivers.prometheus import Samples, samples
from harness.errors import ControlError

AHEAD_NS = 1_700_000_000 * S  # wall time less the run's
Serve = Callable[[BaseHTTPRequestHandler], None]
ASKED: list[dict[str, list[str]]] = []


@contextmanager
def served(serve: Serve) -> Iterator[str]:
    """Answer every GET in this way; give the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ASKED.append(parse_qs(urlsplit(self.path).query))
            serve(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def answering(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Serve:
    def serve(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, text)
        handler.end_headers()
        handler.wfile.write(body)

    return serve


def matrix(*counters: tuple[dict[str, str], list[list[object]]]) -> bytes:
    """Write an answer as Prometheus does; times in seconds of the run."""
    result = [
        {"metric": labels, "values": [[AHEAD_NS / S + at_s, text] for at_s, text in values]}  # type: ignore[operator]  # a number
        for labels, values in counters
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def ask(url: str) -> tuple[Samples, ...]:
    return samples(url, "calls", 10 * S, 20 * S, AHEAD_NS)


GOOD = matrix(
    ({"instance": "storefront-1", "class": "order"}, [[9.5, "1"], [10.0, "2"], [11.25, "5"], [20.0, "9.5"], [20.5, "10"]]),
    ({"instance": "storefront-2", "class": "order"}, [[10.001, "7e3"]]),
)


def test_samples_come_as_they_were_stored_on_the_run_s_clock_and_only_those_asked_for() -> None:
    ASKED.clear()
    with served(answering(GOOD)) as url:
        first, second = ask(url)
    assert first.labels == {"instance": "storefront-1", "class": "order"}
    assert first.times_ns == (10 * S, 11_250_000_000, 20 * S)
    assert first.values == (2.0, 5.0, 9.5)
    assert (second.times_ns, second.values) == ((10_001_000_000,), (7000.0,))
    assert ASKED == [{"query": ["calls[10001ms]"], "time": ["1700000020.000"]}]


def test_a_compressed_answer_is_read_too() -> None:
    with served(answering(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"})) as url:
        assert len(ask(url)) == 2


def test_nothing_found_is_not_an_error() -> None:
    with served(answering(matrix())) as url:
        assert ask(url) == ()
    with served(answering(matrix(({}, [[1.0, "1"]])))) as url:
        assert ask(url) == (), "a counter that was sampled at another time only"


@pytest.mark.parametrize("status", [400, 422, 500, 503, 302])
def test_an_error_is_one_and_nobody_asks_again(status: int) -> None:
    ASKED.clear()
    body = b'{"status":"error","errorType":"bad_data","error":"parse error"}'
    with served(answering(body, status)) as url, pytest.raises(ControlError, match=r"127.*calls.*parse error"):
        ask(url)
    assert len(ASKED) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>hello</html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"status":"error","error":"so it says"}',
        b'{"data":{"result":null}}',
        b'{"data":{"result":{"metric":{}}}}',
        b'{"data":{"result":[{"metric":{},"value":[1,"2"]}]}}',
        b'{"data":{"result":[{"metric":{"a":1},"values":[]}]}}',
        b'{"data":{"result":[{"metric":{},"values":[["now","2"]]}]}}',
        b'{"data":{"result":[{"metric":{},"values":[[1,2]]}]}}',
        matrix(({}, [[11.0, "NaN"]])),
        matrix(({}, [[11.0, "+Inf"]])),
        matrix(({}, [[11.0, "many"]])),
        matrix(({}, [[12.0, "1"], [11.0, "2"]])),
        matrix(({}, [[11.0, "1"], [11.0, "2"]])),
    ],
)
def test_what_makes_no_sense_is_an_error_and_never_nothing(body: bytes) -> None:
    with served(answering(body)) as url, pytest.raises(ControlError, match="calls: answered, but with no samples"):
        ask(url)


def hanging(_: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    with suppress(BrokenPipeError):  # whoever asked gives up: that is what is tested
        for _ in range(40):
            handler.wfile.write(b" ")
            time.sleep(0.1)


def half(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(GOOD)


@pytest.mark.parametrize("serve", [hanging, dripping, half])
def test_who_is_slow_or_stops_half_way_has_not_answered(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "WITHIN_S", 0.5)
    begun = time.monotonic()
    with served(serve) as url, pytest.raises(ControlError, match=r"calls: no whole answer within 0.5 s"):
        ask(url)
    assert time.monotonic() - begun < 2.5


def test_an_answer_without_end_is_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "BODY_MOST", 1000)
    with served(answering(b" " * 5000)) as url, pytest.raises(ControlError, match="longer than 1,000 bytes"):
        ask(url)


def test_nobody_there_is_an_error_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(answering(GOOD)) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(ControlError, match="no whole answer"):
            ask("http://127.0.0.1:1")
