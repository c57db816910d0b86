"""When something that has ended is started again, and when not."""

from app.background.backoff import Backoff
from app.background.restarts import Restarts


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def restarts(clock: Clock) -> Restarts:
    return Restarts(clock=clock, pauses=Backoff(first_seconds=1, longest_seconds=4, jitter=0))


def test_pauses_grow_and_the_fifth_end_in_a_minute_is_the_last():
    clock = Clock()
    counted = restarts(clock)
    pauses = []
    for _ in range(5):
        pauses.append(counted.after_an_end())
        clock.now += 14
    assert pauses == [1, 2, 4, 4, None]
    assert counted.too_often == "has ended 5 times within 60 s"


def test_ends_that_are_far_apart_are_never_too_many():
    clock = Clock()
    counted = restarts(clock)
    for _ in range(20):
        assert counted.after_an_end() in (1, 2, 4)
        clock.now += 15


def test_after_a_minute_without_an_end_the_pauses_begin_again():
    clock = Clock()
    counted = restarts(clock)
    assert [counted.after_an_end() for _ in range(3)] == [1, 2, 4]
    clock.now += 60
    assert counted.after_an_end() == 1
