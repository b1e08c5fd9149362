"""Flights of a test module, some at a time and ahead of the tests that ask for them: most of a flight is waiting."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

import pytest

from tests.integration.flights import Landed, Project

T = TypeVar("T")
TRIES = 3


class Ahead(Generic[T]):
    """What each job has come to, by name. A job's error is raised where its result is asked for."""

    def __init__(self, jobs: Mapping[str, Future[T]]) -> None:
        self._jobs = jobs

    def __getitem__(self, name: str) -> T:
        return self._jobs[name].result()


@contextmanager
def ahead(
    request: pytest.FixtureRequest, project: Project, jobs: Mapping[str, Callable[[], T]], *, at_once: int
) -> Iterator[Ahead[T]]:
    """Begin those jobs that a selected test of this module asks for as its parameter ``row``; in the end, end them all."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module]
    wanted = {item.callspec.params.get("row") for item in items if hasattr(item, "callspec")}
    pool = ThreadPoolExecutor(at_once)
    try:
        yield Ahead({name: pool.submit(job) for name, job in jobs.items() if name in wanted})
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        project.end()
        pool.shutdown()


def believed(fly: Callable[[], Landed]) -> Landed:
    """Fly until nothing but this machine's other users stands against a verdict; at most ``TRIES`` times."""
    landed = fly()
    for _ in range(TRIES - 1):
        if not landed.disturbed:
            break
        landed = fly()
    return landed
