"""The task type `python`: calls a registered function. Coroutine functions run in the event loop, others in threads.

A thread cannot be stopped. When an attempt is cancelled or times out, its handler returns at once, but the function
continues to its end, and its result is discarded. Another thread takes its place, unless too many were
replaced. Waiting for a free thread counts as time of the attempt.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from inspect import isawaitable
from typing import Any

import structlog
from pydantic import Field

from app.domain.accepted import choice_form
from app.domain.callers import DEFAULT_TENANT
from app.domain.errors import Problem
from app.domain.handlers import Attempt, TaskError
from app.domain.texts import storable_text
from app.tasks.functions import TaskFunction
from app.tasks.task_type import TaskConfig, TaskType, invalid_config, parse_config
from app.tasks.threads import WorkerThreads

logger = structlog.get_logger(__name__)

MAX_MESSAGE = 2_000

_HOW_TO_REGISTER = "register it with @task_function in a module that PYTHON_MODULES names, for both processes"


class PythonConfig(TaskConfig):
    function: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)


class PythonHandler:
    """Calls the functions that the tenant of an execution can call.

    functions: by the key of a tenant, and by name.
    threads: how many threads call them.
    unlimited: the keys of the tenants that can call every function that is registered.
    """

    def __init__(
        self,
        functions: Mapping[str, Mapping[str, TaskFunction]],
        threads: int,
        unlimited: Collection[str] = (DEFAULT_TENANT,),
    ) -> None:
        self._functions = functions
        self._unlimited = unlimited
        self._threads = WorkerThreads(threads)

    async def run(self, attempt: Attempt) -> Any:
        """The function's result. A `TaskError` passes unchanged; any other exception becomes a `python_error`."""
        # Other executions share the config, other tasks the input: the function gets copies that it can change.
        own = replace(attempt, config=deepcopy(dict(attempt.config)), input=deepcopy(attempt.input))
        config = parse_config(PythonConfig, own.config)
        if problems := self.problems(config, attempt.tenant):
            raise invalid_config(problems)
        function = self._functions[attempt.tenant][config.function]
        call = partial(function.call, **function.keywords(config.arguments, own))
        result = call() if function.is_coroutine else await self._in_thread(call, attempt)
        return await _awaited(result, attempt) if isawaitable(result) else result

    def problems(self, config: PythonConfig, tenant: str) -> list[Problem]:
        known = self._functions.get(tenant, {})
        function = known.get(config.function)
        if function is None:
            limited_tenant = None if tenant in self._unlimited else tenant
            return [Problem("config.function", _unknown(config.function, known, limited_tenant))]
        problem = function.argument_problem(config.arguments)
        return [] if problem is None else [Problem("config.arguments", problem)]

    async def close(self) -> None:
        self._threads.close()

    async def _in_thread(self, call: Callable[[], Any], attempt: Attempt) -> Any:
        context = contextvars.copy_context()
        made = self._threads.submit(partial(context.run, _called, call, attempt), attempt.group)
        try:
            return await asyncio.wrap_future(made.future)
        except asyncio.CancelledError:
            if (replaced := self._threads.abandon(made)) is not None:
                _log_left_running(attempt, replaced)
            raise


def _unknown(name: str, known: Iterable[str], limited_tenant: str | None) -> str:
    """Says the same of a function that only other tenants can call as of one that there is not.

    limited_tenant: None for a tenant that can call every function.
    """
    known, tenant = list(known), limited_tenant
    if tenant is None:
        what, how = f"{name!r} is not a registered function", _HOW_TO_REGISTER
    else:
        what = f"function {name!r} is not available to tenant {tenant!r}"
        how = f"the operator can add it to python_functions of [{tenant}] in TENANTS_FILE"
    if not known and tenant is None:
        return f"{what}: none is registered; {how}"
    near = get_close_matches(name, known, n=3)
    hint = f"did you mean {choice_form([repr(one) for one in near])}? If not, " if near else ""
    return f"{what}; {hint}{how}"


def _log_left_running(attempt: Attempt, replaced: bool) -> None:
    logger.warning(
        "python_function_left_running",
        function=str(attempt.config.get("function")),
        task=attempt.task_name,
        execution_id=str(attempt.execution_id),
        thread="replaced" if replaced else "not replaced: too many are",
    )


def _called(call: Callable[[], Any], attempt: Attempt) -> Any:
    """Call the function, in the thread, and turn every exception into a `TaskError`: an asyncio future cannot carry a
    StopIteration, and a SystemExit would end the engine.
    """
    try:
        return call()
    except TaskError:
        raise
    except BaseException as error:
        raise _python_error(error, attempt) from error


async def _awaited(result: Awaitable[Any], attempt: Attempt) -> Any:
    try:
        return await result
    except TaskError:
        raise
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        raise _python_error(error, attempt) from error
    except (Exception, SystemExit) as error:
        raise _python_error(error, attempt) from error


def _is_being_cancelled() -> bool:
    """False if the function itself raised the CancelledError, for example of a task that it created."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _python_error(error: BaseException, attempt: Attempt) -> TaskError:
    logger.warning(
        "task_function_failed", task=attempt.task_name, execution_id=str(attempt.execution_id), exc_info=error
    )
    return TaskError("python_error", storable_text(attempt.masked(f"{type(error).__name__}: {error}"), MAX_MESSAGE))


def python_type(
    functions: Mapping[str, Mapping[str, TaskFunction]], threads: int, unlimited: Collection[str]
) -> TaskType:
    """As `PythonHandler`."""
    handler = PythonHandler(functions, threads, unlimited)
    return TaskType(PythonConfig, handler, close=handler.close, tenant_check=handler.problems)
