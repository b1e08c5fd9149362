"""The receiver of alerts: what it is told over the wire is on record, and nothing that it is sent can hurt it."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from harness.errors import SetupError
from harness.events import Alerted, Sample
from harness.receiver import BODY_MOST, Receiver

GOOD = {
    "version": "4",
    "status": "firing",
    "alerts": [
        {"status": "firing", "labels": {"alertname": "Lost", "component": "db"}, "annotations": {"playbook": "Wait."}},
        {"status": "resolved", "labels": {"alertname": "Slow"}, "endsAt": "2026-11-23T00:00:00Z"},
    ],
}


class Line:
    """A receiver on loopback, and what it recorded."""

    def __init__(self) -> None:
        self.records: list[Alerted | Sample] = []
        self.receiver = Receiver(self.records.append, lambda: 7)
        self.url = urlsplit(self.receiver.open("127.0.0.1"))

    def send(self, body: bytes, path: str | None = None, method: str = "POST", **headers: str) -> int:
        """Send one request; give the status."""
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port, timeout=5)
        connection.request(method, path or self.url.path, body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.receiver.close()


def test_each_alert_of_a_notification_is_a_record_at_our_time(line: Line) -> None:
    assert line.send(json.dumps(GOOD).encode()) == 200
    assert line.records == [
        Alerted(at_ns=7, name="Lost", state="firing", labels={"alertname": "Lost", "component": "db"}, playbook="Wait."),
        Alerted(at_ns=7, name="Slow", state="resolved", labels={"alertname": "Slow"}, playbook=""),
    ]


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b'{"alerts": [{"status": 5}]}', b"[" * 5000])
def test_what_cannot_be_understood_is_a_miss_never_silence(body: bytes, line: Line) -> None:
    assert line.send(body) == 400
    (miss,) = line.records
    assert isinstance(miss, Sample)
    assert miss.value is None
    assert "could not be understood" in (miss.why or "")


def test_other_paths_methods_and_sizes_are_refused(line: Line) -> None:
    assert line.send(b"{}", "/other") == 404
    assert line.send(b"", method="GET") == 501
    assert line.send(b"", **{"Content-Length": str(BODY_MOST + 1)}) == 413
    assert line.send(b"", **{"Content-Length": "many"}) == 413
    assert not line.records


def test_texts_are_bounded(line: Line) -> None:
    labels = {f"l{n}": "x" * 5000 for n in range(100)} | {"alertname": "y" * 5000}
    told = {"status": "firing", "labels": labels, "annotations": {"playbook": "z" * 5000}}
    line.send(json.dumps({"alerts": [told]}).encode())
    (record,) = line.records
    assert isinstance(record, Alerted)
    assert len(record.labels) == 50
    assert max(map(len, (*record.labels.values(), record.name))) == len(record.playbook or "") == 2000


def test_closed_it_listens_no_more(line: Line) -> None:
    line.receiver.close()
    line.receiver.close()
    with pytest.raises(ConnectionRefusedError):
        line.send(b"{}")


def test_an_address_of_another_machine_is_refused_with_the_cause() -> None:
    with pytest.raises(SetupError, match=r"alerts cannot be received on 192\.0\.2\.1: .* Is the engine on another machine"):
        Receiver(print, lambda: 0).open("192.0.2.1")
