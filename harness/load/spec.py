"""What harness and load child say to each other, a JSON line each: ``LoadSpec``, then ``Stop`` down; ``Said`` up."""

from harness.demand import Load
from harness.events import LoadTick
from harness.model import noun


@noun
class LoadSpec:
    """All that the load child needs, and the first line it is given.

    ``zero_ns`` is the run's zero on CLOCK_MONOTONIC; all other times count from it. ``begin_ns`` is the earliest intended
    time of schedule zero: a child that is ready later begins later, and says when. ``shopper`` is ``module:Class``,
    found with ``project`` on ``sys.path``. ``requests`` is the file for the requests of sessions, where the load has any.
    ``ca`` is the PEM text that proves an ``https`` URL. After ``longest_s`` the child stops by itself, as if told to. It
    runs on these of the machine's ``cores``, on all of them where none are named. ``generators``: how many processes share
    the load; they join at ``gather`` (host:port), or are started on this machine where that is empty.
    """

    run: str
    seed: int
    scale: float
    load: Load
    zero_ns: int
    begin_ns: int
    longest_s: float
    url: str
    shopper: str
    ledger: str
    project: str
    requests: str = ""
    cores: frozenset[int] = frozenset()
    generators: int = 1
    gather: str = ""
    ca: str = ""
    timeout_s: float = 10.0
    in_flight_max: int = 20_000


@noun
class Stop:
    """Each further line to the child: no arrival is intended at or after ``until_ns``."""

    until_ns: int


@noun
class Said:
    """A line from the child; one of the fields is set.

    ``begin_ns`` comes first and once: when schedule zero is. ``tick`` comes about once a second. ``rows`` comes last and
    only if the ledger was sealed. ``lost`` says which of several generators is there no longer.
    """

    begin_ns: int | None = None
    tick: LoadTick | None = None
    rows: int | None = None
    lost: str | None = None
