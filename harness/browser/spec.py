"""What harness and browser child say to each other, a JSON line each: ``BrowserSpec``, then ``Told`` down; READY up."""

from harness.model import noun

READY = b"ready\n"


@noun
class BrowserSpec:
    """All that the browser child needs, and the first line it is given.

    ``zero_ns`` is the run's zero on CLOCK_MONOTONIC. ``url`` is where the shop is entered, ``path`` the page to look at,
    ``cookie`` the name of the one whose value brings a shopper back to an edge, ``edges`` those to come back to. ``ca`` is
    the PEM text that proves an ``https`` URL. ``record`` is the file to write, ``shots`` the folder of the screenshots,
    ``home`` one for the browser's profile, removed at the end. ``shots_s``, after the begin of the load: the next load
    through each edge is photographed.
    """

    zero_ns: int
    url: str
    path: str
    cookie: str
    edges: tuple[str, ...]
    record: str
    shots: str
    home: str
    ca: str = ""
    shots_s: tuple[float, ...] = ()


@noun
class Told:
    """Each further line to the child: first when the load begins, then when its arrivals end; no load is due after that."""

    begin_ns: int | None = None
    until_ns: int | None = None
