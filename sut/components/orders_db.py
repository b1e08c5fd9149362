"""The orders database: PostgreSQL under Patroni, a primary and a synchronous standby."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.errors import ControlError
from harness.model import Reading, Residue, Series, noun
from sut.components.ask import Deadline, http_get, look, query
from sut.components.commits import Commits
from sut.components.ground import Ground
from sut.components.part import CALL_S, TRY_S, Part
from sut.components.patroni import DATA, REST_PORT, SQL_PORT, Cluster, settings
from sut.components.watched import PAGE, TICKET, Rule, Scrape, down
from sut.services import knock

DATABASE = "shop"
ROLES: Mapping[str, str] = {"primary": "/primary", "standby": "/synchronous"}  # role → where Patroni says 200 for it
_ASYNCHRONOUS: Mapping[str, str] = {**ROLES, "standby": "/asynchronous"}
_SETTINGS = "/etc/windtunnel/patroni.yml"
_START = f"chown postgres: {_SETTINGS} && exec setpriv --reuid postgres --regid postgres --init-groups patroni {_SETTINGS}"
_NODE_S = 0.25  # for each of two nodes, so that both and a query fit into a second
_SELECT_S = 5.0
_STREAMS = "sum(patroni_sync_standby * patroni_postgres_streaming)"
_LEADS = "sum(patroni_primary * patroni_postgres_running)"
_NONE = '0 * sum(up{component="orders_db"})'  # nothing before the nodes were asked for the first time
_STREAMING = "select count(*) from pg_stat_replication where state = 'streaming' and sync_state in {}"
_SEND = "select pg_logical_emit_message(true, 'windtunnel', repeat('x', {}))"
_ARRIVED = "select pg_last_wal_receive_lsn() >= '{}' from pg_sleep(0.02)"
_MOVED_KBYTES = 128
_KNOCKS = "/tmp/windtunnel-knocks"  # noqa: S108 -- inside its container, and only one asks
_COMMIT_S = 0.4  # how long one look waits for a commit; the next one waits on

# By the class that each of the shop's statements carries in front.
_STATEMENTS = r"""
select substring(query from '^/\* (\w+) \*/') as class, sum(calls), sum(total_exec_time) / sum(calls) / 1000
from pg_stat_statements where query ~ '^/\* \w+ \*/' group by 1 order by 1"""
_CROSS_CHECK = ("statement_count", "statement_mean_s")


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
    scrape: ClassVar[Scrape] = Scrape(port=REST_PORT, keep="patroni_.*")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="OrdersDbNoPrimary",
            severity=PAGE,
            playbook="No order can be stored: do not restart the old primary by hand, watch the standby take over.",
            expr=f"({_LEADS} or {_NONE}) == 0",
            for_s=3,
        ),
        Rule(
            name="OrdersDbNoStandby",
            severity=PAGE,
            playbook="Orders are on one node only: bring the other back before anything else happens to the first.",
            expr=f"({_STREAMS} or {_NONE}) == 0",
            for_s=5,
        ),
        down(
            "OrdersDbNodeDown",
            "orders_db",
            severity=TICKET,
            or_else="patroni_postgres_running == 0",
            playbook="A node is gone, frozen, or without its PostgreSQL: see which, and whether it rejoins by itself.",
        ),
        # A crash may be over before anybody has seen the node down; what stays is that it began anew.
        Rule(
            name="OrdersDbRestarted",
            severity=TICKET,
            playbook="PostgreSQL has started anew on a node: look into its log for why, and check that it follows or leads.",
            expr="changes((patroni_postmaster_start_time > 0)[15s:1s]) > 0",
            for_s=0,
            by=("instance",),
        ),
    )

    def __init__(self, ground: Ground, instance: str, *, cluster: Cluster, passwords: Passwords) -> None:
        text = settings(instance, cluster)
        super().__init__(ground, instance, ["sh", "-c", _START], memory="1g", files={_SETTINGS: text}, shm_size="128m")
        self._cluster, self._passwords = cluster, passwords
        self._roles = ROLES if cluster.synchronous else _ASYNCHRONOUS
        self._streaming = _STREAMING.format("('sync', 'quorum')" if cluster.synchronous else "('async')")
        self._commits = Commits(self.conninfo(DATABASE), ground.now_ns)
        self.with_envs(**passwords.environment())

    def conninfo(self, database: str = "postgres") -> str:
        """Give the way in as the superuser, straight to this node."""
        return conninfo(self.address, "postgres", self._passwords.postgres, database)

    def not_ready(self) -> str | None:
        """Ready when Patroni says that it is the primary, or the synchronous standby that may be promoted."""
        role = self._role(self.instance)
        return None if role in self._roles else f"Patroni says {role}"

    def answer_ms(self) -> Reading:
        """Make a fresh connection to this node and select 1: a hung postmaster is invisible to those that have one."""
        return look(self.ground.now_ns, CALL_S, self._answers)

    def heard_ms(self, peer: str | None) -> Reading:
        """See whether a record of the log, written on the primary, arrives on the other node: that is what the link is for.

        That nobody writes, or that one of the two cannot be asked, is silence: then nothing comes across either.
        """
        return self.answer_ms() if peer is None else look(self.ground.now_ns, CALL_S, self._across)

    def knock(self, peer: str | None, count: int, within_s: float, deadline: Deadline) -> list[float | None]:
        """Knock; at the other node it does so itself, by a program that its PostgreSQL runs: a standby writes no tables."""
        if peer is None:
            return super().knock(peer, count, within_s, deadline)
        program = ["timeout", "3", "python3", "-I", "-S", "-c", Path(knock.__file__).read_text(encoding="utf-8")]
        command = f"{shlex.join([*program, self._other, str(count), str(within_s)])} > {_KNOCKS}"
        words = command.replace("'", "''")
        sql = f"copy (select 1) to program '{words}'; select pg_read_file('{_KNOCKS}')"
        took_ms: list[float | None] = json.loads(query(self.conninfo(), sql, deadline)[0][0])
        return took_ms

    def kbytes_per_s(self, peer: str | None) -> Reading:
        """See how fast the log passes from the primary to the other node. A limit the other way is not felt by it."""
        if peer is None:
            return super().kbytes_per_s(peer)

        def ask(deadline: Deadline) -> float:
            begun_ns = self.ground.now_ns()
            self._across(deadline, _MOVED_KBYTES * 1024)
            return _MOVED_KBYTES / (self.ground.now_ns() - begun_ns) * 1e9

        return look(self.ground.now_ns, TRY_S, ask)

    def commit_ms(self) -> Reading:
        """Commit on this node, or wait on for the commit of before."""
        return look(self.ground.now_ns, _COMMIT_S, self._commits.commit)

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

    def metrics(self, _begin_ns: int, end_ns: int) -> tuple[Series, ...]:
        """Give the primary's own statistics, a single sample each: calls and mean seconds by ``statement`` class.

        A cross-check only: they know nothing of a commit, are lost in a crash, and stay behind on a lost primary. Raises
        ``ControlError``.
        """
        primary = self.holder("primary")
        if primary is None:
            raise ControlError(f"orders_db: no statistics of statements, for no node is the primary: {self.roles()}")
        way_in = conninfo(self._cluster.nodes[primary], "postgres", self._passwords.postgres, DATABASE)
        try:
            rows = query(way_in, _STATEMENTS, self.deadline(_SELECT_S))
            return tuple(
                Series(name=name, on=primary, labels={"statement": row[0]}, times_ns=(end_ns,), values=(float(value),))
                for row in rows
                for name, value in zip(_CROSS_CHECK, row[1:], strict=True)
            )
        except (OSError, ValueError) as error:
            raise ControlError(f"{primary}: no statistics of statements: {error or type(error).__name__}") from error

    @property
    def _other(self) -> str:
        """The address of the other node."""
        return next(one for one in self._cluster.nodes.values() if one != self.address)

    def _across(self, deadline: Deadline, size: int = 1) -> None:
        """Write a record of ``size`` bytes into the log of the primary, and wait until the other node has it."""
        here, there = self.address, self._other
        try:
            recovers = query(self._local(here), "select pg_is_in_recovery()", deadline)[0][0] == "t"
            sender, receiver = (there, here) if recovers else (here, there)
            sent = query(self._local(sender), _SEND.format(size), deadline)[0][0]
            while query(self._local(receiver), _ARRIVED.format(sent), deadline)[0][0] != "t":
                pass
        except PermissionError:
            raise
        except OSError as error:
            raise TimeoutError(f"nothing came across: {error}") from error

    def _local(self, node: str) -> str:
        """Give the way in to a node, for transactions that wait for no other node."""
        return f"{conninfo(node, 'postgres', self._passwords.postgres)} options='-c synchronous_commit=local'"

    def _standbys(self) -> float:
        primary = self._leader()
        if primary is None:
            return 0.0
        way_in = conninfo(self._cluster.nodes[primary], "postgres", self._passwords.postgres)
        return float(query(way_in, self._streaming, self.deadline())[0][0])

    def _leader(self) -> str | None:
        """Name the primary; None where each node says that it is none. Raises ``TimeoutError`` where one says nothing."""
        silent = ""
        for node in self._cluster.nodes:
            try:
                if self._said(node) == "primary":
                    return node
            except ConnectionError:
                continue  # whoever refuses to talk is not the primary
            except OSError:
                silent = node
        if silent:
            raise TimeoutError(f"{silent} does not say what it is")
        return None

    def _role(self, node: str) -> str:
        try:
            return self._said(node)
        except OSError as error:
            return str(error) or type(error).__name__

    def _said(self, node: str) -> str:
        """Ask a node's Patroni what it is. Raises ``OSError``."""
        said = []
        deadline = self.deadline(_NODE_S)
        for role, path in self._roles.items():
            status, _ = http_get(self._cluster.nodes[node], REST_PORT, path, deadline)
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
