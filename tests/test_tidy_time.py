"""House rules of time that a machine can check: who may read it, and who may sleep."""

import ast

from tests.test_tidy import HARNESS, name, tree

READS_TIME = {
    "harness/clock.py": "it is the clock",
    "harness/load/child.py": "the load child has a world of its own, patched by gevent",
    "harness/load/user.py": "the same",
    "harness/load/wire.py": "the same",
    "harness/load/walk.py": "the same",
    "harness/load/master.py": "the same",
    "harness/load/worker.py": "the same",
    "harness/campaign.py": "a run is named after the date",
    "harness/drivers/delayer.py": "it is a program that runs alone in a container",
}
NAPS = {  # who waits for an event with a time-out, in a thread of its own that must end at once when it is told to
    "harness/drivers/docker_events.py": "until it asks an engine again that has hung up",
    "harness/load/walk.py": "while a shopper thinks, in the load child",
    "harness/sampler.py": "until the next look is due",
}


def test_only_the_clock_and_the_load_child_read_time_or_sleep() -> None:
    readers = {name(path) for path in HARNESS.values() if any(_reads_time(node) for node in ast.walk(tree(path)))}
    assert readers == READS_TIME.keys()


def test_only_who_says_why_sleeps_on_an_event() -> None:
    """Waiting for an event for so long is sleeping by another name."""
    assert {name(path) for path in HARNESS.values() if _naps(tree(path))} == NAPS.keys()
    assert _naps(ast.parse("ending = threading.Event()\nending.wait(timeout=1)"))
    assert _naps(ast.parse("class A:\n    def __init__(self):\n        self._bell = Event()\n        self._bell.wait(1)"))
    assert not _naps(ast.parse("ending = threading.Event()\nending.wait()\nchild.wait(5)"))


def _naps(file: ast.Module) -> bool:
    """Say whether a file waits with a time-out for an event of ``threading`` that it has made itself."""
    made = [
        node for node in ast.walk(file) if isinstance(node, ast.Assign | ast.AnnAssign) and _called(node.value) == "Event"
    ]
    events = {_last(target) for node in made for target in (node.targets if isinstance(node, ast.Assign) else [node.target])}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "wait"
        and _last(node.func.value) in events
        and bool(node.args or node.keywords)
        for node in ast.walk(file)
    )


def _called(node: ast.AST | None) -> str:
    return _last(node.func) if isinstance(node, ast.Call) else ""


def _last(node: ast.AST) -> str:
    """Give the last word of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _reads_time(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name == "time" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" or (node.module == "asyncio" and any(alias.name == "sleep" for alias in node.names))
    return isinstance(node, ast.Attribute) and (
        node.attr in ("now", "utcnow", "today")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    )
