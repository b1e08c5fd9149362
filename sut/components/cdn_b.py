"""CDN B: an edge that is Varnish."""

from typing import ClassVar, Final

from harness.capabilities import Wrong
from sut.components import lb
from sut.components.edge import BEYOND, ELSEWHERE, OWN_PORT, PORT, Edge, named
from sut.components.ground import Ground
from sut.components.watched import TICKET, Rule, down

_RIGHT: Final = "/etc/varnish/windtunnel.vcl"
_FOLDER: Final = "/run/edge"
_ADMIN: Final = f"varnishadm -n {_FOLDER}"
_KEPT: Final = ("default_ttl=0", "default_grace=0", "default_keep=0", "http_gzip_support=off")
_WAITS: Final = (
    "connect_timeout=0.4",
    "first_byte_timeout=7",
    "between_bytes_timeout=7",
    "timeout_idle=75",
    "backend_idle_timeout=50",
    "thread_pool_min=50",
    "vsl_mask=none",
)
# A connection used once keeps its port for a minute, and at 250 orders a second half of all ports are gone after that: from
# then on the kernel looks through them for each new connection, and eats a core. So it may take those again after a second.
_SPENT_PORTS: Final = {"net.ipv4.tcp_tw_reuse": "1"}


def settings(name: str, origin: str, wrong: str = "") -> str:
    """Render the settings. ``wrong`` are subroutines by which it answers wrongly, before all others.

    It keeps what the origin says may be kept and nothing else; that a shopper has a cookie does not matter, what the origin
    says of its answer does. It sends a request again where a connection that was used before turns out to be closed: so what
    may have an effect, and has no key by which the shop knows it again, goes over connections of its own, each used once.
    Its own 502 proves nothing.
    """
    return f"""\
vcl 4.1;
backend origin {{ .host = "{origin}"; .port = "{lb.PORT}"; }}
backend once {{ .host = "{origin}"; .port = "{lb.ONCE_PORT}"; .proxy_header = 1; }}
sub vcl_deliver {{
    set resp.http.X-Served-By = "{name}";
}}
sub vcl_synth {{
    set resp.http.X-Served-By = "{name}";
}}
{wrong}
sub vcl_recv {{
    if (local.socket == "own" && req.url == "{BEYOND}") {{
        set req.url = "{lb.NOW}";
        return (pass);
    }}
    if (local.socket == "own") {{
        return (synth(200));
    }}
    if (req.method != "GET" && req.method != "HEAD" && !req.http.Idempotency-Key) {{
        set req.backend_hint = once;
    }}
}}
sub vcl_req_cookie {{
    return;
}}
sub vcl_backend_error {{
    set beresp.status = 502;
}}
sub vcl_synth {{
    if (local.socket == "own") {{
        set resp.http.Content-Type = "text/plain";
        set resp.body = {{"edge_up 1
"}};
        return (deliver);
    }}
}}
"""


def _wrong(how: Wrong, amount: int) -> str:
    """Give the subroutines by which it answers wrongly."""
    if how == "truncated":
        return _truncated(amount)
    if how == "stale":  # kept apart from what it keeps rightly, so that nothing of it is left afterwards
        kept = "sub vcl_backend_response { if (beresp.ttl > 0s) { set beresp.ttl = 1h; } }"
        return f'sub vcl_hash {{ hash_data("stale"); }}\n{kept}\n'
    if how == "body":
        page = f'set resp.http.Content-Type = "text/html"; set resp.body = {{"{ELSEWHERE}"}}; return (deliver);'
        reads = 'if (req.method == "GET" || req.method == "HEAD") { return (synth(200)); }'
        return _shoppers("vcl_recv", reads) + _shoppers("vcl_synth", page)
    if how == "slow":
        return "import vtc;\n" + _shoppers("vcl_recv", f"vtc.sleep({amount / 1000:.3f}s);")
    return _shoppers("vcl_recv", f"return (synth({amount}));")


def _shoppers(subroutine: str, what: str) -> str:
    """Let something be done for shoppers, not for those who ask how it is."""
    return f'sub {subroutine} {{ if (local.socket != "own") {{ {what} }} }}\n'


def _truncated(amount: int) -> str:
    """It asks itself for a range of the body, and calls that the whole."""
    return f"""\
backend itself {{ .host = "127.0.0.1"; .port = "{PORT}"; }}
sub vcl_recv {{
    if (local.socket != "own" && req.method == "GET" && !req.http.X-Again) {{
        set req.backend_hint = itself;
        return (pass);
    }}
}}
sub vcl_backend_fetch {{
    if (bereq.backend == itself) {{
        set bereq.http.X-Again = "1";
        set bereq.http.Range = "bytes=0-{amount - 1}";
    }} else {{
        unset bereq.http.X-Again;
    }}
}}
sub vcl_backend_response {{
    if (bereq.backend == itself && beresp.status == 206) {{
        set beresp.status = 200;
        unset beresp.http.Content-Range;
        return (deliver);
    }}
}}
"""


class CdnB(Edge):
    """The one edge of CDN B. ``origin`` is the balancer's address."""

    role = "varnish"
    packages: ClassVar[tuple[str, ...]] = ("varnish",)
    astray: ClassVar[str] = (
        f"list=$({_ADMIN} vcl.list) || exit 1; "
        "printf '%s\\n' \"$list\" | sed -n '/^active/s/.* \\(wrongly-[a-z0-9-]*\\)-[0-9]*$/\\1/p'"
    )
    restore: ClassVar[str] = f"{_ADMIN} vcl.use boot"
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "CdnBDown",
            "cdn_b",
            severity=TICKET,
            playbook="The other edge serves all shoppers: see whether this one runs, and start it.",
        ),
    )

    def __init__(self, ground: Ground, instance: str, *, origin: str) -> None:
        options = [word for given in (*_KEPT, *_WAITS) for word in ("-p", given)]
        listens = ["-a", f"shoppers=:{PORT},HTTP", "-a", f"own=:{OWN_PORT},HTTP"]
        command = ["varnishd", "-F", "-j", "none", "-n", _FOLDER, "-f", _RIGHT, "-s", "malloc,64m", *listens, *options]
        files = {_RIGHT: settings(instance, origin)}
        super().__init__(ground, instance, command, origin=origin, files=files, sysctls=_SPENT_PORTS)

    def wrongly(self, how: Wrong, amount: int) -> list[str]:
        """Give the command that loads another configuration, under a name of its own, and uses it."""
        name = f"{named(how, amount)}-{self.ground.now_ns()}"
        file, text = f"{_FOLDER}/{name}.vcl", settings(self.instance, self._origin, _wrong(how, amount))
        line = f'printf %s "$1" > {file} && {_ADMIN} vcl.load {name} {file} && {_ADMIN} vcl.use {name}'
        return ["sh", "-c", line, "sh", text]
