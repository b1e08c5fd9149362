"""An image of a real engine, carried in a file: saved under a name of its own, forgotten, and loaded again."""

import tarfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest

from harness.drivers.docker_client import client
from harness.drivers.docker_images import images, load_images, save_images
from sut import images as shop

pytestmark = pytest.mark.docker


@pytest.fixture
def name() -> Iterator[str]:
    """Give the smallest image of the shop a second name, which goes again in the end; nothing is copied."""
    there = images([shop.tag(role) for role in shop.roles()])
    smallest = min(there.values(), key=lambda image: image.size_bytes).name
    second = f"windtunnel-carried:{uuid.uuid4().hex[:12]}"
    client().images.get(smallest).tag(second)
    yield second
    with suppress(docker.errors.ImageNotFound):
        client().images.remove(second)


def test_a_name_that_was_forgotten_comes_back_with_the_file(name: str, tmp_path: Path) -> None:
    """And it names the same image as before."""
    file, before = tmp_path / "carried.tar", images([name])[name]
    save_images([name], file)
    assert [path.name for path in tmp_path.iterdir()] == ["carried.tar"]
    assert tarfile.is_tarfile(file)
    client().images.remove(name)
    assert images([name]) == {}
    assert load_images(file) == (name,)
    assert images([name]) == {name: before}
