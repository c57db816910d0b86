"""The lifecycle of a loop: start, steps, pauses, failures that pass, defects, and the two ways to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.background.backoff import Backoff
from app.background.defects import Defects
from app.background.loop import Loop
from app.domain.errors import Unavailable
from tests.support.virtual_time import in_virtual_time

Script = list[bool | BaseException | asyncio.Event | None]


@dataclass
class Story:
    """A loop whose steps end as `script` says, one after the other, and what it did; after the script it pauses.

    A step of the script is what it returns or raises, or an event that it waits for.
    """

    script: Script
    options: dict[str, Any] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    defects: list[Exception] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        backoff = Backoff(1.0, 4.0, jitter=0)
        self.at_the_end = asyncio.Event()
        self.loop = Loop("story", self._step, self._pause, backoff=backoff, sleep=self._sleep, **self.options)
        self.start = partial(self.loop.start, self.defects.append)

    async def run(self) -> None:
        """Start it, and return when it has come to the end of its script or has died."""
        self.start()
        while not self.at_the_end.is_set() and self.loop.is_running:
            await asyncio.sleep(0)

    async def _step(self) -> bool | None:
        self.did.append("step")
        now = self.script.pop(0) if self.script else None
        if isinstance(now, asyncio.Event):
            self.did.append("waits")
            await now.wait()
            self.did.append("ends")
            return None
        if isinstance(now, BaseException):
            raise now
        return now

    async def _pause(self) -> None:
        self.did.append("pause")
        if not self.script:
            self.at_the_end.set()
            await asyncio.Event().wait()

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


Tell = Callable[..., Story]


@pytest.fixture
async def tell() -> AsyncIterator[Tell]:
    stories: list[Story] = []

    def tell(*script: Any, **options: Any) -> Story:
        stories.append(Story(list(script), options))
        return stories[-1]

    yield tell
    for story in stories:
        await story.loop.finish()


async def test_steps_and_pauses_take_turns(tell: Tell) -> None:
    story = tell(None, None)
    await story.run()
    assert story.did == ["step", "pause", "step", "pause"]


async def test_no_pause_follows_a_step_that_left_something_to_do(tell: Tell) -> None:
    story = tell(True, True, False)
    await story.run()
    assert story.did == ["step", "step", "step", "pause"]


@in_virtual_time
async def test_it_rests_in_proportion_to_its_steps_and_the_pause_counts() -> None:
    began: list[float] = []
    last = asyncio.Event()

    async def step() -> bool:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 4:
            last.set()
        await asyncio.sleep(1)
        return len(began) == 1

    loop = Loop("story", step, partial(asyncio.sleep, 0.5), rest=2)
    loop.start(lambda _: None)
    await last.wait()
    await loop.finish()
    assert began == [0, 3, 6, 9], "after 1 s of work 2 s of rest, whether or not there was more to do at once"


@in_virtual_time
async def test_a_pause_that_is_longer_than_the_rest_is_enough() -> None:
    began: list[float] = []
    last = asyncio.Event()

    async def step() -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 3:
            last.set()
        await asyncio.sleep(1)

    loop = Loop("story", step, partial(asyncio.sleep, 5), rest=2)
    loop.start(lambda _: None)
    await last.wait()
    await loop.finish()
    assert began == [0, 6, 12]


async def test_it_may_begin_with_a_pause(tell: Tell) -> None:
    story = tell(None)
    story.start(with_pause=True)
    await story.run()
    assert story.did == ["pause", "step", "pause"]


async def test_a_failure_that_passes_is_logged_and_followed_by_a_growing_pause(tell: Tell) -> None:
    story = tell(*[Unavailable("away")] * 4, None, Unavailable("away again"), None)
    with capture_logs() as logs:
        await story.run()
    assert story.slept == [1, 2, 4, 4, 1], "a step that works begins the row anew"
    assert story.defects == []
    assert [log["event"] for log in logs] == ["loop_step_failed"] * 5
    assert logs[0] == {
        "event": "loop_step_failed",
        "log_level": "warning",
        "loop": "story",
        "reason": "away",
        "again_after_seconds": 1,
    }


async def test_other_errors_may_be_expected(tell: Tell) -> None:
    story = tell(KeyError("key"), None, expected=(KeyError, IndexError))
    await story.run()
    assert (story.slept, story.defects) == ([1], [])


async def test_a_defect_ends_it_loudly_and_is_reported_once(tell: Tell) -> None:
    defect = ZeroDivisionError("a defect")
    story = tell(None, defect, None)
    with capture_logs() as logs:
        await story.run()
    assert story.defects == [defect]
    assert not story.loop.is_running
    assert story.did == ["step", "pause", "step"]
    assert [(log["event"], log["log_level"], log["loop"]) for log in logs] == [("loop_died", "critical", "story")]


async def test_a_defect_of_its_pause_ends_it_too() -> None:
    defects: list[Exception] = []
    told = asyncio.Event()

    async def step() -> None:
        return None

    async def pause() -> None:
        raise LookupError("a defect")

    def report(error: Exception) -> None:
        defects.append(error)
        told.set()

    Loop("pausing", step, pause).start(report)
    await told.wait()
    assert [type(error) for error in defects] == [LookupError]


async def test_a_step_that_waits_for_something_cancelled_is_a_defect_and_no_silent_end(tell: Tell) -> None:
    story = tell(asyncio.CancelledError())
    await story.run()
    [defect] = story.defects
    assert isinstance(defect, RuntimeError)
    assert isinstance(defect.__cause__, asyncio.CancelledError)


async def test_starting_twice_starts_one(tell: Tell) -> None:
    story = tell(None)
    story.start()
    await story.run()
    assert story.did == ["step", "pause"]


async def test_its_task_has_its_name(tell: Tell) -> None:
    story = tell(None)
    await story.run()
    assert "story" in {task.get_name() for task in asyncio.all_tasks()}


async def test_stopping_takes_effect_at_once_and_may_be_repeated(tell: Tell) -> None:
    story = tell(asyncio.Event())
    story.loop.stop()
    story.start()
    while "waits" not in story.did:
        await asyncio.sleep(0)
    story.loop.stop()
    assert not story.loop.is_running
    story.loop.stop()
    await story.loop.finish()
    await story.loop.finish()
    assert story.did == ["step", "waits"]
    assert story.defects == []


async def test_it_starts_again_after_a_stop_even_before_the_old_task_has_ended(tell: Tell) -> None:
    story = tell(None, None)
    await story.run()
    story.at_the_end.clear()
    story.loop.stop()
    story.start()
    await story.at_the_end.wait()
    assert story.did == ["step", "pause"] * 2 + ["step", "pause"]
    await story.loop.finish()


async def test_a_loop_that_died_starts_again(tell: Tell) -> None:
    story = tell(ValueError("a defect"))
    await story.run()
    await story.run()
    assert story.did == ["step", "step", "pause"]
    assert len(story.defects) == 1


async def test_a_step_that_is_being_done_may_end_when_it_has_the_time(tell: Tell) -> None:
    may_end = asyncio.Event()
    story = tell(may_end, None)
    story.start()
    while "waits" not in story.did:
        await asyncio.sleep(0)
    finishing = asyncio.create_task(story.loop.finish(seconds=60))
    await asyncio.sleep(0)
    assert not finishing.done()
    may_end.set()
    await finishing
    assert story.did == ["step", "waits", "ends"]


async def test_a_step_that_takes_longer_is_cancelled(tell: Tell) -> None:
    story = tell(asyncio.Event())
    story.start()
    while "waits" not in story.did:
        await asyncio.sleep(0)
    await story.loop.finish(seconds=0.01)
    assert story.did == ["step", "waits"]


async def test_a_pause_is_not_waited_for(tell: Tell) -> None:
    story = tell(None)
    await story.run()
    await story.loop.finish(seconds=3_600)


async def test_a_loop_whose_finish_is_cancelled_ends_all_the_same(tell: Tell) -> None:
    story = tell(asyncio.Event())
    story.start()
    while "waits" not in story.did:
        await asyncio.sleep(0)
    finishing = asyncio.create_task(story.loop.finish(seconds=3_600))
    await asyncio.sleep(0)
    finishing.cancel()
    await asyncio.wait([finishing])
    await story.loop.finish()
    assert finishing.cancelled()
    assert not story.loop.is_running


async def test_a_step_that_fails_because_it_is_stopped_is_not_repeated() -> None:
    """What is cancelled may end with an error that is expected: a driver says that its connection is gone."""
    steps: list[int] = []
    defects = Defects()

    async def step() -> None:
        steps.append(1)
        try:
            await asyncio.Event().wait()
        finally:
            raise Unavailable("the connection was closed")

    loop = Loop("failing", step, asyncio.Event().wait)
    loop.start(defects.report)
    while not steps:
        await asyncio.sleep(0)
    await loop.finish()
    assert steps == [1]
    defects.raise_first()


async def test_a_step_may_stop_its_own_loop() -> None:
    loop: Loop

    async def step() -> None:
        await loop.finish(1)

    loop = Loop("own", step, asyncio.Event().wait)
    loop.start(Defects().report)
    while loop.is_running:
        await asyncio.sleep(0)
    await loop.finish()
