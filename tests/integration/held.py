"""The faults that are played on the reference shop, one by one: with which parameters, and what is seen of them then."""

from harness.model import Json

# What the engine itself tells of an act and its undo. A fault of the network has no event of a container: what the kernel
# and the engine say of its state meanwhile (``HELD``) stands for it.
EVENTS = {"kill": ("kill", "start"), "pause": ("pause", "unpause")}
LINK = "storefront->db_route"
EDGES = ("cdn_a", "cdn_b")
DELAYED = "has a helper (delay), queues packets (windtunnel_delay)"
# kind and target → parameters, and what the engine, or the kernel, says of it meanwhile
HELD: dict[str, tuple[dict[str, Json], str]] = {
    "kill storefront#2": ({}, "exited"),
    "pause storefront#2": ({}, "paused"),
    "isolate storefront#2": ({}, "off its network"),
    "isolate etcd": ({}, "off its network"),
    "cut storefront#1": ({}, "loses packets (windtunnel_cut)"),
    "cut storefront#1->db_route": ({"way": "out"}, "loses packets (windtunnel_cut)"),
    "cut orders_db:standby->orders_db": ({}, "loses packets (windtunnel_cut)"),
    "refuse storefront#2": ({}, "loses packets (windtunnel_refuse)"),
    "refuse storefront#1->db_route": ({"way": "in"}, "loses packets (windtunnel_refuse)"),
    "refuse orders_db:standby->orders_db": ({}, "loses packets (windtunnel_refuse)"),
    "cut orders_db:standby": ({"way": "in"}, "loses packets (windtunnel_cut)"),
    **{f"cut {edge}->lb": ({}, "loses packets (windtunnel_cut)") for edge in EDGES},
    **{f"edge_status {edge}": ({"status": 500}, "configured wrongly-status-500") for edge in EDGES},
    **{f"wrong_body {edge}": ({}, "configured wrongly-body") for edge in EDGES},
    **{f"stale_body {edge}": ({}, "configured wrongly-stale") for edge in EDGES},
    **{f"truncate {edge}": ({"after_bytes": 300}, "configured wrongly-truncated-300") for edge in EDGES},
    **{f"slow_first_byte {edge}": ({"ms": 500}, "configured wrongly-slow-500") for edge in EDGES},
    # with the parameters of their own examples
    f"latency {LINK}": ({}, f"{LINK} is spoilt (latency)"),
    f"bandwidth {LINK}": ({}, f"{LINK} is spoilt (bandwidth, bandwidth)"),
    f"slicer {LINK}": ({}, f"{LINK} is spoilt (slicer, slicer)"),
    f"limit_data {LINK}": ({}, f"{LINK} is spoilt (limit_data)"),
    f"reset_peer {LINK}": ({}, f"{LINK} is spoilt (reset_peer)"),
    f"link_timeout {LINK}": ({}, f"{LINK} is spoilt (timeout, timeout)"),
    "dns_gone storefront#2": ({}, "loses packets (windtunnel_unname)"),
    "loss storefront#1->db_route": ({"percent": 20, "way": "in"}, "loses packets (windtunnel_lose)"),
    "loss orders_db:standby->orders_db": ({"percent": 20, "way": "out"}, "loses packets (windtunnel_lose)"),
    "loss etcd": ({"percent": 10}, "loses packets (windtunnel_lose)"),
    "rate storefront#1->db_route": ({"kbytes_per_s": 50}, "loses packets (windtunnel_throttle)"),
    "rate orders_db:standby->orders_db": ({"kbytes_per_s": 100, "way": "in"}, "loses packets (windtunnel_throttle)"),
    "delay storefront#1->db_route": ({"ms": 100, "jitter_ms": 20}, DELAYED),
    "delay orders_db:standby->orders_db": ({"ms": 50}, DELAYED),
    "delay etcd": ({"ms": 200}, DELAYED),
}
# Of each kind one, on each edge some: what every change is tried with. The others are for `make conformance`.
ALWAYS = {
    *("kill storefront#2", "pause storefront#2", "isolate etcd", "cut storefront#1->db_route", "cut cdn_a->lb"),
    *("refuse orders_db:standby->orders_db", "dns_gone storefront#2", "loss storefront#1->db_route"),
    *("rate storefront#1->db_route", "delay storefront#1->db_route"),
    *("edge_status cdn_a", "wrong_body cdn_b", "stale_body cdn_a", "truncate cdn_b", "slow_first_byte cdn_a"),
    *(what for what in HELD if what.endswith(LINK) and "#" not in what),
}
VERBS = {
    "start": "kill storefront#2",
    "unpause": "pause etcd",
    "attach": "isolate etcd",
    "unblock": "cut storefront#1",
    "remove": "delay storefront#1->db_route",
    "untoxic": f"latency {LINK}",
    "exec": "wrong_body cdn_a",
}
