"""The storefront's counters and histograms; what they mean is in their help texts."""

import time
from collections.abc import Awaitable

from prometheus_client import Counter, Gauge, Histogram

from .orders import Answer

REFUSED_CALL_S = 0.5  # a call that got no connection never ran; it must still count as slower than 0.2 s

DB_CALL_SECONDS = Histogram(
    "storefront_db_call_seconds",
    "Each database call by class of statement, commit and replication wait included; failed calls with full duration.",
    ["class"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0),
)
ORDERS = Counter("storefront_orders_total", "Orders answered, by HTTP status.", ["status"])
for status in (200, 201, 400, 404, 409, 503, 504):
    ORDERS.labels(str(status))  # told from the start: a counter that appears at its first failure hides that failure
ORDER_SECONDS = Histogram(
    "storefront_order_seconds", "Each order from its request to its answer.", buckets=(0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
)
BATCH_ORDERS = Histogram("storefront_batch_orders", "Orders in one statement.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
CACHE_READS = Counter("storefront_cache_reads_total", "Reads from the cache, by what came of them.", ["result"])
for result in ("hit", "miss", "failed", "skipped"):
    CACHE_READS.labels(result)
CACHE_UP = Gauge("storefront_cache_up", "Whether the cache answered when it was asked for the last time.")
CACHE_UP.set(1)
NAMES_UP = Gauge("storefront_names_up", "Whether the name of the database was found when it was looked up last.")
NAMES_UP.set(1)


async def counted(answering: Awaitable[Answer]) -> Answer:
    """Count and time what becomes of an order."""
    begun = time.perf_counter()
    answer = await answering
    ORDERS.labels(str(answer[0])).inc()
    ORDER_SECONDS.observe(time.perf_counter() - begun)
    return answer
