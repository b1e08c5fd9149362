"""A container that is paused while processes come and go in it: the kernel gives up at times, and is asked again."""

from types import SimpleNamespace
from typing import cast

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from harness.drivers.docker import freeze

GIVES_UP = "Cannot pause container: OCI runtime pause failed: unable to freeze: unknown"


def frozen(*answers: str) -> list[str]:
    """Freeze a container that answers like this, with nothing where it is done; give what was asked of it."""
    left, asked = list(answers), list[str]()

    def pause() -> None:
        asked.append("pause")
        said = left.pop(0)
        if said:
            raise APIError(said)

    freeze(cast("Container", SimpleNamespace(pause=pause)))
    return asked


def test_it_is_asked_again_where_the_kernel_gave_up() -> None:
    assert frozen("") == ["pause"]
    assert frozen(GIVES_UP, "") == ["pause"] * 2
    assert frozen(GIVES_UP, GIVES_UP, "") == ["pause"] * 3


def test_three_times_and_then_it_is_said() -> None:
    with pytest.raises(APIError, match="unable to freeze"):
        frozen(GIVES_UP, GIVES_UP, GIVES_UP, "")


def test_any_other_trouble_is_said_at_once() -> None:
    with pytest.raises(APIError, match="not running"):
        frozen("container is not running", "")
