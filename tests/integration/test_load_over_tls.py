"""The load over TLS: it trusts the authority that it is given and no other, keeps its connections, sends nothing twice."""

import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ControlError
from harness.history import ACKNOWLEDGED, REFUSED, UNKNOWN
from harness.model import noun
from tests.integration.little_server import Reply, Server, half, reset
from tests.integration.loads import Flight, flying, never_sent_more_often_than_written, spec_for

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@noun
class Authority:
    """An authority made for this test, and the context of a server that it vouches for."""

    ca: str
    server: ssl.SSLContext


def authority(folder: Path) -> Authority:
    """Make an authority and a certificate for 127.0.0.1."""
    folder.mkdir()
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for words in (
        f"req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        f"req {key} -subj /CN=shop -addext subjectAltName=IP:127.0.0.1 -keyout shop.key -out shop.csr",
        "x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -days 2 -copy_extensions copy -out shop.pem",
    ):
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True, timeout=20)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "shop.pem", folder / "shop.key")
    return Authority(ca=(folder / "ca.pem").read_text(), server=server)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "trusted")


def test_every_arrival_is_sent_once_over_a_few_kept_connections(tmp_path: Path, trusted: Authority) -> None:
    spec = replace(spec_for(tmp_path, ""), ca=trusted.ca)
    with Server(tls=trusted.server) as shop, flying(replace(spec, url=shop.url)) as flight:
        flight.stop_after(1.5)
        ledger, doubts = flight.ledger()
        assert doubts == ()
        assert (ledger.fate == ACKNOWLEDGED).all()
        assert shop.requests == len(ledger)
        assert shop.connections < len(ledger) / 4
        never_sent_more_often_than_written(shop, ledger)


@pytest.mark.parametrize("reply", [reset, half])
def test_what_breaks_off_is_unknown_and_never_sent_again(tmp_path: Path, trusted: Authority, reply: Reply) -> None:
    spec = replace(spec_for(tmp_path, ""), ca=trusted.ca)
    with Server(reply, tls=trusted.server) as shop, flying(replace(spec, url=shop.url)) as flight:
        flight.stop_after(0.6)
        ledger, _ = flight.ledger()
        assert set(ledger.fate.tolist()) == {UNKNOWN}
        never_sent_more_often_than_written(shop, ledger)


def test_nothing_is_sent_to_whom_another_authority_vouches_for(tmp_path: Path, trusted: Authority) -> None:
    stranger = authority(tmp_path / "stranger")
    spec = replace(spec_for(tmp_path, ""), ca=trusted.ca)
    with Server(tls=stranger.server) as shop, flying(replace(spec, url=shop.url)) as flight:
        flight.stop_after(0.5)
        ledger, _ = flight.ledger()
        assert (ledger.fate == REFUSED).all()
        assert (ledger.attempts == 0).all()
        assert np.count_nonzero(ledger.orders) > 0
        assert shop.requests == 0


def test_an_authority_that_is_none_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ControlError, match=r"SSLError|PEM"):
            Flight(replace(spec_for(tmp_path, url), ca="nonsense"))
