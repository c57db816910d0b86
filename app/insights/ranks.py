"""Comparing two samples of times without assuming how times are distributed: Mann-Whitney and Hodges-Lehmann."""

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import NormalDist, median

from app.insights.bounds import CONFIDENCE, Interval

LARGEST = 300
"""So many values of each sample are compared: the differences are as many as the product of both."""

_NORMAL = NormalDist()


def greater(first: Sequence[float], second: Sequence[float]) -> float:
    """The p-value of the claim that the second sample has greater values (normal, with ties and continuity)."""
    n, m = len(first), len(second)
    u = n * m - _rank_sum(first, second) + n * (n + 1) / 2
    spread = _spread(first, second)
    if spread == 0:
        return 1.0
    return 1 - _NORMAL.cdf((u - n * m / 2 - 0.5) / spread)


def shift(first: Sequence[float], second: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """How much greater the values of the second sample are: the median of all differences (Hodges-Lehmann).

    confidence: that of each bound.
    """
    old, new = thinned(first, LARGEST), thinned(second, LARGEST)
    differences = sorted(b - a for a in old for b in new)
    count = len(differences)
    spread = math.sqrt(len(old) * len(new) * (len(old) + len(new) + 1) / 12)
    cut = max(math.floor(count / 2 - _NORMAL.inv_cdf(confidence) * spread - 0.5), 0)
    return Interval(median(differences), differences[min(cut, count - 1)], differences[max(count - 1 - cut, 0)])


def median_below(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """A lower bound of the pseudo-median of one sample (Wilcoxon); None for less than 10 values."""
    some = sorted(thinned(values, LARGEST))
    n = len(some)
    if n < 10:
        return None
    means = sorted((some[i] + some[j]) / 2 for i in range(n) for j in range(i, n))
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    cut = math.floor(n * (n + 1) / 4 - _NORMAL.inv_cdf(confidence) * spread)
    return means[max(cut, 0)]


def mostly_above(values: Sequence[float], limit: float) -> float:
    """The p-value of the claim that the values are centred above `limit` (signed ranks, normal, with ties)."""
    signed = sorted(((abs(value - limit), value > limit) for value in values if value != limit), key=lambda one: one[0])
    n = len(signed)
    if n == 0:
        return 1.0
    positive, ties, place = 0.0, 0.0, 0
    for _, group in groupby(signed, key=lambda one: one[0]):
        members = list(group)
        rank = place + (len(members) + 1) / 2
        positive += rank * sum(above for _, above in members)
        ties += len(members) ** 3 - len(members)
        place += len(members)
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 - ties / 48)
    return 1 - _NORMAL.cdf((positive - n * (n + 1) / 4 - 0.5) / spread)


def thinned(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the values, spread evenly over the sample. Always the same ones."""
    if len(values) <= most:
        return list(values)
    return [values[i * len(values) // most] for i in range(most)]


def _rank_sum(first: Sequence[float], second: Sequence[float]) -> float:
    """The sum of the ranks of the first sample among all values; equal values share the mean of their ranks."""
    total, place = 0.0, 0
    for _, group in groupby(_pooled(first, second), key=lambda one: one[0]):
        members = list(group)
        total += (place + (len(members) + 1) / 2) * sum(is_first for _, is_first in members)
        place += len(members)
    return total


def _spread(first: Sequence[float], second: Sequence[float]) -> float:
    n, m = len(first), len(second)
    count = n + m
    sizes = (len(list(group)) for _, group in groupby(_pooled(first, second), key=lambda one: one[0]))
    ties = sum(size**3 - size for size in sizes) / (count * (count - 1)) if count > 1 else 0
    return math.sqrt(max(n * m / 12 * (count + 1 - ties), 0.0))


def _pooled(first: Sequence[float], second: Sequence[float]) -> list[tuple[float, bool]]:
    return sorted([(value, True) for value in first] + [(value, False) for value in second])
