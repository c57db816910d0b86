"""Waits for the ends of executions: one reads for all who wait for the same one."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from app.domain.executions import Execution
from app.engine.watching.watchers import Hub

Read = Callable[[int, UUID], Awaitable[Execution]]


class _Reading:
    """The reads of one execution.

    task: ends with the execution, or when the process stops.
    waiters: how many wait for it.
    """

    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[Execution]) -> None:
        self.task = task
        self.waiters = 0


class Ends:
    """The executions whose ends are waited for in this process.

    hub: tells that a history has grown.
    read: reads an execution of a tenant.
    poll_seconds: after so long it is read without a wake-up.
    """

    def __init__(self, hub: Hub, read: Read, poll_seconds: float) -> None:
        self._hub = hub
        self._read = read
        self._poll_seconds = poll_seconds
        self._readings: dict[tuple[int, UUID], _Reading] = {}

    async def wait(self, tenant_id: int, execution_id: UUID, seconds: float) -> Execution | None:
        """The execution when it has ended, or as it is when the process stops; None after `seconds`.

        An error of a read is raised to all who wait.
        """
        place = tenant_id, execution_id
        reading = self._readings.get(place)
        if reading is None or reading.task.done():
            task = asyncio.create_task(self._follow(tenant_id, execution_id), name="end of an execution")
            reading = self._readings[place] = _Reading(task)
        reading.waiters += 1
        try:
            done, _ = await asyncio.wait({reading.task}, timeout=seconds)
            return reading.task.result() if done else None
        finally:
            reading.waiters -= 1
            if not reading.waiters:
                self._leave(place, reading)

    async def _follow(self, tenant_id: int, execution_id: UUID) -> Execution:
        # Added before the first read: what is committed after that read wakes the watcher.
        watcher = self._hub.add(execution_id)
        try:
            execution = await self._read(tenant_id, execution_id)
            while not execution.status.is_final and not self._hub.closing:
                await watcher.wait_at_most(self._poll_seconds)
                execution = await self._read(tenant_id, execution_id)
            return execution
        finally:
            self._hub.remove(execution_id, watcher)

    def _leave(self, place: tuple[int, UUID], reading: _Reading) -> None:
        if self._readings.get(place) is reading:
            del self._readings[place]
        # An error that comes while the last one leaves is retrieved here, so that asyncio does not log it.
        if not reading.task.cancel() and not reading.task.cancelled():
            reading.task.exception()
