"""Comparisons of times, compared with published values and with the exact distributions of small samples."""

import random
from itertools import combinations, product
from statistics import median

import pytest

from app.insights.ranks import LARGEST, greater, median_below, mostly_above, shift, thinned

# Hollander and Wolfe, Nonparametric Statistical Methods, table 4.1 (permeability): W = 30, exact one-sided p = 0.2544;
# the estimate of the difference is 0.305.
AT_TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
EARLY = [1.15, 0.88, 0.90, 0.74, 1.21]


def exact(first: list[float], second: list[float]) -> float:
    """The chance of such a U, or a greater one, over all ways in which the values could have been dealt out."""
    pooled = first + second

    def u(chosen: set[int]) -> float:
        old = [pooled[i] for i in range(len(pooled)) if i not in chosen]
        return sum((pooled[i] > value) + (pooled[i] == value) / 2 for i in chosen for value in old)

    seen = u(set(range(len(first), len(pooled))))
    ways = [u(set(chosen)) for chosen in combinations(range(len(pooled)), len(second))]
    return sum(way >= seen for way in ways) / len(ways)


def test_the_example_of_hollander_and_wolfe() -> None:
    assert exact(EARLY, AT_TERM) == pytest.approx(0.1272, abs=1e-4)
    assert greater(EARLY, AT_TERM) == pytest.approx(0.1272, abs=0.01)
    assert shift(EARLY, AT_TERM).estimate == pytest.approx(0.305)


@pytest.mark.parametrize("seed", range(5))
def test_p_values_are_near_those_of_all_permutations(seed: int) -> None:
    chance = random.Random(seed)
    first = [round(chance.gauss(0, 1), 1) for _ in range(8)]
    second = [round(chance.gauss(0.5, 1), 1) for _ in range(7)]
    assert greater(first, second) == pytest.approx(exact(first, second), abs=0.012)


def test_equal_samples_tell_of_no_difference() -> None:
    assert greater([1.0] * 20, [1.0] * 20) == 1
    found = shift([1.0, 2.0] * 20, [1.0, 2.0] * 20)
    assert found.low <= 0 <= found.high


def test_the_shift_is_the_median_of_all_differences() -> None:
    chance = random.Random(3)
    first, second = ([chance.random() for _ in range(25)] for _ in range(2))
    assert shift(first, second).estimate == pytest.approx(median(b - a for a, b in product(first, second)))


def test_the_bounds_of_the_shift_hold_in_nineteen_of_twenty_samples() -> None:
    chance, held = random.Random(4), [0, 0]
    for _ in range(400):
        found = shift([chance.expovariate(1) for _ in range(30)], [2 + chance.expovariate(1) for _ in range(30)])
        held[0] += found.low <= 2
        held[1] += found.high >= 2
    assert all(0.92 <= one / 400 <= 0.98 for one in held)


def test_the_lower_bound_of_the_centre_holds_in_nineteen_of_twenty_samples() -> None:
    chance = random.Random(5)
    held = sum((median_below([chance.gauss(2, 1) for _ in range(30)]) or 9) <= 2 for _ in range(400))
    assert 0.92 <= held / 400 <= 0.98
    assert median_below([1.0] * 9) is None


def test_signed_ranks_are_near_those_of_all_signs() -> None:
    values = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    changes = [a - b for a, b in zip(values, [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29], strict=True)]
    # Hollander and Wolfe, table 3.1 (depression): T+ = 40 of 9 pairs, exact one-sided p = 0.0195.
    assert mostly_above(changes, 0) == pytest.approx(0.0195, abs=0.006)
    assert mostly_above([1.0, 1.0], 1) == 1


def test_large_samples_are_thinned_evenly_and_always_the_same() -> None:
    found = thinned(list(range(1000)), LARGEST)
    assert len(found) == LARGEST
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 996)
