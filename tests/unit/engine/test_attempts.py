"""One attempt: whatever its handler does becomes exactly one outcome."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.domain.handlers import Attempt, Handler, TaskError
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.running.attempts import Attempts
from app.engine.running.elements import Elements
from tests.support.histories import NOON

ATTEMPT = Attempt(uuid4(), 1, 101, "a", 1, {}, {}, {}, NOON, None, lambda percent, message: None)


class Async:
    def __init__(self, function: Any) -> None:
        self.run = function


class Instant:
    def __init__(self, function: Any) -> None:
        self.run_now = function


class Types:
    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def handler(self, type: str | None) -> Handler | None:
        return self._handler if type == "known" else None


class Trial:
    """Starts one attempt and keeps its outcomes."""

    def __init__(self, handler: Handler, timeout: float | None = None, type: str = "known") -> None:
        self.outcomes: list[Outcome] = []
        attempt = replace(ATTEMPT, timeout_seconds=timeout)
        attempts = Attempts(Types(handler), 100)
        self.task = attempts.start(attempt, attempts.handler(type), type, self.outcomes.append)

    async def outcome(self) -> Outcome:
        while not self.outcomes:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        (only,) = self.outcomes
        return only


def run_now(function: Any) -> Outcome:
    handler = Instant(function)
    return Attempts(Types(handler), 100).run_now(handler, ATTEMPT, None)


def answering(value: Any) -> Any:
    async def run(attempt: Attempt) -> Any:
        return value

    return run


def raising(error: BaseException) -> Any:
    async def run(attempt: Attempt) -> Any:
        raise error

    return run


def raising_now(error: BaseException) -> Any:
    def run_now(attempt: Attempt) -> Any:
        raise error

    return run_now


async def for_ever(attempt: Attempt) -> None:
    await asyncio.get_running_loop().create_future()


def failure(outcome: Outcome) -> tuple[str, bool]:
    assert isinstance(outcome, Failed)
    return outcome.error.code, outcome.error.retryable


async def test_an_answer_is_a_success() -> None:
    assert await Trial(Async(answering({"n": 1}))).outcome() == Succeeded('{"n":1}')
    assert await Trial(Async(answering(None))).outcome() == Succeeded(None)


def test_an_instant_handler_answers_at_once() -> None:
    assert run_now(lambda attempt: attempt.task_name) == Succeeded('"a"')


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), TimeoutError(), StopAsyncIteration()])
async def test_whatever_a_handler_raises_fails_its_task(error: BaseException) -> None:
    assert failure(await Trial(Async(raising(error)), timeout=60).outcome()) == ("handler_error", True)
    assert failure(run_now(raising_now(error))) == ("handler_error", True)


async def test_a_task_error_is_kept() -> None:
    error = TaskError("broken", "it broke", retryable=False)
    assert await Trial(Async(raising(error))).outcome() == Failed(error)
    assert run_now(raising_now(error)) == Failed(error)


@pytest.mark.parametrize("value", [float("nan"), "\x00", object(), "x" * 101])
async def test_an_answer_that_cannot_be_stored_fails_for_good(value: Any) -> None:
    assert failure(await Trial(Async(answering(value))).outcome()) == ("bad_output", False)
    assert failure(run_now(lambda attempt: value)) == ("bad_output", False)


async def test_an_unknown_type_fails_for_good() -> None:
    trial = Trial(Async(for_ever), type="other")
    assert trial.task is None
    assert failure(await trial.outcome()) == ("unknown_task_type", False)


async def test_an_attempt_that_takes_too_long_is_cut_off() -> None:
    outcome = await Trial(Async(for_ever), timeout=0.01).outcome()
    assert failure(outcome) == ("timeout", True)
    assert isinstance(outcome, Failed)
    assert "0.01 s" in outcome.error.message


async def suppressing(attempt: Attempt) -> str:
    try:
        await for_ever(attempt)
    except asyncio.CancelledError:
        await asyncio.sleep(0)
    return "late"


async def failing_late(attempt: Attempt) -> None:
    try:
        await for_ever(attempt)
    finally:
        raise TaskError("dirty", "could not clean up", retryable=False)


async def cancelling_itself_late(attempt: Attempt) -> None:
    try:
        await for_ever(attempt)
    except asyncio.CancelledError:
        own = asyncio.ensure_future(for_ever(attempt))
        own.cancel()
        await own


@pytest.mark.parametrize("run", [suppressing, failing_late, cancelling_itself_late])
async def test_an_attempt_whose_time_is_up_has_timed_out_whatever_its_handler_does_then(run: Any) -> None:
    outcome = await Trial(Async(run), timeout=0.01).outcome()
    assert failure(outcome) == ("timeout", True)


class EmptyConfigs:
    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    async def config(self, number: int, workflow_id: int) -> dict[str, Any]:
        return {}


async def test_an_element_that_lets_a_cancellation_out_has_failed() -> None:
    async def run(attempt: Attempt) -> None:
        raise asyncio.CancelledError

    attempts = Attempts(Types(Async(run)), 100)
    elements = Elements(attempts, "known", EmptyConfigs(2), {}, 1, lambda number, output: None)
    with pytest.raises(TaskError, match="element 0: the task's handler let a cancellation out"):
        await elements.run(ATTEMPT)


@pytest.mark.parametrize("told_by", ["cancel", "other element"])
async def test_no_element_begins_after_the_stop_although_one_suppresses_it(told_by: str) -> None:
    begun: list[int] = []
    completed: list[int] = []

    async def run(attempt: Attempt) -> None:
        begun.append(attempt.element or 0)
        if told_by == "other element" and attempt.element == 1:
            raise TaskError("broken", "it broke")
        await suppressing(attempt)

    attempts = Attempts(Types(Async(run)), 100)
    elements = Elements(attempts, "known", EmptyConfigs(9), {}, 2, lambda number, output: completed.append(number))
    task = asyncio.ensure_future(elements.run(ATTEMPT))
    while begun != [0, 1]:
        await asyncio.sleep(0)
    if told_by == "cancel":
        task.cancel()
    with pytest.raises((TaskError, asyncio.CancelledError)):
        await task
    assert begun == [0, 1]
    assert sorted(completed) == ([0, 1] if told_by == "cancel" else [0])


async def test_a_cancelled_attempt_was_stopped() -> None:
    trial = Trial(Async(for_ever))
    await asyncio.sleep(0)
    assert trial.task is not None
    trial.task.cancel()
    assert await trial.outcome() == Stopped()


async def test_an_attempt_that_is_cancelled_before_its_first_step_was_stopped_too() -> None:
    trial = Trial(Async(for_ever))
    assert trial.task is not None
    trial.task.cancel()
    assert await trial.outcome() == Stopped()


async def test_a_handler_may_end_well_although_it_was_cancelled() -> None:
    async def run(attempt: Attempt) -> str:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return "saved"
        return "never"

    trial = Trial(Async(run))
    await asyncio.sleep(0)
    assert trial.task is not None
    trial.task.cancel()
    assert await trial.outcome() == Succeeded('"saved"')
