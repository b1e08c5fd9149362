"""The load's own process, ``python -m harness.load.child``: the only one that imports Locust.

It reads a ``LoadSpec`` and then ``Stop`` lines from stdin, says ``Said`` lines on stdout, and writes the ledger. The end of
stdin means that the harness died: it stops at once. SIGINT and SIGHUP are the harness's business, SIGTERM stops.
Exit codes: 0 only with a sealed ledger, 1 after an error (on stderr), 3 without a harness, 143 after SIGTERM.
"""

# ruff: noqa: E402 -- gevent must patch before anything else is imported
from gevent import monkey

monkey.patch_all()

import errno
import os
import signal
import sys
from pathlib import Path
from time import monotonic_ns

import gevent
import msgspec
from gevent.fileobject import FileObjectPosix
from locust.env import Environment

from harness.load import common, ledger, requests
from harness.load.books import Books
from harness.load.master import Master
from harness.load.spec import LoadSpec, Said, Stop
from harness.load.user import Shoppers, Street

LEAD_NS = 100_000_000
LAST_WORD_S = 10.0
DISK_REFUSES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
DONE, FAILED, HARNESS_GONE, TERMINATED = 0, 1, 3, 128 + signal.SIGTERM
VOICE = os.dup(1)  # to the harness; what a shopper prints goes to stderr
os.dup2(2, 1)


class _Ended(Exception):  # noqa: N818 -- it says that the load ended before its time, not what went wrong
    """The load is to stop at once; carries the exit code."""


def main() -> int:
    """Run the load from the first line on stdin to the seal; give the exit code."""
    common.settle_in()
    os.set_blocking(VOICE, False)  # a harness that does not listen must not stop the shoppers
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
    shopper = common.shopper_of(spec)
    begin_ns = max(spec.begin_ns, monotonic_ns() - spec.zero_ns + LEAD_NS)
    alone = spec.generators == 1 and not spec.gather
    street = Street(spec, begin_ns, shopper, books) if alone else Master(spec, books, lambda why: _say(Said(lost=why)))
    gevent.signal_handler(signal.SIGTERM, street.end, _Ended(TERMINATED))
    for job in (_listen, _tick):
        gevent.spawn(job, orders if job is _listen else books, street).link_exception(street.broke)
    common.calm_the_collector()
    if isinstance(street, Master):
        begin_ns = street.begin()
    else:
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
    finally:
        if isinstance(street, Master):
            street.dismiss()


def _to_the_end(street: Street | Master, books: Books) -> int:
    """Wait until the load is over, and close the ledger; give the exit code."""
    try:
        street.over.get()
    except _Ended as ended:
        books.flush()
        return int(ended.args[0])
    rows = books.seal(street.until_ns)
    _say(Said(rows=rows), patience_s=LAST_WORD_S)
    return DONE


def _listen(orders: FileObjectPosix, street: Street | Master) -> None:
    """Hear what the harness says, until it dies."""
    for line in orders:
        street.until(msgspec.json.decode(line, type=Stop).until_ns)
    raise _Ended(HARNESS_GONE)


def _tick(books: Books, street: Street | Master) -> None:
    """Once a second: rows to disk, counts to the harness."""
    while True:
        gevent.sleep(1.0)
        try:
            books.flush()
        except OSError as error:
            street.end(error)  # handed over, for gevent prints the trace of all that a greenlet raises
            return
        _say(Said(tick=street.tick()))


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
