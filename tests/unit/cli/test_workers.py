"""Workers that end are started again, the later the more often they have ended."""

import asyncio

import pytest

from app.cli.errors import CliError
from app.cli.local import workers


class Pauses:
    """Takes the place of the back-off: remembers after how many failures it was asked, and lets nothing wait."""

    def __init__(self) -> None:
        self.failures: list[int] = []

    def pause(self, failures: int) -> float:
        self.failures.append(failures)
        return 0.0


class Worker:
    """A process that ends at once, until `left` of them have; the last one runs until it is stopped."""

    left = 3

    def __init__(self, *_: object) -> None:
        type(self).left -= 1

    async def ended(self) -> None:
        if self.left >= 0:
            raise CliError("the worker ended with exit code 1", 1)
        stop.set()
        await asyncio.Event().wait()

    async def stop(self, seconds: float) -> None:
        assert seconds == 1.0


stop = asyncio.Event()


@pytest.mark.parametrize(("lives_long", "failures"), [(False, [1, 2, 3]), (True, [1, 1, 1])])
async def test_only_workers_that_end_soon_are_waited_for_longer_each_time(
    monkeypatch: pytest.MonkeyPatch, lives_long: bool, failures: list[int]
) -> None:
    pauses = Pauses()
    stop.clear()
    monkeypatch.setattr(workers, "RESTART", pauses)
    monkeypatch.setattr(workers, "ServiceProcess", Worker)
    monkeypatch.setattr(workers, "LONG_LIFE_SECONDS", -1.0 if lives_long else 3_600.0)
    monkeypatch.setattr(Worker, "left", 3)
    await workers._keep_running(1, {}, stop, 1.0)
    assert pauses.failures == failures
