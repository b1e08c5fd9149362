"""The switches of the gallery of bad shops: what each one spoils, and the objective that must catch it."""

from harness.model import noun


@noun
class Defect:
    """One way to be a bad shop. ``caught_by`` is the objective that must be FAIL where the defect has room to show."""

    sentence: str
    caught_by: str


DEFECTS = {
    "no_failover": Defect(
        sentence="The standby follows the primary faithfully and is never promoted.",
        caught_by="rto",
    ),
    "ack_before_commit": Defect(
        sentence="An order is acknowledged when it is queued; what is queued while the database is away is forgotten.",
        caught_by="orders_lost",
    ),
    "async_replication": Defect(
        sentence="The standby follows when it can: an order is acknowledged though it is on one node only.",
        caught_by="orders_lost",
    ),
    "no_idempotency": Defect(
        sentence="Keys are stored but need not be unique: the same order sent twice is placed twice.",
        caught_by="duplicated",
    ),
    "oversell": Defect(
        sentence="Stock is read, thought about, and written back: two replicas sell the same piece.",
        caught_by="oversold",
    ),
    "alert_missing": Defect(
        sentence="Nobody has written the alerts for a lost node of the database and for a lost storefront.",
        caught_by="alert",
    ),
    "alert_slow": Defect(
        sentence="Every alert waits ten minutes before it is raised, so that nobody is woken for nothing.",
        caught_by="alert",
    ),
    "missing_index": Defect(
        sentence="Neither the events of a shopper nor the products of a category have an index: all are read through.",
        caught_by="query_time",
    ),
    "stock_from_cache": Defect(
        sentence="What the cache says of price and stock is believed, however long ago the database said so.",
        caught_by="true_price",
    ),
    "bystander_broken": Defect(
        sentence="The balancer calls itself ill as soon as one storefront is missing, though it serves all shoppers.",
        caught_by="blast_radius",
    ),
    "steering_asks_edge": Defect(
        sentence="Steering asks an edge whether it is well, and never looks at what it answers to shoppers.",
        caught_by="failed_sessions",
    ),
    "caches_cookies": Defect(
        sentence="An edge keeps every page for ten seconds, also those with a cookie or for one shopper only.",
        caught_by="wrong_identity",
    ),
}
