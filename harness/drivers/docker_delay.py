"""Packets held back: a chain of the kernel's hands what a container receives to a helper, which lets it in later.

The chain is made so that everything passes where nobody takes it (``--queue-bypass``): once the helper is gone, for
whatever reason, nothing is held back any more. The helper ends by itself after ``DELAY_LASTS_S`` too.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from docker.models.containers import Container

from harness.capabilities import DELAY_LASTS_S
from harness.clock import pause
from harness.drivers import delayer
from harness.drivers.docker_client import CONTROL_S, LASTING, client, controlled
from harness.drivers.docker_helper import PREFIX, inside, labels_of
from harness.errors import ControlError
from harness.model import Break, Undo, noun

CHAIN = f"{PREFIX}delay"
LATE_S = 60  # longer than any step may be held, so that what heals is always the undo
POLL_S = 0.05
_IPTABLES = "iptables -t mangle"


@noun
class Held:
    """What is held back: what comes from ``addresses`` (from everybody if none), by ``ms`` give or take ``jitter_ms``."""

    addresses: Sequence[str]
    ms: int
    jitter_ms: int
    seed: int


def delaying(container: Container, instance: str, tools: str, held: Held) -> Break:
    """Prepare the delay of what a container receives; the undo ends the helper, then takes the chain away."""
    name = f"{container.name}-delay"
    command = ["python3", "-I", "-c", Path(delayer.__file__).read_text(encoding="utf-8")]
    command += [str(delayer.QUEUE), str(held.ms), str(held.jitter_ms), str(held.seed)]

    script = _queueing(held.addresses)

    def act() -> None:
        with controlled(f"delay {instance}"):
            inside(container, tools, ["sh", "-c", script])
            _start(container, tools, name, command)

    chain = Undo(verb="unblock", on=str(container.id), args={"instance": instance, "table": CHAIN, "image": tools})
    helper = f"docker run {{}} --network container:{container.name} --cap-add NET_ADMIN {tools}"
    arguments = " ".join(command[4:])
    typed = f"{helper.format('--rm')} sh -c {shlex.quote(script)}; {helper.format('-d')} python3 <delayer.py> {arguments}"
    return Break(undo=(chain, removing(name, instance)), act=act, typed=typed)


def removing(name: str, instance: str) -> Undo:
    """Give the undo that ends a helper."""
    return Undo(verb="remove", on=name, args={"instance": instance})


def remove(container: Container, _undo: Undo) -> None:
    """End a helper at once, and forget it. Raises ``ControlError`` for a container that is none."""
    if LASTING not in container.labels:
        raise ControlError(f"{container.name} is no helper of ours; not touched")
    container.remove(force=True, v=True)


def unqueue(container: Container, image: str) -> None:
    """Take the chain away from a container's namespace; twice is harmless.

    Raises what the client library raises, with the kernel's own words, unless the chain is seen to be gone.
    """
    inside(container, image, ["sh", "-c", unqueueing()])


def unqueueing() -> str:
    """Write the shell's words that take the chain away, and fail unless whoever lists all chains does not know it.

    That one of the three parts fails means nothing by itself: what is gone cannot be taken away.
    """
    parts = (f"-D INPUT -j {CHAIN}", f"-F {CHAIN}", f"-X {CHAIN}")
    taken = "; ".join(f"{_IPTABLES} {part}" for part in parts)
    still = f'case "$left" in *{CHAIN}*) echo "{CHAIN} is still there" >&2; exit 1;; esac'
    return f"{taken}; left=$(nft list chains) || exit 1; {still}"


def _queueing(addresses: Sequence[str]) -> str:
    whom = f"-s {','.join(addresses)}" if addresses else "! -i lo"
    parts = (
        f"-N {CHAIN}",
        f"-A {CHAIN} {whom} -j NFQUEUE --queue-num {delayer.QUEUE} --queue-bypass",
        f"-A INPUT -j {CHAIN}",
    )
    return " && ".join(f"{_IPTABLES} {part}" for part in parts)


def _start(container: Container, tools: str, name: str, command: Sequence[str]) -> None:
    """Start the helper, and wait until it takes packets. Raises ``ControlError`` where it does not within 5 s."""
    helper = client().containers.run(
        tools,
        ["timeout", "-s", "KILL", str(DELAY_LASTS_S + LATE_S), *command],
        name=name,
        detach=True,
        network_mode=f"container:{container.id}",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
        labels={**labels_of(container), LASTING: "delay"},
    )
    for _ in range(int(CONTROL_S / POLL_S)):
        said = helper.logs().decode(errors="replace")
        if delayer.READY in said:
            return
        helper.reload()
        if helper.status not in ("created", "running"):
            raise ControlError(f"{name} ended instead of holding packets back: {said.strip() or helper.status}")
        pause(POLL_S)
    raise ControlError(f"{name} did not hold packets back within {CONTROL_S} s")
