"""The load's own process, ``python -m harness.load.child``: the only one that imports Locust.

It reads a ``LoadSpec`` and then ``Stop`` lines from stdin, says ``Said`` lines on stdout, and writes the ledger. The end of
stdin means that the harness died: it stops at once. SIGINT and SIGHUP are the harness's business, SIGTERM stops.
Exit codes: 0 only with a sealed ledger, 1 after an error (on stderr), 3 without a harness, 143 after SIGTERM.
"""

# ruff: noqa: E402 -- gevent must patch before anything else is imported
from gevent import monkey

monkey.patch_all()

import ctypes
import errno
import gc
import importlib
import os
import resource
import signal
import sys
from pathlib import Path
from time import monotonic_ns

import gevent
import msgspec
from gevent.fileobject import FileObjectPosix
from locust.env import Environment

from harness.load import ledger, requests
from harness.load.shopper import Keyless, Shopper, Tracked
from harness.load.spec import LoadSpec, Said, Stop
from harness.load.user import Books, Shoppers, Street
from harness.load.visitor import Visitor

LEAD_NS = 100_000_000
LAST_WORD_S = 10.0
DISK_REFUSES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
DONE, FAILED, HARNESS_GONE, TERMINATED = 0, 1, 3, 128 + signal.SIGTERM
PR_SET_PDEATHSIG = 1
VOICE = os.dup(1)  # to the harness; what a shopper prints goes to stderr
os.dup2(2, 1)


class _Ended(Exception):  # noqa: N818 -- it says that the load ended before its time, not what went wrong
    """The load is to stop at once; carries the exit code."""


def main() -> int:
    """Run the load from the first line on stdin to the seal; give the exit code."""
    _settle_in()
    orders = FileObjectPosix(0, "rb", closefd=False)
    first = orders.readline()
    if not first:
        return HARNESS_GONE
    spec = msgspec.json.decode(first, type=LoadSpec)
    if spec.cores:
        os.sched_setaffinity(0, spec.cores)
    books = Books(
        orders=ledger.Writer(Path(spec.ledger)),
        sessions=requests.Writer(Path(spec.requests)) if spec.load.sessions else None,
    )
    shopper = _shopper(spec)
    begin_ns = max(spec.begin_ns, monotonic_ns() - spec.zero_ns + LEAD_NS)
    street = Street(spec, begin_ns, shopper, books)
    gevent.signal_handler(signal.SIGTERM, street.end, _Ended(TERMINATED))
    for job in (_listen, _tick):
        gevent.spawn(job, orders if job is _listen else books, street).link_exception(street.broke)
    _calm_the_collector()
    Shoppers.street = street
    Environment(user_classes=[Shoppers]).create_local_runner().start(1, spawn_rate=1)
    _say(Said(begin_ns=begin_ns))
    try:
        return _to_the_end(street, books)
    except OSError as error:
        if error.errno not in DISK_REFUSES:
            raise
        print(f"the ledger cannot be written: {error}; free some space", file=sys.stderr)
        return FAILED


def _to_the_end(street: Street, books: Books) -> int:
    """Wait until the load is over, and close the ledger; give the exit code."""
    try:
        street.over.get()
    except _Ended as ended:
        books.flush()
        return int(ended.args[0])
    rows = books.seal(street.until_ns)
    _say(Said(rows=rows), patience_s=LAST_WORD_S)
    return DONE


def _settle_in() -> None:
    """Take the signals' meaning, the limits and the pipes as this process needs them."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # second line, beside the end of stdin
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.set_blocking(VOICE, False)  # a harness that does not listen must not stop the shoppers


def _shopper(spec: LoadSpec) -> Shopper:
    """Make the shop's shopper. Ends the child where it is asked for sessions that it does not know."""
    sys.path.insert(0, spec.project)
    module, _, name = spec.shopper.partition(":")
    shopper: Shopper = getattr(importlib.import_module(module), name)(spec.run, spec.seed)
    if spec.load.sessions and not isinstance(shopper, Visitor):
        sys.exit(
            f"{spec.shopper} is no Visitor, so this shop has no sessions: leave out [load] sessions, or write its visit()"
        )
    if spec.load.unkeyed_ratio and not isinstance(shopper, Keyless):
        sys.exit(f"{spec.shopper} is not Keyless: leave out [load] unkeyed_ratio, or write its without_key()")
    if spec.load.log_writes_per_s and not isinstance(shopper, Tracked):
        sys.exit(f"{spec.shopper} is not Tracked: leave out [load] log_writes_per_s, or write its step()")
    return shopper


def _calm_the_collector() -> None:
    """Keep the garbage collector's pauses away from the shoppers: what lives now lives on, the rest is short-lived."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)


def _listen(orders: FileObjectPosix, street: Street) -> None:
    """Hear what the harness says, until it dies."""
    for line in orders:
        street.until_ns = min(street.until_ns, msgspec.json.decode(line, type=Stop).until_ns)
    raise _Ended(HARNESS_GONE)


def _tick(books: Books, street: Street) -> None:
    """Once a second: rows to disk, counts to the harness."""
    while True:
        gevent.sleep(1.0)
        try:
            books.flush()
        except OSError as error:
            street.end(error)  # handed over, for gevent prints the trace of all that a greenlet raises
            return
        _say(Said(tick=street.tally.tick(street.now_ns())))


def _say(said: Said, patience_s: float = 0.0) -> None:
    """Say a line; if the pipe is full, try for ``patience_s``, then leave it. Lines are short: all or nothing is written."""
    line = msgspec.json.encode(said) + b"\n"
    for _ in range(1 + int(patience_s / 0.05)):
        try:
            os.write(VOICE, line)
        except BlockingIOError:
            gevent.sleep(0.05)
        except BrokenPipeError:
            return  # the harness died; the end of stdin says so too
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
