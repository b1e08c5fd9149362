"""The audit of the reference shop: which nodes there are to read, when they are ready for it, and what could not be read."""

from collections.abc import Callable, Sequence

from harness.audited import Audit, NodeAudit
from harness.errors import ControlError, SetupError
from sut.audit import Books, read_books, read_levels, read_node
from sut.components.orders_db import DATABASE, OrdersDb
from sut.components.part import Until

REPLAYED_WITHIN_S = 20


class Readback:
    """Reads nodes by their own addresses. Made before the first order: it keeps what the stock began with."""

    def __init__(self, nodes: Sequence[OrdersDb], now_ns: Callable[[], int]) -> None:
        self._nodes, self._now_ns = nodes, now_ns
        self._initial = read_levels(nodes[0].conninfo(DATABASE), nodes[0].instance)

    def audit(self) -> Audit:
        """Read every node that can be read, and on the primary the stock and what orders cost.

        A standby is read when it has replayed what the primary has written, or is missing after 20 s. Where not exactly
        one node says that it takes writes, nobody knows the truth: all that claim it are missing.
        """
        missing: dict[str, str] = {}
        roles = self._roles(missing)
        primaries = [node for node in self._nodes if roles.get(node.instance) == "primary"]
        if len(primaries) > 1:
            missing |= {node.instance: f"{len(primaries)} nodes say that they are the primary" for node in primaries}
        elif primaries:
            self._await_replay(primaries[0], [n for n in self._nodes if roles.get(n.instance) == "standby"], missing)
        found: list[NodeAudit] = []
        books: Books | None = None
        for node in self._nodes:
            if node.instance in missing:
                continue
            try:
                found.append(read_node(node.conninfo(DATABASE), node.instance, roles[node.instance]))
                if node in primaries:
                    books = read_books(node.conninfo(DATABASE), node.instance, self._initial)
            except ControlError as error:
                missing[node.instance] = str(error)
        return Audit(
            at_ns=self._now_ns(),
            nodes=tuple(found),
            stock=books.stock if books else (),
            skus=len(self._initial),
            missing=missing,
            charges=books.charges if books else None,
        )

    def _roles(self, missing: dict[str, str]) -> dict[str, str]:
        """Ask each node itself whether it follows another. An orphan that answers is found out here, not trusted."""
        roles = {}
        for node in self._nodes:
            try:
                roles[node.instance] = "standby" if node.select("select pg_is_in_recovery()") == "t" else "primary"
            except OSError as error:
                missing[node.instance] = f"it did not say whether it is a primary: {error or type(error).__name__}"
        return roles

    def _await_replay(self, primary: OrdersDb, standbys: Sequence[OrdersDb], missing: dict[str, str]) -> None:
        try:
            written = primary.select("select pg_current_wal_lsn()")
        except OSError as error:
            missing[primary.instance] = f"it did not say how far it has written: {error or type(error).__name__}"
            return
        for standby in standbys:

            def behind(standby: OrdersDb = standby) -> str | None:
                bytes_behind = standby.select(f"select pg_wal_lsn_diff('{written}', pg_last_wal_replay_lsn())")
                return None if int(bytes_behind) <= 0 else f"{bytes_behind} bytes behind"

            try:
                Until(f"{standby.instance} had not replayed up to {written}", behind, REPLAYED_WITHIN_S).wait()
            except SetupError as error:
                missing[standby.instance] = str(error)
