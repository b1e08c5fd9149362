"""Prometheus, asked for raw samples as it stored them: never for rates, which it guesses."""

import math
from collections.abc import Mapping
from itertools import pairwise

import msgspec
import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from harness.clock import S
from harness.drivers.bounded import Bounded
from harness.errors import ControlError
from harness.model import noun

WITHIN_S = 4.0
BODY_MOST = 64_000_000
MS = 1_000_000


@noun
class Samples:
    """The samples of one counter: parallel columns, oldest first, times on the run's clock."""

    labels: Mapping[str, str]
    times_ns: tuple[int, ...]
    values: tuple[float, ...]


class _Counter(msgspec.Struct):
    """One counter as Prometheus gives it: seconds since 1970, and the value as a text."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


def samples(url: str, selector: str, begin_ns: int, end_ns: int, ahead_ns: int) -> tuple[Samples, ...]:
    """Give every sample of the counters that a selector matches, of a stretch of the run's time, both ends included.

    ``ahead_ns`` is wall time less the run's time. No such counter, or none that was sampled then, is ``()``. Asks once.
    Raises ``ControlError`` where there is no whole and sensible answer within 4 s; NaN and infinities are no samples.
    """
    span_ms = math.ceil(max(0, end_ns - begin_ns) / MS) + 1
    at_s = (end_ns + ahead_ns) / S
    try:
        with Bounded(WITHIN_S, BODY_MOST) as session:
            asked = PrometheusConnect(url, session=session, retry=urllib3.Retry(0), timeout=math.ceil(WITHIN_S))
            found = asked.custom_query(f"{selector}[{span_ms}ms]", params={"time": f"{at_s:.3f}"})
        counters = msgspec.convert(found, list[_Counter])
        read = (_read(counter, begin_ns, end_ns, ahead_ns) for counter in counters)
        return tuple(one for one in read if one.times_ns)
    except PrometheusApiClientException as error:
        raise ControlError(f"{url}: {selector}: refused: {str(error)[:300]}") from error
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:  # no JSON is both
        why = f"{type(error).__name__} {str(error)[:300]}"
        raise ControlError(f"{url}: {selector}: answered, but with no samples that make sense: {why}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise ControlError(f"{url}: {selector}: no whole answer within {WITHIN_S:g} s: {str(error)[:300]}") from error


def _read(counter: _Counter, begin_ns: int, end_ns: int, ahead_ns: int) -> Samples:
    """Bring one counter to the run's clock. Raises ``ValueError`` for what no counter can be."""
    times_ns, values = list[int](), list[float]()
    for at_s, text in counter.values:
        at_ns, value = round(at_s * 1000) * MS - ahead_ns, float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is no value of a counter, of {counter.metric}")
        if begin_ns <= at_ns <= end_ns:
            times_ns.append(at_ns)
            values.append(value)
    if any(later <= earlier for earlier, later in pairwise(times_ns)):
        raise ValueError(f"samples out of order, of {counter.metric}")
    return Samples(labels=counter.metric, times_ns=tuple(times_ns), values=tuple(values))
