"""The pin of a server's key is that of the certificate, as another library reads it; who is not vouched for has none."""

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.browser.trust import key_pin, public_key


@contextmanager
def serving(authority: trustme.CA) -> Iterator[str]:
    """Shake hands with one client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def shake(listening: socket.socket) -> None:
        with suppress(OSError), listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as secure:
            secure.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=shake, args=(listening,))
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize("key_type", trustme.KeyType)
def test_the_key_is_where_another_library_finds_it(key_type: trustme.KeyType) -> None:
    pem = trustme.CA(key_type=key_type).issue_cert("shop.example", "127.0.0.1", key_type=key_type).cert_chain_pems[0].bytes()
    found = x509.load_pem_x509_certificate(pem)
    wanted = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key(found.public_bytes(Encoding.DER)) == wanted


def test_a_server_is_pinned_by_the_key_it_proves_itself_with() -> None:
    authority = trustme.CA()
    with serving(authority) as url:
        pin = key_pin(url, authority.cert_pem.bytes().decode())
    assert len(base64.b64decode(pin)) == hashlib.sha256().digest_size


def test_whom_another_authority_vouches_for_gets_no_pin() -> None:
    with serving(trustme.CA()) as url, pytest.raises(ssl.SSLError, match="certificate verify failed"):
        key_pin(url, trustme.CA().cert_pem.bytes().decode())
