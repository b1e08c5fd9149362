"""What shoppers do, as the table ``[load]`` of a scenario says it."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from harness.errors import ScenarioError
from harness.model import noun
from harness.tables import convert

STAGE = re.compile(r"[a-z][a-z0-9_]*")
TAKEN = {"all", "baseline", "recovered", "steady", "after"}  # stretches that every run has
PAGES_MAX, STAGES_MAX = 50, 50


@noun
class Arrivals:
    """Open arrivals. ``poisson``: exactly rate x duration instants, uniform and sorted, from the seed."""

    orders_per_s: float
    spacing: Literal["poisson"] = "poisson"


@noun
class Resend:
    """``ratio`` of the shoppers send the same keyed order twice, ``same_moment`` of them at the same moment."""

    ratio: float
    same_moment: float = 0.5


@noun
class Sessions:
    """``per_s`` shoppers a second come to look around: ``pages`` pages each, ``checkout_ratio`` of them then buy a cart.

    Before each further page, and before logging in, a shopper thinks for ``think_s`` on average. So per_s x (pages - 1) x
    think_s sessions, and more, are under way at any moment.
    """

    per_s: float
    pages: int = 4
    checkout_ratio: float = 0.2
    think_s: float = 5.0


@noun
class Stage:
    """A stretch of the load with a name: evenly to ``orders_per_s`` within ``ramp_s``, then so to the end of ``for_s``.

    ``last_pieces_one_in``: in it, every n-th order asks for the scarce product (0: as many as in the rest of the load).
    """

    name: str
    orders_per_s: float
    for_s: float
    ramp_s: float = 0.0
    last_pieces_one_in: int = 0


@noun
class Load:
    """What shoppers do. ``last_pieces_one_in``: every n-th order asks for the one product that is scarce (0: none).

    ``last_pieces`` is how many there are of it (0: as many as the shop thinks).

    Beside orders they read: one product, a page of a category (``lists_per_s``), their own last events (``logs_per_s``);
    and what they do is written into that log (``log_writes_per_s``).
    ``unkeyed_ratio`` of the orders carry no key: sent twice, by whoever passes them on, they are two. Never sent twice here.
    ``crowd_ratio`` of the reads of a product are all of one and the same, as while something is sold at half its price.
    ``stages`` follow each other from the end of the baseline on; after the last one the load is as before them.
    ``sessions``: others come with a browser, from the first page to the checkout. ``entry`` is the component all of them
    enter at, the first of the shop's entries if empty.
    """

    arrivals: Arrivals
    warm_up_s: float
    baseline_s: float
    products_per_s: float = 0.0
    lists_per_s: float = 0.0
    logs_per_s: float = 0.0
    log_writes_per_s: float = 0.0
    last_pieces_one_in: int = 0
    last_pieces: int = 0
    unkeyed_ratio: float = 0.0
    crowd_ratio: float = 0.0
    resend: Resend | None = None
    stages: tuple[Stage, ...] = ()
    sessions: Sessions | None = None
    entry: str = ""


def read(file: str, table: Mapping[str, Any]) -> Load:
    """Read ``[load]``: check the load's tables one by one, so that a message names the inner key, then its numbers."""
    arrivals = convert(file, "load.arrivals", table.get("arrivals", {}), Arrivals)
    if "resend" in table:
        resend = convert(file, "load.resend", table["resend"], Resend)
        for key, value in (("ratio", resend.ratio), ("same_moment", resend.same_moment)):
            if value > 1:
                raise ScenarioError(file, f"load.resend.{key}", f"expected a share from 0 to 1, found {value}")
    if "sessions" in table:
        _check_sessions(file, convert(file, "load.sessions", table["sessions"], Sessions))
    stages = table.get("stages", [])
    for number, stage in enumerate(stages if isinstance(stages, list) else [], 1):
        convert(file, f"load.stages[{number}]", stage, Stage)
    load = convert(file, "load", table, Load)
    _check_stages(file, load.stages)
    for key, value in (("arrivals.orders_per_s", arrivals.orders_per_s), ("baseline_s", load.baseline_s)):
        if value <= 0:
            raise ScenarioError(file, f"load.{key}", f"expected a number above 0, found {value}")
    for key, value in (("unkeyed_ratio", load.unkeyed_ratio), ("crowd_ratio", load.crowd_ratio)):
        if value > 1:
            raise ScenarioError(file, f"load.{key}", f"expected a share from 0 to 1, found {value:g}")
    return load


def _check_sessions(file: str, sessions: Sessions) -> None:
    for key, fits, expected in (
        ("per_s", sessions.per_s > 0, "a number above 0"),
        ("pages", 1 <= sessions.pages <= PAGES_MAX, f"1 to {PAGES_MAX} pages"),
        ("checkout_ratio", sessions.checkout_ratio <= 1, "a share from 0 to 1"),
    ):
        if not fits:
            raise ScenarioError(file, f"load.sessions.{key}", f"expected {expected}, found {getattr(sessions, key):g}")


def _check_stages(file: str, stages: tuple[Stage, ...]) -> None:
    if len(stages) > STAGES_MAX:
        raise ScenarioError(file, "load.stages", f"expected at most {STAGES_MAX} stages, found {len(stages)}")
    for number, stage in enumerate(stages, 1):
        earlier = {one.name for one in stages[: number - 1]}
        for key, fits, expected in (
            (
                "name",
                STAGE.fullmatch(stage.name) and stage.name not in earlier | TAKEN,
                f"a name of its own, as {STAGE.pattern}",
            ),
            ("orders_per_s", stage.orders_per_s > 0, "a number above 0"),
            ("for_s", stage.for_s > 0, "seconds above 0"),
            ("ramp_s", 0 <= stage.ramp_s <= stage.for_s, "seconds from 0 to for_s"),
        ):
            if not fits:
                raise ScenarioError(
                    file, f"load.stages[{number}].{key}", f"expected {expected}, found {getattr(stage, key)!r}"
                )
