"""How sure a share is that was counted: the most that it can well be, after so many trials."""

from math import exp, fsum, lgamma, log, log1p

CONFIDENCE = 0.95
_HALVINGS = 60  # of the stretch from 0 to 1: finer than a float


def at_most(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Give the upper bound of the share of trials in which an event happens, after ``events`` were seen in ``trials``.

    One-sided and exact: the greatest share of which so few events are still seen with a probability of 1 - confidence
    (C. J. Clopper, E. S. Pearson: The use of confidence or fiducial limits, Biometrika 26, 1934, 404-413,
    doi:10.1093/biomet/26.4.404). Without an event it is 1 - (1 - confidence)^(1/trials), a little less than 3/trials (the
    rule of three). 1 where nothing was tried. It presumes that trials are independent of each other, and alike.
    """
    if not 0 <= events <= trials:
        raise ValueError(f"{events} events in {trials} trials")
    if events == trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        if so_few(events, trials, share) > 1 - confidence:
            low = share
        else:
            high = share
    return high


def so_few(events: int, trials: int, share: float) -> float:
    """Give the probability of at most ``events`` events in ``trials``, where each has the probability ``share`` (0 < 1)."""
    ways = [lgamma(trials + 1) - lgamma(n + 1) - lgamma(trials - n + 1) for n in range(events + 1)]
    return fsum(exp(way + n * log(share) + (trials - n) * log1p(-share)) for n, way in enumerate(ways))
