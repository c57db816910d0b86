"""Bounds, compared with published values and with slow formulas that are written differently."""

import math
import random
from fractions import Fraction

import pytest

from app.insights.bounds import (
    Z,
    accepted,
    at_least,
    at_most,
    newcombe,
    quantile_above,
    quantile_below,
    quantile_of,
    rank_above,
    rank_below,
    wilson,
)

TWO_SIDED = 1.959963984540054


def test_z_is_that_of_one_side() -> None:
    assert pytest.approx(1.6448536269514722) == Z


# Newcombe, Two-sided confidence intervals for the single proportion (Stat. Med. 17, 1998), table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_as_newcombe_has_published_it(k: int, n: int, low: float, high: float) -> None:
    found = wilson(k, n, TWO_SIDED)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(("k", "n"), [(1, 50), (5, 50), (30, 1000), (999, 1000)])
def test_the_bounds_of_wilson_are_where_the_score_test_turns(k: int, n: int) -> None:
    found = wilson(k, n)
    for bound in (found.low, found.high):
        assert abs(k / n - bound) / math.sqrt(bound * (1 - bound) / n) == pytest.approx(Z)


# Newcombe, Interval estimation for the difference between independent proportions (1998), table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_differences_of_shares_are_as_newcombe_has_published_them(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = newcombe(second, first, TWO_SIDED)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(("k", "n", "share"), [(0, 10, "1/10"), (3, 40, "1/20"), (295, 299, "99/100"), (12, 12, "1/2")])
def test_binomial_chances_are_those_of_exact_arithmetic(k: int, n: int, share: str) -> None:
    p = Fraction(share)
    exact = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    assert at_most(k, n, float(p)) == pytest.approx(float(exact), rel=1e-9)
    assert at_least(k + 1, n, float(p)) == pytest.approx(float(1 - exact), rel=1e-6, abs=1e-12)


def test_the_ends_of_binomial_chances() -> None:
    assert at_most(-1, 5, 0.5) == 0
    assert at_most(5, 5, 0.5) == 1
    assert at_least(0, 5, 0.5) == 1
    assert at_least(6, 5, 0.5) == 0
    assert (at_most(2, 5, 0.0), at_most(2, 5, 1.0), at_least(2, 5, 0.0), at_least(2, 5, 1.0)) == (1, 0, 0, 1)


def test_p99_needs_299_values() -> None:
    """0.99 ** 298 is above 5 %, 0.99 ** 299 is not."""
    assert rank_above(298, 0.99) is None
    assert rank_above(299, 0.99) == 299
    assert quantile_above([1.0] * 298, 0.99) is None


@pytest.mark.parametrize("n", [300, 500])
def test_a_rank_is_the_smallest_that_suffices(n: int) -> None:
    rank = rank_above(n, 0.99)
    assert rank is not None
    q = Fraction(99, 100)
    chances = [sum(math.comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(r)) for r in (rank - 1, rank)]
    assert chances[0] < Fraction(95, 100) <= chances[1]


def test_the_lower_rank_mirrors_the_upper_one() -> None:
    assert rank_below(100, 0.5) == 42  # Conover: about 100/2 - 1.645 * 5 = 41.8
    assert rank_above(100, 0.5) == 59
    assert quantile_below(list(range(1, 101)), 0.5) == 42


def test_the_upper_bound_holds_in_nineteen_of_twenty_samples() -> None:
    chance = random.Random(7)
    above = sum((quantile_above([chance.random() for _ in range(299)], 0.99) or 0) >= 0.99 for _ in range(2000))
    assert 0.93 < above / 2000 < 0.97


def test_a_quantile_is_a_value_of_the_sample() -> None:
    assert quantile_of([3, 1, 2], 0.5) == 2
    assert quantile_of([3, 1, 2], 0.99) == 3
    assert quantile_of([5], 0.01) == 5


def test_findings_are_accepted_as_benjamini_and_hochberg_did() -> None:
    """Their own example (1995, section 3.2): of 15 p-values the four smallest are rejected."""
    text = "0.0001 0.0004 0.0019 0.0095 0.0201 0.0278 0.0298 0.0344 0.0459 0.3240 0.4262 0.5719 0.6528 0.7590 1.0"
    p_values = [float(word) for word in text.split()]
    assert accepted(p_values) == [True] * 4 + [False] * 11
    assert accepted(p_values[::-1]) == [False] * 11 + [True] * 4


def test_a_large_p_value_may_be_accepted_among_small_ones() -> None:
    assert accepted([0.04, 0.04]) == [True, True]
    assert accepted([0.04, 0.9]) == [False, False]
    assert accepted([]) == []
