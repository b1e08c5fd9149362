"""The orders database: PostgreSQL under Patroni, a primary and a synchronous standby."""

from collections.abc import Mapping
from typing import ClassVar

from harness.model import Reading, Residue, noun
from sut.components.ask import Deadline, http_get, look, query
from sut.components.ground import Ground
from sut.components.part import CALL_S, Part
from sut.components.patroni import DATA, REST_PORT, SQL_PORT, Cluster, settings

ROLES: Mapping[str, str] = {"primary": "/primary", "standby": "/synchronous"}  # role → where Patroni says 200 for it
_SETTINGS = "/etc/windtunnel/patroni.yml"
_START = f"chown postgres: {_SETTINGS} && exec setpriv --reuid postgres --regid postgres --init-groups patroni {_SETTINGS}"
_NODE_S = 0.25  # for each of two nodes, so that both and a query fit into a second
_SELECT_S = 5.0
_STREAMING = "select count(*) from pg_stat_replication where state = 'streaming' and sync_state in ('sync', 'quorum')"


@noun
class Passwords:
    """The passwords of the database's users, made anew for each run."""

    postgres: str
    replicator: str
    rewind: str
    shop: str

    def environment(self) -> dict[str, str]:
        """Give the users that Patroni makes, as it reads them."""
        users = {"SUPERUSER": "postgres", "REPLICATION": "replicator", "REWIND": "rewind"}
        return {f"PATRONI_{key}_USERNAME": user for key, user in users.items()} | {
            f"PATRONI_{key}_PASSWORD": getattr(self, user) for key, user in users.items()
        }


class OrdersDb(Part):
    """One node of the database. Any of them can be asked about the whole ``cluster``."""

    role = "postgres"
    packages: ClassVar[tuple[str, ...]] = ("postgresql-17", "patroni")
    ready_within_s = 60
    main_process = ("sh", "-c", f"kill -KILL $(head -n 1 {DATA}/postmaster.pid)")

    def __init__(self, ground: Ground, instance: str, *, cluster: Cluster, passwords: Passwords) -> None:
        text = settings(instance, cluster)
        super().__init__(ground, instance, ["sh", "-c", _START], memory="1g", files={_SETTINGS: text}, shm_size="128m")
        self._cluster, self._passwords = cluster, passwords
        self.with_envs(**passwords.environment())

    def conninfo(self, database: str = "postgres") -> str:
        """Give the way in as the superuser, straight to this node."""
        return conninfo(self.address, "postgres", self._passwords.postgres, database)

    def not_ready(self) -> str | None:
        """Ready when Patroni says that it is the primary, or the synchronous standby that may be promoted."""
        role = self._role(self.instance)
        return None if role in ROLES else f"Patroni says {role}"

    def answer_ms(self) -> Reading:
        """Make a fresh connection to this node and select 1: a hung postmaster is invisible to those that have one."""
        return look(self.ground.now_ns, CALL_S, self._answers)

    def started(self) -> Reading:
        """Ask since when its postmaster runs."""
        return look(self.ground.now_ns, CALL_S, lambda deadline: self.select("select pg_postmaster_start_time()", deadline))

    def roles(self) -> dict[str, str]:
        """Ask every node's Patroni, within 0.5 s, what it is: ``primary``, ``standby``, else what it said instead."""
        return {node: self._role(node) for node in self._cluster.nodes}

    def holder(self, role: str) -> str | None:
        """Name the node that holds a role now; None when no node says that it does."""
        return next((node for node in self._cluster.nodes if self._role(node) == role), None)

    def residue(self) -> tuple[Residue, ...]:
        """Say in what the roles are not as declared: one primary, and every other node streaming and fit for promotion."""
        roles = self.roles()
        if sorted(roles.values()) != ["primary", *["standby"] * (len(roles) - 1)]:
            return (Residue(on="orders_db", what=f"roles are {roles}"),)
        seen = self.standbys()
        if seen.value != len(roles) - 1:
            return (Residue(on="orders_db", what=f"{seen.why or seen.value} of {len(roles) - 1} synchronous standbys"),)
        return ()

    def primary(self) -> Reading:
        """Name the node that db_route sends writes to."""
        return look(self.ground.now_ns, 2 * _NODE_S, lambda _: self.holder("primary") or "none")

    def standbys(self) -> Reading:
        """Count the standbys that stream synchronously, by the primary's own word."""
        reading = look(self.ground.now_ns, 2 * _NODE_S + CALL_S, lambda _: self._standbys())
        if isinstance(reading.value, str):
            why = f"the primary was {reading.value} when asked for its standbys"
            return Reading(at_ns=reading.at_ns, value=None, why=why)
        return reading

    def _standbys(self) -> float:
        primary = self.holder("primary")
        if primary is None:
            return 0.0
        way_in = conninfo(self._cluster.nodes[primary], "postgres", self._passwords.postgres)
        return float(query(way_in, _STREAMING, self.deadline())[0][0])

    def _role(self, node: str) -> str:
        said = []
        deadline = self.deadline(_NODE_S)
        for role, path in ROLES.items():
            try:
                status, _ = http_get(self._cluster.nodes[node], REST_PORT, path, deadline)
            except OSError as error:
                return str(error) or type(error).__name__
            if status == 200:
                return role
            said.append(f"{path} {status}")
        return ", ".join(said)

    def select(self, sql: str, deadline: Deadline | None = None) -> str:
        """Give the first value that a query gives on this node, as text; within 5 s. Raises ``OSError``."""
        return query(self.conninfo(), sql, deadline or self.deadline(_SELECT_S))[0][0]

    def _answers(self, deadline: Deadline) -> None:
        self.select("select 1", deadline)


def conninfo(address: str, user: str, password: str, database: str = "postgres") -> str:
    """Give libpq's words for one way in. Without TLS: the network is the run's own."""
    return (
        f"host={address} port={SQL_PORT} user={user} password={password} dbname={database} "
        "sslmode=disable gssencmode=disable connect_timeout=5"
    )
