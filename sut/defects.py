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
    "no_idempotency": Defect(
        sentence="Keys are stored but need not be unique: the same order sent twice is placed twice.",
        caught_by="duplicated",
    ),
    "oversell": Defect(
        sentence="Stock is read, thought about, and written back: two replicas sell the same piece.",
        caught_by="oversold",
    ),
}
