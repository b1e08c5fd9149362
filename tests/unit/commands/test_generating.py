"""Where generators gather: what is typed wrong, or cannot be, is said before anything starts."""

import os
import socket

import pytest

from harness.commands.generating import can_gather, checked
from harness.errors import SetupError, UsageError
from tests.typing_in import typed

HERE = f"127.78.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"


@pytest.mark.parametrize(
    "where", ["", "here", "here:", ":5557", "here:port", "here:0", "here:65536", "a b:5557", "x:5557;id"]
)
def test_what_is_no_address_is_refused(where: str) -> None:
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        checked(where)
    assert typed("generator", where).code == 2


def test_an_address_is_taken_apart() -> None:
    assert checked("192.0.2.7:5557") == ("192.0.2.7", 5557)


def test_a_port_in_use_and_a_machine_that_is_not_ours_are_told_before_anything_starts() -> None:
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"--gather {HERE}:{port}: nobody can listen there"):
            can_gather(f"{HERE}:{port}", 1)
    can_gather(f"{HERE}:{port}", 1)
    with pytest.raises(SetupError, match="nobody can listen there"):
        can_gather("192.0.2.7:5557", 1)


def test_who_joins_goes_home_after_one_run() -> None:
    with pytest.raises(UsageError, match="this is 3"):
        can_gather(f"{HERE}:5557", 3)
