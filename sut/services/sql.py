"""The statements of the shop, each with its class in front, so that the database's own statistics can name it.

The database is the authority on stock, price and keys.
"""

from collections.abc import Collection

from .schema import LINES_MAX

PAGE = 20

PRODUCT = "/* product */ select sku, name, category, price_cents, qty from products where sku = $1"

# Arguments: category, number of the page's first product. By offset: no category is longer than a few pages.
LIST = f"""/* list */ select sku, name, category, price_cents, qty from products
    where category = $1 order by sku limit {PAGE} offset $2"""  # noqa: S608 -- a constant of this file

# What a shopper sees of the past: the last events, and above them since when there are any, how many, and the last order.
LOG = f"""/* log */ select shopper_id, at, kind, sku,
    (select min(at) from events where shopper_id = $1) as since,
    (select count(*) from events where shopper_id = $1) as in_all,
    (select max(at) from events where shopper_id = $1 and kind = 'ordered') as last_order
    from events where shopper_id = $1 order by at desc limit {PAGE}"""  # noqa: S608 -- a constant of this file

# Arguments: shopper, what was done, with which product.
EVENT = "/* event */ insert into events (shopper_id, at, kind, sku) values ($1, now(), $2, $3)"

# Arguments of the statements about carts: session, sku, qty. A statement does not see what it writes itself, so the line
# that was put is added to those that were there.
CART = "/* cart */ select sku, qty from carts where session_id = $1"
PUT = f"""/* put */
with put as (
    insert into carts (session_id, sku, qty)
    select $1::text, sku, $3::integer from products
    where sku = $2 and (select count(*) from carts where session_id = $1 and sku <> $2) < {LINES_MAX}
    on conflict (session_id, sku) do update set qty = excluded.qty returning sku, qty
)
select sku, qty from carts where session_id = $1 and sku <> $2 union all select sku, qty from put
"""  # noqa: S608 -- a constant
REMOVE = """/* put */
with gone as (
    delete from carts where session_id = $1 and sku = $2
)
select sku, qty from carts where session_id = $1 and sku <> $2
"""
CONFIRM = """/* confirm */ select sku, carts.qty, price_cents from carts join products using (sku) where session_id = $1"""
CLEAR = """/* clear */
delete from carts using unnest($2::text[], $3::int[]) as bought(sku, qty)
where session_id = $1 and carts.sku = bought.sku and carts.qty = bought.qty
"""

# Writes a little log, so that it commits the way an order does: with the wait for the standby, on no read-only server.
CAN_COMMIT = "/* health */ select pg_logical_emit_message(true, 'storefront', 'can commit')"

# Argument: how many bytes the answer is to have.
CARRIED = "/* carried */ select repeat('x', $1::int)"
# There and back again.
ECHO = "/* trial */ select $1::text"

# The lock makes this transaction write, so its commit waits for the standby: an order that a crash left committed on
# one node only is never shown before it is safe on both.
REPLAY = """/* replay */
select o.id, o.idempotency_key as key, o.body_hash, o.amount_cents,
       array(select sku from order_lines where order_id = o.id order by sku) as skus,
       array(select qty from order_lines where order_id = o.id order by sku) as qtys,
       array(select price_cents from order_lines where order_id = o.id order by sku) as prices
from orders o where o.idempotency_key = any($1) order by o.id for key share of o
"""

# Arguments: keys and body hashes of orders 1, 2, 3 …; then (number of the order, sku, qty) of all lines.
# Gives a row for each line: what became of its order (id null: not placed) and what is left of the product (null:
# no such product). An order is placed whole or not at all. Of orders that compete for stock the earlier one goes first,
# as if all before it had been placed: so one may be passed over without need, and deserves another go.
# Locks are taken in one order everywhere, products by sku, then keys, so that replicas wait for each other and never
# deadlock.
PLACE = """/* order */
with line as (
    select * from unnest($3::int[], $4::text[], $5::int[]{told})
), shelf as materialized (
    {shelf}
), served as (
    select o, sku, n, {price}, qty, sum(n) over (partition by sku order by o) <= qty as enough
    from line left join shelf using (sku)
), fit as materialized (
    select nextval('orders_id_seq') as id, o, amount_cents
    from (select o, sum(n * price_cents) as amount_cents from served group by o having bool_and(enough is true)) as whole
), placed as (
    insert into orders (id, idempotency_key, body_hash, amount_cents)
    select id, key, body_hash, amount_cents
    from fit join unnest($1::text[], $2::text[]) with ordinality as t(key, body_hash, o) using (o) order by key
    {on_conflict} returning id
), kept as (
    select o, id, amount_cents from fit join placed using (id)
), written as (
    insert into order_lines (order_id, sku, qty, price_cents) select id, sku, n, price_cents from kept join served using (o)
), taken as (
    select sku, min(qty) as qty, sum(n) as n from kept join served using (o) group by sku
), sold as (
    update products p set qty = {left} from taken where p.sku = taken.sku returning p.sku, p.qty
)
select o, sku, price_cents, coalesce(sold.qty, served.qty) as remaining, id, amount_cents
from served left join kept using (o) left join sold using (sku)
"""
# Once locked, a level cannot change before the commit, so `enough` is the condition `qty >= n` of the update; the table's
# own check stands behind it.
LOCKED_SHELF = "select sku, price_cents, qty from products where sku = any($4) order by sku for no key update"
RELATIVE = "p.qty - taken.n"
# Defect oversell: read, think for a moment, write back what was thought.
UNLOCKED_SHELF = """select sku, price_cents, qty from products
    where sku = any($4) and (select pg_sleep(0.02)::text) is not null"""
ABSOLUTE = "taken.qty - taken.n"
# Defect price_from_cache: a sixth argument, the price of each line as it was shown, null where it was not.
TOLD = (", $6::int[]) as t(o, sku, n, told_cents", "coalesce(told_cents, price_cents) as price_cents")
ASKED = (") as t(o, sku, n", "price_cents")


def place(defects: Collection[str]) -> str:
    """Give the statement that places a batch of orders; pure."""
    oversell = "oversell" in defects
    told, price = TOLD if "price_from_cache" in defects else ASKED
    return PLACE.format(
        shelf=UNLOCKED_SHELF if oversell else LOCKED_SHELF,
        left=ABSOLUTE if oversell else RELATIVE,
        told=told,
        price=price,
        on_conflict="" if "no_idempotency" in defects else "on conflict (idempotency_key) do nothing",
    )
