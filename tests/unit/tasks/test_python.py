"""The `python` type: which functions it calls, where they run, and what becomes of what they raise."""

import asyncio
import contextvars
import threading
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

from app.domain.handlers import Attempt, TaskError
from app.masking import Mask
from app.tasks.python import PythonConfig, PythonHandler

REQUEST_ID = contextvars.ContextVar("request_id", default="none")


def add(a: int, b: int = 1) -> int:
    return a + b


async def add_later(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


def problems(handler: PythonHandler, function: str, **arguments) -> list[tuple[str, str]]:
    found = handler.problems(PythonConfig(function=function, arguments=arguments), "default")
    return [(problem.path, problem.message) for problem in found]


@pytest.mark.parametrize("function", [add, add_later, partial(add, b=5)])
async def test_arguments_are_passed_as_keywords(handler, attempt, function) -> None:
    config = {"function": "f", "arguments": {"a": 2, "b": 3}}
    assert await handler(f=function).run(attempt(config)) == 5


async def test_a_plain_function_runs_in_a_thread_and_a_coroutine_in_the_loop(handler, attempt) -> None:
    def where() -> str:
        return threading.current_thread().name

    async def where_async() -> str:
        return threading.current_thread().name

    both = handler(plain=where, coroutine=where_async)
    assert await both.run(attempt({"function": "plain"})) == "python-task-1"
    assert await both.run(attempt({"function": "coroutine"})) == threading.current_thread().name


async def test_an_awaitable_from_a_plain_function_is_awaited(handler, attempt) -> None:
    assert await handler(f=lambda a: add_later(a)).run(attempt({"function": "f", "arguments": {"a": 1}})) == 2


async def test_a_thread_sees_the_callers_context(handler, attempt) -> None:
    REQUEST_ID.set("r-1")
    assert await handler(f=REQUEST_ID.get).run(attempt({"function": "f"})) == "r-1"


async def test_a_parameter_named_attempt_is_filled_in(handler, attempt) -> None:
    reported = []

    def look(key: str, *, attempt: Attempt) -> list:
        attempt.report(50.0, "half")
        return [attempt.input[key], attempt.upstream["before"], attempt.number]

    config = {"function": "look", "arguments": {"key": "order"}}
    given = attempt(config, number=2, report=lambda percent, message: reported.append((percent, message)))
    assert await handler(look=look).run(given) == [12, [1, 2], 2]
    assert reported == [(50.0, "half")]


async def test_keywords_of_any_name_do_not_count_as_asking_for_the_attempt(handler, attempt) -> None:
    assert await handler(f=lambda **rest: sorted(rest)).run(attempt({"function": "f", "arguments": {"a": 1}})) == ["a"]


async def test_a_function_cannot_change_the_config_for_later_calls(handler, attempt) -> None:
    def spoil(items: list, attempt: Attempt) -> int:
        items.append(0)
        attempt.config["arguments"]["items"].append(0)
        return len(items)

    config = {"function": "spoil", "arguments": {"items": [1]}}
    assert await handler(spoil=spoil).run(attempt(config)) == 3
    assert config == {"function": "spoil", "arguments": {"items": [1]}}


HOW_TO_REGISTER = "register it with @task_function in a module that PYTHON_MODULES names, for both processes"


async def test_an_unknown_function_is_a_problem_with_near_names(handler) -> None:
    known = handler(charge_card=add, refund_card=add)
    assert problems(known, "charge_crad") == [
        (
            "config.function",
            f"'charge_crad' is not a registered function; did you mean 'charge_card'? If not, {HOW_TO_REGISTER}",
        )
    ]
    assert problems(known, "xyz") == [("config.function", f"'xyz' is not a registered function; {HOW_TO_REGISTER}")]
    assert problems(handler(), "xyz") == [
        ("config.function", f"'xyz' is not a registered function: none is registered; {HOW_TO_REGISTER}")
    ]


async def test_arguments_that_do_not_fit_are_a_problem(handler) -> None:
    def with_attempt(a: int, attempt: Attempt) -> None: ...

    known = handler(add=add, with_attempt=with_attempt, untold=dict.fromkeys)
    assert problems(known, "add", a=1) == []
    assert problems(known, "add") == [
        ("config.arguments", "does not fit the function: missing a required argument: 'a'")
    ]
    assert problems(known, "add", a=1, c=2) == [
        ("config.arguments", "does not fit the function: got an unexpected keyword argument 'c'")
    ]
    assert problems(known, "with_attempt", a=1) == []
    assert problems(known, "with_attempt", a=1, attempt=2) == [
        ("config.arguments", "must not hold 'attempt': the engine fills it in")
    ]


async def test_an_engine_that_lacks_the_function_fails_the_task_for_good(handler, attempt) -> None:
    with pytest.raises(TaskError, match=r"config\.function: 'gone' is not a registered function") as caught:
        await handler(add=add).run(attempt({"function": "gone"}))
    assert (caught.value.code, caught.value.retryable) == ("invalid_config", False)


class Odd(Exception):
    pass


def stop_iteration() -> None:
    next(iter(()))


async def cancelled_by_itself() -> None:
    inner = asyncio.ensure_future(asyncio.sleep(10))
    inner.cancel()
    await inner


def raising(error: BaseException):
    def plain() -> None:
        raise error

    return plain


def raising_async(error: BaseException):
    async def coroutine() -> None:
        raise error

    return coroutine


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (raising(Odd("a\0b")), "Odd: a\ufffdb"),
        (raising_async(Odd("no")), "Odd: no"),
        (raising(TimeoutError()), "TimeoutError: "),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (raising_async(SystemExit(3)), "SystemExit: 3"),
        (stop_iteration, "StopIteration: "),
        (cancelled_by_itself, "CancelledError: "),
        (raising(asyncio.CancelledError()), "CancelledError: "),
    ],
)
async def test_whatever_a_function_raises_is_a_retryable_failure(handler, attempt, function, message) -> None:
    with capture_logs() as lines, pytest.raises(TaskError) as caught:
        await handler(f=function).run(attempt({"function": "f"}))
    assert (caught.value.code, caught.value.message, caught.value.retryable) == ("python_error", message, True)
    assert [line["event"] for line in lines] == ["task_function_failed"]


async def test_a_message_without_end_is_cut(handler, attempt) -> None:
    with capture_logs(), pytest.raises(TaskError) as caught:
        await handler(f=raising(Odd("x" * 1_000_000))).run(attempt({"function": "f"}))
    assert len(caught.value.message) == 2_000


async def test_secrets_are_hidden_before_a_message_is_cut(handler, attempt) -> None:
    """A part of a secret is not found any more."""
    hiding = replace(attempt({"function": "f"}), masked=Mask(["s3cr3t-token"]).text)
    with capture_logs(), pytest.raises(TaskError) as caught:
        await handler(f=raising(Odd("x" * 1_990 + "s3cr3t-token"))).run(hiding)
    assert caught.value.message == f"Odd: {'x' * 1_990}***"


@pytest.mark.parametrize("make", [raising, raising_async])
async def test_a_task_error_passes_unchanged(handler, attempt, make) -> None:
    error = TaskError("card_refused", "no money", retryable=False, retry_after_seconds=5)
    with pytest.raises(TaskError) as caught:
        await handler(f=make(error)).run(attempt({"function": "f"}))
    assert caught.value is error
