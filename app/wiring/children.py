"""Executions that tasks start: the service, as the task type `workflow` needs it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar
from uuid import UUID

import orjson

from app.domain.errors import Invalid, NotFound, ServiceError, Unavailable, WrongState
from app.domain.executions import Execution
from app.domain.handlers import TaskError
from app.domain.payloads import Payload
from app.domain.refs import parse_ref
from app.engine.controls import ExecutionControls
from app.engine.payloads import Payloads
from app.engine.service import ExecutionService
from app.engine.starting import StartRequest
from app.tasks.child_workflow import Child, ChildEnd

PAUSE_SECONDS = 1.0
Answer = TypeVar("Answer")
_PARENT = re.compile(r"child:([0-9a-f-]{36})/")


class ServedChildren:
    """`serve` comes after everything is built: the service runs on an engine, which runs the tasks that need this."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self._served: tuple[ExecutionService, ExecutionControls] | None = None

    def serve(self, executions: ExecutionService, controls: ExecutionControls) -> None:
        self._served = (executions, controls)

    @property
    def _executions(self) -> ExecutionService:
        return self._needed()[0]

    def _needed(self) -> tuple[ExecutionService, ExecutionControls]:
        if self._served is None:
            raise TaskError("not_ready", "the engine is just starting")
        return self._served

    async def depth_of(self, execution_id: UUID) -> int:
        depth, parent = 0, execution_id
        while (key := (await self._row(parent)).idempotency_key) and (found := _PARENT.match(key)):
            depth, parent = depth + 1, UUID(found[1])
        return depth

    async def start(self, workflow: str, input: dict[str, Any], key: str) -> Child:
        try:
            # The text alone: the value belongs to a config that other attempts use too.
            payload = Payload(self._payloads.from_value(input, "input").text)
            request = StartRequest(parse_ref(workflow), payload, key)
            started = await self._insist(lambda: self._executions.start(request))
        except (NotFound, Invalid) as error:
            raise TaskError("child_not_started", error.message, retryable=isinstance(error, NotFound)) from None
        except ServiceError as error:
            raise TaskError("child_not_started", error.message, retryable=False) from None
        return Child(started.execution.id, started.execution.status, started.already_started)

    async def end_of(self, execution_id: UUID) -> ChildEnd:
        after = 0
        while True:
            try:
                async with aclosing(await self._executions.watch(execution_id, after)) as updates:
                    async for batch in updates:
                        after = batch[-1].event.sequence
                execution = await self._row(execution_id)
                output = None if execution.output is None else orjson.loads(execution.output)
                message = "" if execution.failure is None else execution.failure.message
                return ChildEnd(execution.status, output, message)
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)

    async def cancel(self, execution_id: UUID, reason: str) -> None:
        controls = self._needed()[1]
        try:
            await self._insist(lambda: controls.cancel(execution_id, reason))
        except WrongState:
            return

    async def _row(self, execution_id: UUID) -> Execution:
        return await self._insist(lambda: self._executions.get(execution_id))

    async def _insist(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)
