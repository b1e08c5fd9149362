"""What must not be shown is found in environments, and taken out of texts."""

import pytest

from harness.drivers.redaction import redacted, secrets_of


@pytest.mark.parametrize(
    ("line", "secrets"),
    [
        ("PGPASSWORD=s3cret", ["s3cret"]),
        ("PATRONI_SUPERUSER_PASSWORD=a=b", ["a=b"]),
        ("api_token=t0k", ["t0k"]),
        ("CLIENT_SECRET=x", ["x"]),
        ("DSN=postgresql://shop:p@ss@db:5432/shop", ["p@ss"]),
        ("DSN=postgresql://shop@db:5432/shop", []),
        ("TOKEN=", []),
        ("PATH=/usr/bin", []),
        ("odd", []),
        ("", []),
    ],
)
def test_secrets_are_found_by_their_names_and_inside_addresses(line: str, secrets: list[str]) -> None:
    assert list(secrets_of([line])) == secrets


def test_all_of_them_are_hidden_wherever_they_stand() -> None:
    """Also where one is a part of another."""
    text = "login s3cret failed; tried s3cret-2 at postgresql://u:s3cret@db"
    assert redacted(text, ["s3cret", "s3cret-2"]) == "login *** failed; tried *** at postgresql://u:***@db"
    assert redacted(text, []) == text
