"""Toxiproxy, in the path of some links of a run: toxics put on a link, read back, and taken off again, whatever it takes.

Its client library has one server for all of the process, knows no time-outs, and takes a refused toxic for a success. So it
is spoken to in ``_asking`` only: one server at a time, with a bound on each call, and what was asked for is read back.
"""

import json
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import requests
import urllib3
from docker.models.containers import Container
from toxiproxy import Proxy, Toxiproxy, api
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.capabilities import Toxic
from harness.clock import S, monotonic_ns, pause
from harness.drivers import Deviation
from harness.drivers.bounded import Bounded
from harness.drivers.docker_client import ADDRESS, INSTANCE, LINKS
from harness.errors import ControlError
from harness.model import Break, Residue, Undo, noun

PORT = 8474
CALL_S = 2.0
BODY_MOST = 1_000_000
AGAIN_S = 5.0  # how long a server that was started anew may take until it answers
PREFIX = "windtunnel_"
DOWN, UP = "downstream", "upstream"  # what the peer sends, what it is sent
_SAID_NO = (InvalidToxic, NotFound, ProxyExists)
_ONE_AT_A_TIME = threading.Lock()


@noun
class _Kind:
    """How Toxiproxy calls a toxic, the ways it is put on, its attributes by the names of the fault's parameters."""

    type: str
    ways: tuple[str, ...]
    attributes: Mapping[str, str]


KINDS: Mapping[Toxic, _Kind] = {
    "latency": _Kind(type="latency", ways=(DOWN,), attributes={"ms": "latency", "jitter_ms": "jitter"}),
    "bandwidth": _Kind(type="bandwidth", ways=(DOWN, UP), attributes={"kb_per_s": "rate"}),
    "slicer": _Kind(type="slicer", ways=(DOWN, UP), attributes={"piece_bytes": "average_size", "pause_us": "delay"}),
    "limit_data": _Kind(type="limit_data", ways=(DOWN,), attributes={"after_bytes": "bytes"}),
    # Where a request goes, so that it is never received: answered by a reset, it has had no effect.
    "reset_peer": _Kind(type="reset_peer", ways=(UP,), attributes={"after_ms": "timeout"}),
    "link_timeout": _Kind(type="timeout", ways=(DOWN, UP), attributes={"closes_after_ms": "timeout"}),
}


class LinkPowers:
    """What the links of one component can undergo that go through a proxy, a container of the run."""

    def __init__(self, proxy: Container, component: str) -> None:
        self._proxy, self._component = proxy, component

    def poison(self, peer: str, toxic: Toxic, settings: Mapping[str, int]) -> Break:
        """Prepare a toxic on a link, for connections that stand too. Raises ``ControlError`` where it does not carry it."""
        link, carried = f"{self._component}->{peer}", _carried(self._proxy)
        if link not in carried:
            raise ControlError(f"{link} does not go through {_name(self._proxy)}; these do: {', '.join(carried)}")
        address, wanted = self._proxy.labels[ADDRESS], _wanted(toxic, settings)

        def act() -> None:
            with _asking(f"{toxic} on {link}", address) as server:
                _add(_proxy_of(server, link), wanted)

        url = shlex.quote(f"http://{address}:{PORT}/proxies/{link}/toxics")
        typed = " && ".join(f"curl -fd {shlex.quote(json.dumps(one))} {url}" for one in wanted)
        return Break(undo=(_untoxic(self._proxy, link),), act=act, typed=typed)


def _wanted(toxic: Toxic, settings: Mapping[str, int]) -> list[dict[str, Any]]:
    """Give the toxics of a fault as Toxiproxy is asked for them, one for each way."""
    kind = KINDS[toxic]
    attributes = {kind.attributes[name]: value for name, value in settings.items()}
    return [
        {"name": f"{PREFIX}{toxic}_{way}", "type": kind.type, "stream": way, "toxicity": 1.0, "attributes": attributes}
        for way in kind.ways
    ]


@contextmanager
def _asking(what: str, address: str) -> Iterator[Toxiproxy]:
    """Speak to one server, for ``CALL_S`` in all. What goes wrong is a ``ControlError`` that says ``what`` it was for."""
    with _ONE_AT_A_TIME, Bounded(CALL_S, BODY_MOST) as session:
        api.APIConsumer.host, api.APIConsumer.port = address, PORT
        api.requests = SimpleNamespace(get=session.get, post=session.post, delete=session.delete)
        session.hooks["response"] = [_accepted]
        try:
            yield Toxiproxy()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ControlError(f"{what}: {address}:{PORT}: {error}") from error
        except (*_SAID_NO, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ControlError(f"{what}: {address}:{PORT} answered what makes no sense: {error!r}") from error


def _accepted(response: requests.Response, **_: object) -> None:
    """Raise for every answer but a success: the library lets most of them pass."""
    if not response.ok:
        raise requests.HTTPError(f"{response.status_code} {response.text[:200]}", response=response)


def _proxy_of(server: Toxiproxy, link: str) -> Proxy:
    """Find the proxy of a link. Raises ``ControlError`` where the server has none."""
    proxy = server.get_proxy(link)
    if proxy is None:
        raise ControlError(f"{link}: its proxy is not there; there are: {', '.join(server.proxies()) or 'none'}")
    return proxy


def _add(proxy: Proxy, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Put toxics on an open link without any, and see that they are there. Raises ``ControlError``."""
    if not proxy.enabled or proxy.toxics():
        raise ControlError(f"{proxy.name}: closed, or spoilt already; first type: windtunnel heal")
    for one in wanted:
        proxy.add_toxic(**one)
    there = proxy.toxics()
    for one in wanted:
        found = {key: getattr(there.get(one["name"]), key, None) for key in one}
        rest = dict.fromkeys(found["attributes"] or {}, 0)  # attributes that were not asked for
        if found != {**one, "attributes": rest | one["attributes"]}:
            raise ControlError(f"{proxy.name}: asked for {one}, and there is {found}")


def untoxic(container: Container, undo: Undo) -> None:
    """Leave a link without any toxic, and open; twice is harmless. A server that does not run will start without any.

    To take one off may hang under traffic. Then the proxy is closed, which ends its connections, and opened again; and where
    the server does not answer to that either, it is started anew. Raises ``ControlError`` where even that did not help.
    """
    link, address = str(undo.args["link"]), container.labels[ADDRESS]
    if container.status != "running":
        return
    for clean in (_take_off, _take_off_closed):
        with suppress(ControlError), _asking(f"untoxic {link}", address) as server:
            clean(_proxy_of(server, link))
        if _off(link, address) is None:
            return
    container.restart(timeout=1)
    ends_ns = monotonic_ns() + int(AGAIN_S * S)
    while (off := _off(link, address)) is not None:
        if monotonic_ns() > ends_ns:
            raise ControlError(f"untoxic {link}: {_name(container)} was started anew, and still: {off}")
        pause(0.1)


def _take_off(proxy: Proxy) -> None:
    for name in proxy.toxics():
        proxy.destroy_toxic(name)
    if not proxy.enabled:
        proxy.enable()


def _take_off_closed(proxy: Proxy) -> None:
    proxy.disable()
    _take_off(proxy)


def _off(link: str, address: str) -> str | None:
    """Say in what a link is not as declared: open, and without toxics. None where it is."""
    try:
        with _asking(f"look at {link}", address) as server:
            proxy = server.get_proxy(link)
            toxics = sorted(toxic.type for toxic in proxy.toxics().values()) if proxy else []
    except ControlError as error:
        return f"cannot tell about {link}: {error}"
    if proxy is None or not proxy.enabled:
        return f"{link} is closed"
    return f"{link} is spoilt ({', '.join(toxics)})" if toxics else None


def deviations(containers: Sequence[Container]) -> Iterator[Deviation]:
    """Say which links that go through these containers are spoilt or closed, and what would mend it."""
    for container in containers:
        for link in _carried(container) if container.status == "running" else ():
            off = _off(link, container.labels[ADDRESS])
            if off is not None:
                yield Deviation(residue=Residue(on=_name(container), what=off), undo=_untoxic(container, link))


def _untoxic(container: Container, link: str) -> Undo:
    return Undo(verb="untoxic", on=str(container.id), args={"instance": _name(container), "link": link})


def _name(container: Container) -> str:
    return container.labels.get(INSTANCE) or container.name or container.short_id


def _carried(container: Container) -> tuple[str, ...]:
    """Name the links that go through a container, by its own label."""
    return tuple(filter(None, container.labels.get(LINKS, "").split(",")))


MENDERS: Mapping[str, Callable[[Container, Undo], None]] = {"untoxic": untoxic}
