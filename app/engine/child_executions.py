"""Starts, follows and cancels executions for tasks of type `workflow`.

The engine and the task types do not import each other. The protocol `Children` in `app/tasks/child_workflow.py`
declares what the task type needs; the values that are exchanged are in `app/domain/handlers.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar
from uuid import UUID

import orjson

from app.background.backoff import Backoff
from app.domain.errors import Invalid, NotFound, ServiceError, Unavailable, WrongState
from app.domain.executions import Execution
from app.domain.handlers import Attempt, ChildEnd, ChildExecution, TaskError
from app.domain.parents import child_key, parent_of
from app.domain.payloads import Payload, Payloads
from app.domain.refs import parse_ref
from app.engine.controls import ExecutionControls
from app.engine.service import ExecutionService
from app.engine.starting import StartedBy, StartRequest

RETRY = Backoff(first_seconds=0.5, longest_seconds=5.0)
Result = TypeVar("Result")


class ChildExecutions:
    """Child executions, for the task type `workflow`. All methods wait while the database is unreachable.

    The services need the engine, the engine needs the task types, and these need this object. So it is created first,
    and receives the services by `serve` when everything is built.
    """

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._services: tuple[ExecutionService, ExecutionControls] | None = None

    def serve(self, executions: ExecutionService, controls: ExecutionControls) -> None:
        self._services = (executions, controls)

    async def depth_of(self, execution_id: UUID) -> int:
        depth, parent = 0, parent_of(await self._row(execution_id))
        while parent is not None:
            depth, parent = depth + 1, parent_of(await self._row(parent.execution_id))
        return depth

    async def start(self, workflow: str, input: dict[str, Any], attempt: Attempt, number: int) -> ChildExecution:
        try:
            # Only the text is used: the value is part of a config that other attempts use, too.
            payload = Payload(self._payloads.from_value(input, "input").text)
            starter = StartedBy(attempt.execution_id, attempt.task_name)
            request = StartRequest(
                parse_ref(workflow), payload, child_key(attempt.task_key, number), started_by=starter, is_internal=True
            )
            started = await _persist(lambda: self._executions.start(request))
        except (NotFound, Invalid) as error:
            raise TaskError("child_not_started", error.message, retryable=isinstance(error, NotFound)) from None
        except ServiceError as error:
            raise TaskError("child_not_started", error.message, retryable=False) from None
        return ChildExecution(started.execution.id, started.execution.status, started.already_started)

    async def end_of(self, execution_id: UUID) -> ChildEnd:
        after, failures = 0, 0
        while True:
            try:
                async with aclosing(await self._executions.watch(execution_id, after)) as updates:
                    async for batch in updates:
                        after, failures = batch[-1].event.sequence, 0
                execution = await self._row(execution_id)
                output = None if execution.output is None else orjson.loads(execution.output)
                message = "" if execution.failure is None else execution.failure.message
                return ChildEnd(execution.status, output, message)
            except Unavailable:
                failures += 1
                await asyncio.sleep(RETRY.pause(failures))

    async def cancel(self, execution_id: UUID, reason: str) -> None:
        _, controls = self._ready()
        try:
            await _persist(lambda: controls.cancel(execution_id, reason))
        except WrongState:
            return

    @property
    def _executions(self) -> ExecutionService:
        return self._ready()[0]

    def _ready(self) -> tuple[ExecutionService, ExecutionControls]:
        if self._services is None:
            raise TaskError("not_ready", "the engine is just starting")
        return self._services

    async def _row(self, execution_id: UUID) -> Execution:
        return await _persist(lambda: self._executions.get(execution_id))


async def _persist(call: Callable[[], Awaitable[Result]]) -> Result:
    """Repeat the call until the database is reachable."""
    pauses = RETRY.pauses()
    while True:
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(next(pauses))
