"""CDN A: an edge that is nginx with a cache."""

from collections.abc import Collection
from typing import ClassVar, Final

from harness.capabilities import Wrong
from sut.components import lb
from sut.components.edge import BEYOND, ELSEWHERE, OWN_PORT, PORT, Edge, named
from sut.components.ground import Ground
from sut.components.watched import TICKET, Rule, down

_RIGHT: Final = "/etc/nginx/windtunnel-right.conf"
_LIVE: Final = "/run/edge/live.conf"
_ASTRAY: Final = "/run/edge/astray"  # how it answers wrongly, until it has been told to answer rightly
_NGINX: Final = f"nginx -e stderr -c {_LIVE}"
_LUA: Final = "load_module modules/ndk_http_module.so;\nload_module modules/ngx_http_lua_module.so;"
_READ: Final = "if ngx.req.get_method() == 'GET'"
# Not for so long that steering would leave the edge as a stale one, and nobody would be shown what it keeps.
_KEEPS_ALL: Final = "proxy_ignore_headers Cache-Control Expires Set-Cookie; proxy_cache_valid 200 4s;"
_PROCESS: Final = """\
worker_processes 1;
worker_shutdown_timeout 5s;
pid /run/edge/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }"""
_FOLDERS: Final = """\
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path /tmp/client; proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    proxy_cache_path /var/cache/edge keys_zone=edge:8m max_size=64m inactive=10m use_temp_path=off;"""


def settings(name: str, origin: str, wrong: str = "", modules: str = "", defects: Collection[str] = ()) -> str:
    """Render the settings. ``wrong`` are lines by which it answers wrongly, ``modules`` what those need.

    It keeps what the origin says may be kept and nothing else. A GET that failed over a connection which had been used
    before is sent once more, an order never; its own 502 and 504 prove nothing. The defect ``caches_cookies`` keeps
    everything for four seconds, whoever it is for.
    """
    keeps = _KEEPS_ALL if "caches_cookies" in defects else "proxy_no_cache $not_public $upstream_http_set_cookie;"
    return f"""\
{modules}
{_PROCESS}
http {{
{_FOLDERS}
    keepalive_timeout 75s;
    upstream origin {{ server {origin}:{lb.PORT}; keepalive 32; keepalive_timeout 50s; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_connect_timeout 400ms;
    proxy_next_upstream error;
    proxy_read_timeout 7s;
    map $upstream_http_cache_control $not_public {{ default 1; "~*^public" 0; }}
    server {{
        listen {PORT};
        add_header X-Served-By {name} always;
        proxy_hide_header X-Served-By;
        proxy_cache edge;
        proxy_cache_key $request_uri;
        proxy_cache_lock on;
        {keeps}
        location / {{
            {wrong}
            proxy_pass http://origin;
        }}
    }}
    server {{
        listen {OWN_PORT};
        default_type text/plain;
        location = /health {{ return 200 "well\\n"; }}
        location = {BEYOND} {{ proxy_pass http://origin{lb.NOW}; }}
        location = /metrics {{ return 200 "edge_connections $connections_active\\n"; }}
    }}
}}
"""


def _wrong(how: Wrong, amount: int) -> str:
    """Give the lines by which it answers wrongly."""
    return {
        "status": f"return {amount};",
        "body": f"default_type text/html; if ($request_method ~ ^(GET|HEAD)$) {{ return 200 '{ELSEWHERE}'; }}",
        # Kept apart from what it keeps rightly, so that nothing of it is left afterwards.
        "stale": "proxy_cache_key 'stale $request_uri'; "
        "proxy_ignore_headers Cache-Control Expires; proxy_cache_valid 200 1h;",
        "truncated": f"header_filter_by_lua_block {{ {_READ} then ngx.header.content_length = nil end }}"
        f" body_filter_by_lua_block {{ {_READ} then {_cut(amount)} end }}",
        "slow": f"access_by_lua_block {{ ngx.sleep({amount} / 1000) }}",
    }[how]


def _cut(amount: int) -> str:
    """Give the words in Lua that let only so many bytes of a body pass, and call that the whole."""
    return (
        f"local left = ngx.ctx.left or {amount}; local piece = ngx.arg[1] or ''; "
        "ngx.arg[1] = piece:sub(1, left); ngx.ctx.left = math.max(0, left - #piece)"
    )


class CdnA(Edge):
    """The one edge of CDN A. ``origin`` is the balancer's address."""

    role = "nginx"
    packages: ClassVar[tuple[str, ...]] = ("nginx",)
    astray: ClassVar[str] = f"! [ -e {_ASTRAY} ] || cat {_ASTRAY}"
    restore: ClassVar[str] = f"cp -f {_RIGHT} {_LIVE} && {_NGINX} -s reload && rm -f {_ASTRAY}"
    rules: ClassVar[tuple[Rule, ...]] = (
        down(
            "CdnADown",
            "cdn_a",
            severity=TICKET,
            playbook="The other edge serves all shoppers: see whether this one runs, and start it.",
        ),
    )

    def __init__(self, ground: Ground, instance: str, *, origin: str, defects: Collection[str]) -> None:
        command = ["sh", "-c", f"rm -f {_ASTRAY}; cp -f {_RIGHT} {_LIVE} && exec {_NGINX} -g 'daemon off;'"]
        files = {_RIGHT: settings(instance, origin, defects=defects)}
        super().__init__(ground, instance, command, origin=origin, files=files)
        self._defects = defects

    def wrongly(self, how: Wrong, amount: int) -> list[str]:
        """Give the command that exchanges its configuration; whatever is bad about it stays so."""
        modules = _LUA if how in ("truncated", "slow") else ""
        text = settings(self.instance, self._origin, _wrong(how, amount), modules, self._defects)
        line = f'echo {named(how, amount)} > {_ASTRAY} && printf %s "$1" > {_LIVE} && {_NGINX} -s reload'
        return ["sh", "-c", line, "sh", text]
