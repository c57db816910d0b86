"""Pauses between tries: they double up to a limit, and chance only shortens them."""

from itertools import islice

import pytest

from app.background.backoff import Backoff


def test_pauses_double_up_to_the_limit() -> None:
    backoff = Backoff(0.5, 5.0, jitter=0)
    assert list(islice(backoff.pauses(), 6)) == [0.5, 1, 2, 4, 5, 5]


def test_each_row_of_tries_begins_with_the_first_pause() -> None:
    backoff = Backoff(0.5, 5.0, jitter=0)
    list(islice(backoff.pauses(), 6))
    assert next(backoff.pauses()) == 0.5


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 2.0), (0.5, 1.8), (1.0, 1.6)])
def test_chance_shortens_a_pause_by_a_fifth_at_most(chance: float, pause: float) -> None:
    assert Backoff(2.0, 5.0, chance=lambda: chance).pause(1) == pytest.approx(pause)


def test_a_server_that_is_away_for_years_is_asked_at_the_longest_pause() -> None:
    assert Backoff(0.1, 5.0, jitter=0).pause(10**9) == 5.0


def test_without_a_pause_there_is_none() -> None:
    assert list(islice(Backoff(0.0, 0.0).pauses(), 3)) == [0, 0, 0]
