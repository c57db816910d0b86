"""Bounds of shares and quantiles, each one-sided at 95 %, and which of many findings are more than chance.

References: Wilson (1927); Newcombe (1998), method 10; Benjamini and Hochberg (1995); Conover, Practical Nonparametric
Statistics, for order statistics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from statistics import NormalDist

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf(CONFIDENCE)
"""1.645"""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a bound on either side."""

    estimate: float
    low: float
    high: float


def wilson(k: int, n: int, z: float = Z) -> Interval:
    """The share, when `k` of `n` independent cases were seen. With `z` for 95 %, each bound is one-sided."""
    share, square = k / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return Interval(share, max(middle - half, 0.0) if k else 0.0, min(middle + half, 1.0) if k < n else 1.0)


def newcombe(before: tuple[int, int], after: tuple[int, int], z: float) -> Interval:
    """How much a share has grown, from `(k, n)` to `(k, n)`."""
    old, new = wilson(*before, z), wilson(*after, z)
    grown = new.estimate - old.estimate
    low = grown - math.hypot(new.estimate - new.low, old.high - old.estimate)
    high = grown + math.hypot(new.high - new.estimate, old.estimate - old.low)
    return Interval(grown, low, high)


def at_most(k: int, n: int, share: float) -> float:
    """The chance that at most `k` of `n` independent cases happen, if each does with the chance `share`."""
    if k < 0:
        return 0.0
    if k >= n or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    return min(math.fsum(_chance(i, n, share) for i in range(k + 1)), 1.0)


def at_least(k: int, n: int, share: float) -> float:
    """The p-value of the claim that the share is above `share`, when `k` of `n` were seen."""
    if k <= 0:
        return 1.0
    if share <= 0 or k > n:
        return 0.0
    return 1.0 if share >= 1 else min(math.fsum(_chance(i, n, share) for i in range(k, n + 1)), 1.0)


def _chance(i: int, n: int, share: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
    return math.exp(ways + i * math.log(share) + (n - i) * math.log1p(-share))


@lru_cache(maxsize=512)
def rank_above(n: int, quantile: float, confidence: float = CONFIDENCE) -> int | None:
    """The smallest rank (from 1) whose value is above the quantile with that confidence; None if `n` is too small."""
    chances = accumulate(_chance(i, n, quantile) for i in range(n))
    return next((rank for rank, chance in enumerate(chances, 1) if chance >= confidence), None)


def rank_below(n: int, quantile: float, confidence: float = CONFIDENCE) -> int | None:
    """The largest rank (from 1) whose value is not above the quantile with that confidence."""
    mirrored = rank_above(n, 1 - quantile, confidence)
    return None if mirrored is None else n + 1 - mirrored


def quantile_above(values: Sequence[float], quantile: float, confidence: float = CONFIDENCE) -> float | None:
    """An upper bound of a quantile. For p99 at 95 % it needs 299 values."""
    rank = rank_above(len(values), quantile, confidence)
    return None if rank is None else sorted(values)[rank - 1]


def quantile_below(values: Sequence[float], quantile: float, confidence: float = CONFIDENCE) -> float | None:
    """A lower bound of a quantile."""
    rank = rank_below(len(values), quantile, confidence)
    return None if rank is None else sorted(values)[rank - 1]


def quantile_of(values: Sequence[float], quantile: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    return sorted(values)[max(math.ceil(quantile * len(values)) - 1, 0)]


def accepted(p_values: Sequence[float], rate: float = 0.05) -> list[bool]:
    """Of many findings, those that stay when at most the share `rate` of them may be false (Benjamini-Hochberg)."""
    count = len(p_values)
    below = [rank for rank, p in enumerate(sorted(p_values), 1) if p <= rate * rank / count]
    limit = rate * below[-1] / count if below else -1.0
    return [p <= limit for p in p_values]
