"""The truth read back from the shop when all is over: every order on every node, stock, and what orders cost."""

from collections.abc import Mapping

from harness.model import noun


@noun
class NodeAudit:
    """Every order found on one node: parallel columns. ``key`` is the idempotency key as stored, duplicates included."""

    node: str
    role: str
    key: tuple[str, ...]
    order_id: tuple[str, ...]
    digest: tuple[str, ...]


@noun
class StockLevel:
    """One product on the primary, read in one snapshot: what it began with, what is left, what the orders add up to."""

    sku: str
    initial: int
    final: int
    sold: int


@noun
class Charge:
    """An order that does not cost what its products do, in all or in one of its lines: what it should and what it does."""

    key: str
    order_id: str
    right_cents: int
    charged_cents: int


@noun
class Charges:
    """How many orders of the primary were held against the prices of products, in one snapshot, and those ``wrong``."""

    orders: int
    wrong: tuple[Charge, ...]


@noun
class Audit:
    """The truth read back after heal, rejoin and settling, on every node. ``skus`` is how many products there must be.

    ``missing`` names nodes that could not be read, with the reason. ``charges`` are None where nobody compared prices.
    """

    at_ns: int
    nodes: tuple[NodeAudit, ...]
    stock: tuple[StockLevel, ...]
    skus: int
    missing: Mapping[str, str]
    charges: Charges | None = None

    @property
    def primary(self) -> NodeAudit | None:
        """The node that held the primary's role at the audit."""
        return next((node for node in self.nodes if node.role == "primary"), None)
