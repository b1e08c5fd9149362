"""Knocks where nobody lives: a port on which nothing listens, so that the other end's kernel itself says no, at once.

That costs neither end more than a packet each way, and asks no program. A knock to which no answer came within 0.5 s was
lost on its way, or its answer was: the kernel knocks again by itself only after a whole second.

Only the standard library is used: as a program (``ADDRESS COUNT WITHIN_S``) it prints what ``knock`` gives, as JSON.
"""

import errno
import json
import os
import select
import socket
import sys
import time

NOBODY = 9  # discard
ANSWERS = (0, errno.ECONNREFUSED)
MOST = 500


def knock(address: str, count: int, within_s: float) -> list[float | None]:
    """Knock ``count`` times at once, at most 500; give the milliseconds until each answer, None where none came in time.

    An answer is the other end's own: that somebody else says there is no way to it is none. Raises ``OSError`` where
    nothing can be sent at all.
    """
    begun_ns, poll = time.monotonic_ns(), select.poll()
    took_ms, waiting = list[float | None](), dict[int, tuple[int, int, socket.socket]]()
    try:
        for number in range(min(count, MOST)):
            one = socket.socket()
            one.setblocking(False)
            waiting[one.fileno()] = (number, time.monotonic_ns(), one)
            took_ms.append(None)
            error = one.connect_ex((address, NOBODY))
            if error not in (errno.EINPROGRESS, *ANSWERS):
                raise OSError(error, os.strerror(error))
            poll.register(one, select.POLLOUT)
            _listen(poll, 0, waiting, took_ms)
        while waiting and (left_s := within_s - (time.monotonic_ns() - begun_ns) / 1e9) > 0:
            _listen(poll, left_s, waiting, took_ms)
    finally:
        for _, _, one in waiting.values():
            one.close()
    return took_ms


def _listen(
    poll: select.poll, left_s: float, waiting: dict[int, tuple[int, int, socket.socket]], took_ms: list[float | None]
) -> None:
    """Take the answers that are there, or the first that comes within ``left_s``."""
    for descriptor, _ in poll.poll(left_s * 1000):
        poll.unregister(descriptor)
        number, sent_ns, one = waiting.pop(descriptor)
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in ANSWERS:
            took_ms[number] = (time.monotonic_ns() - sent_ns) / 1e6
        one.close()


if __name__ == "__main__":
    print(json.dumps(knock(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
