"""What the processes of a load have in common: how they settle in, and how they find the shop's shopper."""

import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
from contextlib import suppress

from harness.load.shopper import Keyless, Shopper, Tracked
from harness.load.spec import LoadSpec
from harness.load.visitor import Visitor

PR_SET_PDEATHSIG, NICE = 1, -10


def settle_in() -> None:
    """Take the signals' meaning and the limits as a process of the load needs them; it dies with the one that started it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # second line, beside the end of stdin
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with suppress(PermissionError):  # as anybody else: it is the shop that should be late on a full machine, not the clock
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def shopper_of(spec: LoadSpec) -> Shopper:
    """Make the shop's shopper. Raises ``SystemExit``, with why, where it is asked for what it does not know."""
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


def calm_the_collector() -> None:
    """Keep the garbage collector's pauses away from the shoppers: what lives now lives on, the rest is short-lived."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1_000)
