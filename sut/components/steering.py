"""Steering: HAProxy where shoppers enter by https, which sends each of them to an edge that it has judged well."""

import ssl
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import ClassVar, Final

from harness.model import Reading
from sut.components import edge, haproxy, lb, names
from sut.components.ask import http_get, look
from sut.components.authority import Authority
from sut.components.entrance import Entrance
from sut.components.ground import Ground
from sut.components.part import CALL_S
from sut.components.truth import Truth
from sut.components.watched import PAGE, TICKET, Rule, Scrape, down

PORT: Final = 8443
_SERVER_PEM: Final = "/etc/haproxy/windtunnel-server.pem"
_CA_PEM: Final = "/etc/haproxy/windtunnel-ca.pem"
_PROCESS: Final = """\
global
    nbthread 1
    maxconn 8000
    limited-quic
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    timeout connect 400ms
    timeout check 600ms
    timeout queue 1s
    timeout http-request 5s
    timeout http-keep-alive 60s
    timeout client 10s
    timeout server 8s
    retries 1
    retry-on conn-failure empty-response response-timeout{statuses}
    option redispatch 1"""
# HAProxy repeats on its own account where nobody could tell whether the first try had an effect: not with these lines.
_NOT_AGAIN: Final = "    http-request disable-l7-retry if !METH_GET\n"
_SENT_ONCE: Final = f"""\
    option http-server-close
{_NOT_AGAIN}\
    http-error status 503 content-type application/json string '{{"refused":"no_edge"}}'"""
# What is passed on twice may have had its effect the first time, whatever the second answer says; and it can only be
# repeated as a whole: HAProxy gives that up where it begins to send before the body is there.
_SENT_AGAIN: Final = """\
    option http-server-close
    option http-buffer-request
    acl again txn.conn_retries gt 0
    http-response return status 504 content-type application/json string '{"unknown":"effect"}' \
if again { status 409 503 }"""
_CHOOSES: Final = """\
    use_backend any if { nbsrv(edges) eq 0 }
    use_backend again if { method PUT } or { req.hdr(Idempotency-Key) -m found }
    use_backend once if !METH_GET
    default_backend edges"""
_NAMES: Final = """\
    use_backend once if !METH_GET
    default_backend told"""
_DOWN: Final = 'haproxy_server_status{component="steering",proxy="edges",state="DOWN"} == 1'


def settings(edges: Mapping[str, str], defects: Collection[str] = ()) -> str:
    """Render the settings. ``edges``: name → address.

    An edge is judged by what it makes of an answer of the origin: whole, not old, within 0.6 s. One that is ill is left
    within 2 s, and gets its share back over 10 s. Where all are called ill, the judge may be wrong: any is tried.

    What failed is repeated once, on another edge: a request of which nothing was sent, and one that may be sent twice also
    where its answer is a 5xx or is not there in time, for a GET 1.5 s. May be: a GET, a PUT, and what carries a key by which
    the shop knows it again; a refusal of what was repeated proves nothing, and becomes a 504. Its own 503 to anything else
    is a proof of no effect, and says so.

    What may have an effect goes over a connection of its own, used once: where one that was used before breaks, HAProxy
    closes the shopper's without a word, and browsers take that for leave to send it again. With the defect
    ``steering_asks_edge`` it believes what an edge says of itself, and passes on whatever that answers
    to shoppers; with ``accepts_truncated`` it is content with how an answer begins, whatever came of the rest; with
    ``replays_post`` it repeats everything; with ``steering_by_dns`` it judges as well as ever, but all it
    does is to name an edge, and whoever was told its address goes nowhere else until that expires.
    """
    asks_edge, names_edge = "steering_asks_edge" in defects, "steering_by_dns" in defects
    sent_once = _SENT_ONCE.replace(_NOT_AGAIN, "") if "replays_post" in defects else _SENT_ONCE
    check = f"port {edge.OWN_PORT} check" if asks_edge else "check"
    return f"""\
{_PROCESS.format(statuses="" if asks_edge else " 502 503 504")}

{haproxy.itself()}
frontend shoppers
    bind :{PORT} ssl crt {_SERVER_PEM} alpn h2,http/1.1
    bind quic4@:{PORT} ssl crt {_SERVER_PEM} alpn h3
    http-after-response set-header Alt-Svc 'h3=":{PORT}"; ma=60'
{_NAMES if names_edge else _CHOOSES}

{_backend("edges", edges, f"{check} inter 400ms fastinter 200ms downinter 500ms fall 2 rise 3 slowstart 10s")}
    option httpchk
    http-check send meth GET uri {"/health" if asks_edge else lb.NOW} ver HTTP/1.1 hdr Host shop
    http-check expect {_well(defects)}

{_named(edges, sent_once) if names_edge else _chosen(edges, sent_once)}
"""


def _well(defects: Collection[str]) -> str:
    """Say what the answer of an edge must be for it to be called well: whole, as its end tells, if steering is good."""
    if "steering_asks_edge" in defects:
        return "status 200"
    if "accepts_truncated" in defects:
        return f"rstring '^{lb.BEGINNING}'"
    return f"string-lf '{lb.in_time()}'"


def _chosen(edges: Mapping[str, str], sent_once: str) -> str:
    """Render the choices beside that for a GET: who is called ill is left out of each but the last."""
    return f"""\
{_backend("again", edges, "track edges/{}")}
{_SENT_AGAIN}

{_backend("once", edges, "track edges/{}")}
{sent_once}

{_backend("any", edges)}
{sent_once}"""


def _named(edges: Mapping[str, str], sent_once: str) -> str:
    """Render who goes where a name says, and tries there again; and who says it."""
    near = {one: names.near(one) for one in edges}
    return f"""\
{_backend("told", near, names.TOLD)}
    no option redispatch

{_backend("once", near, names.TOLD)}
{sent_once}
    no option redispatch

{names.settings()}"""


def _backend(name: str, edges: Mapping[str, str], judged: str = "") -> str:
    """Render one choice among the edges, ``judged`` as it says (``{}``: the edge); a browser stays where its cookie says."""
    servers = "\n".join(
        f"    server {one} {address}:{edge.PORT} cookie {one} {judged.format(one)}".rstrip()
        for one, address in edges.items()
    )
    return f"""\
backend {name}
    balance roundrobin
    cookie edge insert indirect nocache httponly secure attr SameSite=Lax
    http-request set-timeout server 1500ms if METH_GET
{servers}"""


def _about_the_server(expr: str, label: str) -> str:
    """Give an expression whose label names the server that it is about, not who tells."""
    return f'label_replace({expr}, "{label}", "$1", "server", "(.+)")'


class Steering(Entrance):
    """The one steering, with a certificate by an authority of its own. ``truth`` is libpq's words for the database."""

    scheme: ClassVar[str] = "https"
    port: ClassVar[int] = PORT
    scrape: ClassVar[Scrape] = Scrape(port=haproxy.OWN_PORT, keep="haproxy_(server_status|frontend_http_responses_total)")
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "SteeringDown",
            "steering",
            severity=PAGE,
            playbook="No shopper gets in: see whether steering runs, and start it.",
        ),
        Rule(
            name="EdgeEjected",
            severity=TICKET,
            playbook="Steering sends nobody to this edge, the other serves all: ask it for /now and see what is wrong.",
            expr=_about_the_server(_about_the_server(_DOWN, "component"), "instance"),
            for_s=1,
            by=("component", "instance"),
        ),
    )

    def __init__(
        self, ground: Ground, instance: str, *, edges: Mapping[str, str], truth: str, defects: Collection[str]
    ) -> None:
        authority, self._conninfo = Authority(), truth
        files = {
            haproxy.FILE: settings(edges, defects),
            _SERVER_PEM: authority.vouch(ground.addresses[instance], "127.0.0.1", instance),
            _CA_PEM: authority.certificate,
        }
        if "steering_by_dns" in defects:
            files[names.FILE] = names.program("edges")
        super().__init__(ground, instance, memory="256m", files=files)

    def not_ready(self) -> str | None:
        """Ready when the origin answers through it, over TLS that is vouched for."""
        trust = ssl.create_default_context(cadata=self.certificate())
        status, body = http_get(self.address, PORT, lb.NOW, self.deadline(), trust)
        return None if status == 200 else f"GET {lb.NOW} gave {status} {body[:100]!r}"

    def shown_age_ms(self) -> Reading:
        """Hold products' pages, by whichever edge they are shown, against the database."""
        return look(self.ground.now_ns, 2 * CALL_S, self._truth.look)

    def certificate(self) -> str:
        """Give the certificate of its authority, as the container has it: another process may have started that."""
        return self.exec(["timeout", "5", "cat", _CA_PEM]).output.decode()

    @cached_property
    def _truth(self) -> Truth:
        return Truth(self.address, PORT, self._conninfo, ssl.create_default_context(cadata=self.certificate()))
