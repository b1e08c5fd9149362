"""The browser's own process, ``python -m harness.browser.child``: it loads one page after the other, each when it is due.

It reads a ``BrowserSpec`` and then ``Told`` lines from stdin, says READY on stdout once the browser has painted a page of
its own, and writes the record. The end of stdin means that the harness died: it stops within the load that is under way,
and the browser with it, whose pipe breaks. Exit codes: 0 only with a sealed record, 1 after an error (on stderr), 3 without
a harness, 143 after SIGTERM.
"""

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from harness.browser.chromium import Chromium, GoneError
from harness.browser.look import HEIGHT, WIDTH, Cookie, Page, Seen, checked, sees
from harness.browser.record import NEVER_US, SERVED, SHOT_BYTES, Row, Writer, fingerprint, picture_of
from harness.browser.spec import READY, BrowserSpec, Told
from harness.browser.trust import key_pin
from harness.clock import MachineClock, S
from harness.errors import ControlError, SetupError
from harness.views import BLIND, CRASHED, EVERY_NS, LATE_NS

DONE, FAILED, HARNESS_GONE, TERMINATED = 0, 1, 3, 128 + signal.SIGTERM
PR_SET_PDEATHSIG = 1
# Without these it makes pages of its own in every window: half a second of CPU each time, for nobody.
NO_EXTRAS = "SpareRendererForSitePerProcess,WebUIOmniboxPopup,WebUIOmniboxAimPopup,Translate,MediaRouter,OptimizationHints"
FOREVER_NS = 2**62
HEAR_NS = 60 * S


class _HarnessGoneError(Exception):
    """Nobody wants to know any more."""


class Child:
    """From the first line on stdin to the seal."""

    def __init__(self, spec: BrowserSpec) -> None:
        self._spec, self._clock = spec, MachineClock(spec.zero_ns)
        self._heard = b""
        self.begin_ns, self.until_ns = FOREVER_NS, FOREVER_NS
        self._shots = {(edge, at) for edge in spec.edges for at in spec.shots_s}
        Path(spec.shots).mkdir(exist_ok=True)
        self._record = Writer(Path(spec.record))

    def run(self) -> None:
        """Look, load by load, until the arrivals stop; then seal."""
        flags = [f"--window-size={WIDTH},{HEIGHT}", f"--disable-features={NO_EXTRAS}"]
        host = urlsplit(self._spec.url).hostname
        flags.append(f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {host}")  # it goes to the shop and nowhere else
        if self._spec.ca:
            flags.append(f"--ignore-certificate-errors-spki-list={key_pin(self._spec.url, self._spec.ca)}")
        browser = Chromium(Path(self._spec.home), flags)
        try:
            if not sees(browser):
                raise SetupError("chromium has come up, and does not paint a page of our own")
            os.write(1, READY)
            self._wait(lambda: self.begin_ns < FOREVER_NS)
            with suppress(GoneError):  # its last row says so, and no later one is there
                self._look(browser)
        finally:
            browser.end()
        self._wait(lambda: self.until_ns < FOREVER_NS)
        self._record.seal(self.until_ns)

    def _look(self, browser: Chromium) -> None:
        """Load the page when it is due, through one edge after the other, one load at a time."""
        nth = 0
        while (due_ns := self.begin_ns + nth * EVERY_NS) < self.until_ns:
            if self._clock.now_ns() <= due_ns + LATE_NS:  # else nobody knows how that one would have been
                row = self._one(browser, nth, due_ns)
                if row is not None:
                    self._record.add(row)
                    self._record.flush()
                    if row[-2] == CRASHED and not sees(browser):
                        return
            nth += 1
            self._wait(lambda: True)

    def _one(self, browser: Chromium, nth: int, due_ns: int) -> Row | None:
        """Load the page once; None where the arrivals stopped before it was due. A browser that is gone makes a row too."""
        edge = self._spec.edges[nth % len(self._spec.edges)]
        begun_ns, seen, shot = max(due_ns, self._clock.now_ns()), Seen(error=BLIND), ""
        try:
            page = Page(browser, Cookie(name=self._spec.cookie, value=edge, url=self._spec.url))
            self._wait(lambda: self.until_ns <= due_ns, due_ns)
            if due_ns >= self.until_ns:
                return None
            begun_ns = self._clock.now_ns()
            seen = page.load(self._spec.url + self._spec.path)
            done_ns = self._clock.now_ns()
            shot = self._photograph(page, edge, nth, due_ns)
            page.close()
            seen = checked(browser, seen)
        except GoneError as error:
            print(error, file=sys.stderr)
            seen, done_ns = Seen(error=CRASHED), max(begun_ns, self._clock.now_ns())
            self._record.add(_row(nth, begun_ns, done_ns, edge, seen, ""))
            self._record.flush()
            raise
        except ControlError as error:
            print(error, file=sys.stderr)
            done_ns = max(begun_ns, self._clock.now_ns())
        return _row(nth, begun_ns, done_ns, edge, seen, shot)

    def _photograph(self, page: Page, edge: str, nth: int, due_ns: int) -> str:
        """Take a picture where one is wanted; give the beginning of its hash, "" where none was taken."""
        wanted = {(of, at) for of, at in self._shots if of == edge and due_ns >= self.begin_ns + int(at * S)}
        png = page.shot() if wanted else b""
        if not png or len(png) > SHOT_BYTES:
            return ""
        self._shots -= wanted
        (Path(self._spec.shots) / picture_of(edge, nth)).write_bytes(png)
        return fingerprint(png)

    def _wait(self, over: Callable[[], bool], at_ns: int = FOREVER_NS) -> None:
        """Hear the harness, once at least, until something is over or it is that time. Raises ``_HarnessGoneError``."""
        while True:
            soon_ns = 0 if over() else min(at_ns, self._clock.now_ns() + HEAR_NS)
            if self._clock.wait(soon_ns, [0]):
                self._hear()
            elif over() or self._clock.now_ns() >= at_ns:
                return

    def _hear(self) -> None:
        """Take in what the harness says."""
        chunk = os.read(0, 1 << 16)
        if not chunk:
            raise _HarnessGoneError
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        for told in (msgspec.json.decode(line, type=Told) for line in lines):
            self.begin_ns = told.begin_ns if told.begin_ns is not None else self.begin_ns
            self.until_ns = told.until_ns if told.until_ns is not None else self.until_ns


def _row(nth: int, begun_ns: int, done_ns: int, edge: str, seen: Seen, shot: str) -> Row:  # noqa: PLR0913, PLR0917 -- a row
    painted, decoded = (NEVER_US if us is None else us for us in (seen.painted_us, seen.decoded_us))
    served = seen.served if SERVED.fullmatch(seen.served) else ""
    return nth, begun_ns, done_ns, seen.status, painted, decoded, edge, served, seen.error, shot


def main() -> int:
    """Run from the first line on stdin to the seal; give the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # second line, beside the end of stdin
    first = b""
    while not first.endswith(b"\n"):
        byte = os.read(0, 1)  # no more: what follows is for the waits
        if not byte:
            return HARNESS_GONE
        first += byte
    spec = msgspec.json.decode(first, type=BrowserSpec)
    try:
        Child(spec).run()
    except _HarnessGoneError:
        return HARNESS_GONE
    except (ControlError, SetupError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    finally:
        shutil.rmtree(spec.home, ignore_errors=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
