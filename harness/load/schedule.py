"""When shoppers arrive: open arrivals, decided by scenario, seed and scale alone. Pure; the judge plans them again.

Poisson arrivals conditioned on their count are independent uniform instants, sorted. They are made in blocks of 10 s,
each of exactly its share, because nobody knows beforehand when a run ends. The instants come from the raw output of
PCG64, which NumPy promises to keep (its distributions may change), so every machine plans the same arrivals.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from harness.demand import Load
from harness.history import LIST, LOG, ORDER, READ, SESSION, WRITE
from harness.model import noun
from harness.rates import courses, due, exact, pieces

BLOCK_S, NS = 10, 1_000_000_000
BLOCK_NS = BLOCK_S * NS
GOLDEN, SPAN = 2_654_435_761, 1 << 32  # their ratio is the golden one: multiples of it fall evenly over the whole
SEND_ONCE, SEND_TWICE_AT_ONCE, SEND_AGAIN_AFTER = 0, 1, 2


@noun
class Planned:
    """One row for each planned arrival, in the order of time; columns of equal length.

    ``seq`` counts from 0 at schedule zero, ``intended_ns`` from schedule zero. ``last_piece``: the order asks for the
    scarce product. ``resend``: sent once, the same keyed order twice at the same moment, or again after the first answer.
    """

    seq: NDArray[np.int64]
    intended_ns: NDArray[np.int64]
    kind: NDArray[np.int8]
    last_piece: NDArray[np.bool_]
    resend: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.seq)


def planned(load: Load, seed: int, scale: float, length_ns: int) -> Planned:
    """Plan all arrivals intended before ``length_ns``. A shorter plan is the beginning of a longer one."""
    blocks = [block(load, seed, scale, number) for number in range(max(1, -(-length_ns // BLOCK_NS)))]
    seq, intended, kind, last_piece, resend = (
        np.concatenate([getattr(each, name) for each in blocks])
        for name in ("seq", "intended_ns", "kind", "last_piece", "resend")
    )
    end = int(np.searchsorted(intended, length_ns))
    return Planned(
        seq=seq[:end], intended_ns=intended[:end], kind=kind[:end], last_piece=last_piece[:end], resend=resend[:end]
    )


def block(load: Load, seed: int, scale: float, number: int) -> Planned:
    """Plan the arrivals of block ``number`` (from 0): exactly rate x 10 s x scale orders, reads and sessions likewise.

    A fraction that is left over is carried into the next block, so that the total is exact at all times.
    """
    first_order, orders = _orders(load, scale, number)
    per_s = {READ: load.products_per_s, LIST: load.lists_per_s, LOG: load.logs_per_s, WRITE: load.log_writes_per_s}
    if load.sessions is not None:
        per_s[SESSION] = load.sessions.per_s
    shares = {kind: _share(rate, scale, number) for kind, rate in per_s.items()}
    first_other, others = (sum(column) for column in zip(*shares.values(), strict=True))
    draws = np.random.PCG64(np.random.SeedSequence([seed % 2**64, number]))
    drawn = draws.random_raw(orders + others)
    instants = (drawn % np.uint64(BLOCK_NS)).astype(np.int64)
    if load.stages:
        instants[:orders] = _as_the_rate_goes(load, number, drawn[:orders])
    kind = np.repeat(np.array([ORDER, *shares], dtype=np.int8), [orders, *(count for _, count in shares.values())])
    nth = np.concatenate([np.arange(first_order, first_order + orders), np.full(others, -1)])
    resend = np.concatenate([_resend(load, draws, orders), np.full(others, SEND_ONCE, dtype=np.int8)])
    in_time = np.argsort(instants, kind="stable")
    return Planned(
        seq=np.arange(orders + others, dtype=np.int64) + first_order + first_other,
        intended_ns=instants[in_time] + number * BLOCK_NS,
        kind=kind[in_time],
        last_piece=_last_piece(load, nth, instants + number * BLOCK_NS)[in_time],
        resend=resend[in_time],
    )


def chosen(ratio: float, seq: int) -> bool:
    """Say whether an arrival is among that share of all, spread evenly over them."""
    return seq * GOLDEN % SPAN < ratio * SPAN


def _orders(load: Load, scale: float, number: int) -> tuple[int, int]:
    """Give how many orders come before a block, and how many in it."""
    before, after = (int(due(load, Fraction(n * BLOCK_S)) * exact(scale)) for n in (number, number + 1))
    return before, after - before


def _as_the_rate_goes(load: Load, number: int, drawn: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Turn evenly drawn numbers into instants of a block, the denser the higher the rate: by the inverse of what is due.

    Within a piece of the course the rate r changes evenly by c a second, so that after t seconds r t + c t²/2 are due.
    """
    begin_s, end_s = Fraction(number * BLOCK_S), Fraction((number + 1) * BLOCK_S)
    inside = [
        (max(piece.start_s, begin_s), min(piece.end_s or end_s, end_s), piece)
        for piece in pieces(load)
        if piece.start_s < end_s and (piece.end_s is None or piece.end_s > begin_s)
    ]
    starts = np.array([float(start - begin_s) for start, _, _ in inside])
    rates = np.array([float(piece.at(start)) for start, _, piece in inside])
    changes = np.array([float((piece.at(end) - piece.at(start)) / (end - start)) for start, end, piece in inside])
    masses = np.array([0.0, *(float(piece.due(end) - piece.due(start)) for start, end, piece in inside)])
    upto = np.cumsum(masses)
    wanted = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53 * upto[-1]
    which = np.minimum(np.searchsorted(upto, wanted, side="right") - 1, len(inside) - 1)
    rest, rate, change = wanted - upto[which], rates[which], changes[which]
    passed = 2 * rest / (rate + np.sqrt(np.maximum(rate**2 + 2 * change * rest, 0.0)))
    instants: NDArray[np.int64] = ((starts[which] + passed) * 1e9).astype(np.int64)
    return np.minimum(instants, BLOCK_NS - 1)


def _share(per_s: float, scale: float, number: int) -> tuple[int, int]:
    """Give how many arrivals of a kind come before a block, and how many in it; exact for rates as a person writes them."""
    per_block = exact(per_s) * exact(scale) * BLOCK_S
    before = int(per_block * number)
    return before, int(per_block * (number + 1)) - before


def _last_piece(load: Load, nth: NDArray[np.int64], instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which arrivals are every n-th order, counted from schedule zero: by the number of the stage they come in."""
    every = np.full(len(nth), load.last_pieces_one_in)
    for stage, (begin_s, end_s) in zip(load.stages, courses(load).values(), strict=True):
        if stage.last_pieces_one_in:
            every[(instants >= int(begin_s * NS)) & (instants < int(end_s * NS))] = stage.last_pieces_one_in
    asks: NDArray[np.bool_] = (nth >= 0) & (every > 0) & ((nth + 1) % np.maximum(every, 1) == 0)
    return asks


def _resend(load: Load, draws: np.random.PCG64, orders: int) -> NDArray[np.int8]:
    """Draw how often each order is sent."""
    ratio, same_moment = (load.resend.ratio, load.resend.same_moment) if load.resend else (0.0, 0.0)
    drawn = draws.random_raw(orders) / 2.0**64
    again = np.where(drawn < ratio, SEND_AGAIN_AFTER, SEND_ONCE)
    return np.where(drawn < ratio * same_moment, SEND_TWICE_AT_ONCE, again).astype(np.int8)
