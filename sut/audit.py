"""The truth read back from PostgreSQL: every order on a node; every stock level and what orders cost, in one snapshot."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg.abc import Query

from harness.audited import Charge, Charges, NodeAudit, StockLevel
from harness.errors import ControlError
from harness.model import noun
from sut.services.schema import OF_ITS_OWN
from sut.shopper import digest_of

CONNECT_S = 5
STATEMENT_S = 120  # a million orders take a few seconds; this bounds a stuck server

# The text of the lines is `sut.shopper.canonical`. An order without lines has none: its digest fits no answer.
# An order that came without a key is known by its reference, which stands before the key that the shop gave it.
ORDERS: Query = f"""copy (
    select split_part(o.idempotency_key, '{OF_ITS_OWN}', 1), o.id, o.amount_cents, coalesce(l.content, '')
    from orders o left join (
        select order_id, string_agg(sku || ':' || qty, ',' order by sku collate "C", qty) as content
        from order_lines group by order_id
    ) l on l.order_id = o.id
    order by o.id
) to stdout"""  # noqa: S608 -- a constant
LEVELS: Query = "select sku, qty from products order by sku"
SOLD: Query = "select sku, sum(qty)::bigint from order_lines group by sku"
COUNT: Query = "select count(*) from orders"
# The shop never changes a price, so what a product costs now is what it has always cost.
MISCHARGED: Query = """select o.idempotency_key, o.id::text, coalesce(sum(l.qty * p.price_cents), 0)::bigint, o.amount_cents
from orders o left join order_lines l on l.order_id = o.id left join products p using (sku)
group by o.id having o.amount_cents is distinct from sum(l.qty * p.price_cents)
    or bool_or(l.price_cents is distinct from p.price_cents)
order by o.id"""


@noun
class Books:
    """What one snapshot of a node says of stock and of what orders cost."""

    stock: tuple[StockLevel, ...]
    charges: Charges


def read_node(connection_info: str, node: str, role: str) -> NodeAudit:
    """Read every order that one node holds, in the order of ids. Streams, so a million orders are fine.

    ``connection_info`` leads to the node itself, not through a route. Raises ``ControlError`` when it cannot be read.
    """
    keys, ids, digests = [], [], []
    with _snapshot(connection_info, node) as connection, connection.cursor().copy(ORDERS) as copy:
        for key, order_id, amount_cents, content in copy.rows():
            keys.append(key)
            ids.append(order_id)
            digests.append(digest_of(content, int(amount_cents)))
    return NodeAudit(node=node, role=role, key=tuple(keys), order_id=tuple(ids), digest=tuple(digests))


def read_levels(connection_info: str, node: str) -> dict[str, int]:
    """Read the stock level of each product: before the load, what ``read_books`` asks for as ``initial``.

    Raises ``ControlError`` when it cannot be read.
    """
    with _snapshot(connection_info, node) as connection:
        return dict(connection.execute(LEVELS).fetchall())


def read_books(connection_info: str, node: str, initial: Mapping[str, int]) -> Books:
    """Read the stock of each product, what the orders add up to, and those that cost something else than their products.

    All in one snapshot. A product that is missing on one side counts 0 there, so that the sums disagree. Raises
    ``ControlError`` when it cannot be read.
    """
    with _snapshot(connection_info, node) as connection:
        final = dict(connection.execute(LEVELS).fetchall())
        sold = dict(connection.execute(SOLD).fetchall())
        ((orders,),) = connection.execute(COUNT).fetchall()
        mischarged = connection.execute(MISCHARGED).fetchall()
    stock = tuple(
        StockLevel(sku=sku, initial=initial.get(sku, 0), final=final.get(sku, 0), sold=sold.get(sku, 0))
        for sku in sorted(initial.keys() | final.keys() | sold.keys())
    )
    wrong = tuple(
        Charge(key=key, order_id=order_id, right_cents=right, charged_cents=charged)
        for key, order_id, right, charged in mischarged
    )
    return Books(stock=stock, charges=Charges(orders=orders, wrong=wrong))


@contextmanager
def _snapshot(connection_info: str, node: str) -> Iterator[psycopg.Connection]:
    """Open one repeatable read, read only transaction, every statement of it bounded."""
    options = f"-c statement_timeout={STATEMENT_S * 1000}"
    try:
        with psycopg.connect(
            connection_info, connect_timeout=CONNECT_S, options=options, tcp_user_timeout=STATEMENT_S * 1000
        ) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
    except psycopg.Error as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ControlError(f"{node}: the audit could not read its orders and stock: {reason}") from None
