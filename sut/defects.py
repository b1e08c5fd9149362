"""The switches of the gallery of bad shops: what each one spoils, and the objective that must catch it, and where."""

from harness.model import noun


@noun
class Defect:
    """One way to be a bad shop. ``caught_by`` is the objective that must be FAIL where the defect has room to show.

    ``shown_in`` names the scenarios in which it has; none where there is no such scenario yet.
    """

    sentence: str
    caught_by: str
    shown_in: tuple[str, ...] = ()


DEFECTS = {
    "no_failover": Defect(
        sentence="The standby follows the primary faithfully and is never promoted.",
        caught_by="rto",
        shown_in=("db_primary_lost",),
    ),
    "naive_route": Defect(
        sentence="The way to the database leads to the first node that takes connections, be it the primary or not.",
        caught_by="rto",
        shown_in=("db_primary_lost",),
    ),
    "ack_before_commit": Defect(
        sentence="An order is acknowledged when it is queued; what is queued while the database is away is forgotten.",
        caught_by="orders_lost",
        shown_in=("db_process_crash",),
    ),
    "async_replication": Defect(
        sentence="The standby follows when it can: an order is acknowledged though it is on one node only.",
        caught_by="orders_lost",
        shown_in=("db_replication_cut_2s_then_primary_lost",),
    ),
    "no_idempotency": Defect(
        sentence="Keys are stored but need not be unique: the same order sent twice is placed twice.",
        caught_by="duplicated",
        shown_in=("calm_retries",),
    ),
    "oversell": Defect(
        sentence="Stock is read, thought about, and written back: two replicas sell the same piece.",
        caught_by="oversold",
        shown_in=("calm", "flash_sale"),
    ),
    "no_shedding": Defect(
        sentence="Whoever comes is let in to wait, however many wait already: nobody is ever told to come again later.",
        caught_by="back_after_heal",
        shown_in=("overload",),
    ),
    "sync_sleep": Defect(
        sentence="The storefront stands still for five milliseconds in each order, and with it all that it has to do.",
        caught_by="throughput",
        shown_in=("thousand_orders",),
    ),
    "n_plus_one": Defect(
        sentence="Before an order is written, each line's product and its category are looked up, by calls of their own.",
        caught_by="cpu_per_order",
        shown_in=("thousand_orders",),
    ),
    "alert_missing": Defect(
        sentence="Nobody has written the alerts for a lost node of the database and for a lost storefront.",
        caught_by="alert",
        shown_in=("db_primary_lost", "storefront_replica_lost"),
    ),
    "alert_slow": Defect(
        sentence="Every alert waits ten minutes before it is raised, so that nobody is woken for nothing.",
        caught_by="alert",
        shown_in=("db_primary_lost",),
    ),
    "missing_index": Defect(
        sentence="Neither the events of a shopper nor the products of a category have an index: all are read through.",
        caught_by="query_time",
        shown_in=("calm", "thousand_orders"),
    ),
    "stock_from_cache": Defect(
        sentence="What the cache says of price and stock is believed, however long ago the database said so.",
        caught_by="true_price",
        shown_in=("cache_poisoned",),
    ),
    "price_from_cache": Defect(
        sentence="An order costs what the cache says of its products, whoever has written that into it.",
        caught_by="wrongly_charged",
        shown_in=("cache_poisoned",),
    ),
    "forgets_addresses": Defect(
        sentence="A storefront that has to connect again asks for the address again, and gives up where nobody tells it.",
        caught_by="rto",
        shown_in=("dns_gone",),
    ),
    "no_single_flight": Defect(
        sentence="Whoever finds nothing in the cache asks the database, also while others are asking it the same.",
        caught_by="origin_load",
        shown_in=("cache_flushed_at_peak",),
    ),
    "bystander_broken": Defect(
        sentence="The balancer calls itself ill as soon as one storefront is missing, though it serves all shoppers.",
        caught_by="blast_radius",
        shown_in=("storefront_replica_lost",),
    ),
    "steering_asks_edge": Defect(
        sentence="Steering asks an edge whether it is well, and never looks at what it answers to shoppers.",
        caught_by="failed_sessions",
        shown_in=("cdn_answers_503",),
    ),
    "steering_by_dns": Defect(
        sentence="Steering only names an edge, and what it said once is believed for five minutes, wherever that leads.",
        caught_by="failed_sessions",
        shown_in=("cdn_cut_unnoticed", "cdn_black_hole"),
    ),
    "accepts_truncated": Defect(
        sentence="Steering believes an edge by how its answer begins, and never looks whether the rest of it is there.",
        caught_by="wrong_bytes",
        shown_in=("cdn_truncates",),
    ),
    "replays_post": Defect(
        sentence="Steering sends an order again where no answer came, though it carries no key by which it would be known.",
        caught_by="duplicated",
        shown_in=("cdn_cut_under_orders",),
    ),
    "caches_cookies": Defect(
        sentence="An edge keeps every page for four seconds, also those with a cookie or for one shopper only.",
        caught_by="wrong_identity",
        shown_in=("cdn_cut_unnoticed", "cdn_answers_503"),
    ),
}
