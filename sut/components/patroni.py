"""Patroni's settings for a node of the orders database, as text. Patroni reads YAML, of which JSON is a part.

Passwords are not in it: Patroni takes them from the environment.
"""

import json
from collections.abc import Mapping

from harness.model import Json, noun

SQL_PORT, REST_PORT = 5432, 8008
DATA = "/var/lib/postgresql/data/pg"  # below the image's directory, so that Patroni may rename it

AGREED: Mapping[str, Json] = {
    "ttl": 20,  # the enforced minimum; it dominates recovery from the loss of a host
    "loop_wait": 2,
    "retry_timeout": 3,
    "primary_start_timeout": 0,
    "primary_stop_timeout": 5,
    "maximum_lag_on_failover": 1048576,  # never 0: that blocks every failover
    "synchronous_mode": True,
    "synchronous_mode_strict": False,  # two nodes: strict would stop all sales when the standby dies
    "failsafe_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "wal_log_hints": "on",
            "wal_sender_timeout": "5s",
            "wal_receiver_timeout": "5s",
            "tcp_user_timeout": 5000,
            "max_connections": 100,
            "max_wal_senders": 5,
            "max_replication_slots": 5,
        },
    },
}
ASYNCHRONOUS: Mapping[str, Json] = {"synchronous_mode": False, "maximum_lag_on_failover": 1 << 40}
PARAMETERS: Mapping[str, Json] = {
    "synchronous_commit": "on",  # acknowledged means on both nodes
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "shared_preload_libraries": "pg_stat_statements",
    "jit": "off",  # the image leaves its library out
    "log_line_prefix": "%m [%p] %u ",
    "log_checkpoints": "off",
    "timezone": "UTC",
}


@noun
class Cluster:
    """The database as a whole: its nodes, name → address, and where etcd listens (``address:port``).

    The first node founds it, and so is the primary at first. ``failover`` False: the others replicate and are never
    promoted. ``synchronous`` False: they follow as fast as they can, nobody waits for them, and any of them is promoted.
    """

    nodes: Mapping[str, str]
    subnet: str
    etcd: str
    failover: bool
    synchronous: bool

    @property
    def founder(self) -> str:
        """The name of the first node."""
        return next(iter(self.nodes))


def settings(name: str, cluster: Cluster) -> str:
    """Render the settings of one node. Only the founder's hold what is agreed: a node without that waits for a leader."""
    address, founds = cluster.nodes[name], name == cluster.founder
    node: dict[str, Json] = {
        "scope": "orders_db",
        "name": name,
        "restapi": {"listen": f"0.0.0.0:{REST_PORT}", "connect_address": f"{address}:{REST_PORT}"},
        "etcd3": {"hosts": [cluster.etcd]},
        "postgresql": {
            "listen": f"0.0.0.0:{SQL_PORT}",
            "connect_address": f"{address}:{SQL_PORT}",
            "data_dir": DATA,
            "pgpass": "/tmp/pgpass",  # noqa: S108 -- inside the container, where nobody else lives
            "parameters": {**PARAMETERS, "unix_socket_directories": "/run/postgresql"},
            # "all" does not cover replication, and without 127.0.0.1 a standby never finds its timeline to rewind.
            "pg_hba": [
                f"host {database} all {source} scram-sha-256"
                for database in ("all", "replication")
                for source in ("127.0.0.1/32", cluster.subnet)
            ],
        },
        "tags": {"nofailover": not (cluster.failover or founds)},
    }
    if founds:
        agreed = {**AGREED, **({} if cluster.synchronous else ASYNCHRONOUS)}
        node["bootstrap"] = {"dcs": agreed, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]}
    return json.dumps(node, indent=2)
