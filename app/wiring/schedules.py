"""Builds the service that stores schedules, and the loop that starts their executions."""

from contextlib import suppress
from functools import partial
from uuid import UUID

from app.adapters.database.pool import Pool
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.signals import PostgresSignals
from app.audit.entry import UNMASKED, Entries
from app.background.wake_up import WakeUp
from app.config import Settings
from app.domain.errors import NotFound, WrongState
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.controls import ExecutionControls
from app.engine.notifying import notify_engines
from app.engine.service import ExecutionService
from app.engine.starting import StartRequest
from app.schedules.firing import Scheduler
from app.schedules.ports import NEW_SCHEDULES
from app.schedules.service import ScheduleService


class ScheduledExecutions:
    """Starts and cancels executions for schedules, through the same services as the APIs."""

    def __init__(self, executions: ExecutionService, controls: ExecutionControls) -> None:
        self._executions = executions
        self._controls = controls

    async def start(self, schedule_id: int, workflow: Ref, input: Payload, idempotency_key: str) -> UUID:
        request = StartRequest(workflow, input, idempotency_key, is_internal=True)
        return (await self._executions.start_internally(request, f"schedule:{schedule_id}")).execution.id

    async def cancel(self, tenant_id: int, execution_id: UUID, reason: str) -> None:
        with suppress(NotFound, WrongState):
            await self._controls.cancel_internally(tenant_id, execution_id, reason)


def schedule_service(pool: Pool, signals: PostgresSignals, entries: Entries = UNMASKED) -> ScheduleService:
    announce = partial(notify_engines, signals, NEW_SCHEDULES)
    return ScheduleService(PostgresScheduleStore(pool, entries), announce)


def build_scheduler(
    settings: Settings, pool: Pool, signals: PostgresSignals, executions: ExecutionService, controls: ExecutionControls
) -> Scheduler:
    """Return the loop. It subscribes to `signals`, so they must not be started yet."""
    wake_up = WakeUp()
    signals.subscribe(NEW_SCHEDULES, lambda _: wake_up.wake())
    store = PostgresScheduleStore(pool)
    return Scheduler(store, ScheduledExecutions(executions, controls), wake_up, settings.engine_poll_seconds)
