"""How many messages a socket may send."""

from app.api.live.limits import MessageRate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    rate = MessageRate(10, clock)
    assert [rate.spend() for _ in range(11)] == 10 * [True] + [False]
    clock.now += 0.1
    assert [rate.spend() for _ in range(2)] == [True, False]
    assert rate.excess == 2


def test_a_quiet_second_makes_good() -> None:
    clock = Clock()
    rate = MessageRate(10, clock)
    assert not all(rate.spend() for _ in range(11))
    clock.now += 1.1
    assert rate.spend()
    assert rate.excess == 0


def test_ten_a_second_go_on_for_ever() -> None:
    clock = Clock()
    rate = MessageRate(10, clock)
    for _ in range(1_000):
        clock.now += 0.1001
        assert rate.spend()
