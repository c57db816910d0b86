"""Moves entities for the tasks of executions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.domain.callers import Caller
from app.domain.entity_moves import EntityMove
from app.domain.errors import NotFound, ServiceError, Unavailable
from app.domain.handlers import TaskError
from app.domain.refs import Ref, parse_ref
from app.machines.actors import execution_actor
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityService, EntityStart
from app.machines.entity import Entity, EntityEvent
from app.machines.limits import TASK_KEYS
from app.machines.refusals import EntityExists, Reason, TransitionRefused

REFUSED = "transition_refused"
MAY_HOLD_LATER = frozenset({Reason.NOT_POSSIBLE, Reason.CONDITIONS})


@dataclass(frozen=True, slots=True)
class TaskMoves:
    """Moves entities as the execution whose task it is, which has all roles. entities: moves them."""

    entities: EntityService

    async def move(self, wanted: EntityMove) -> Mapping[str, Any]:
        """Raise `TaskError`: a refusal can be retried only if the task says so."""
        try:
            return await self._move(wanted)
        except Unavailable as error:
            raise TaskError(error.code, error.message) from None
        except TransitionRefused as error:
            retryable = wanted.retries and error.refusal.reason in MAY_HOLD_LATER
            raise TaskError(REFUSED, error.message, retryable=retryable) from None
        except NotFound as error:
            raise TaskError(error.code, error.message, retryable=wanted.retries) from None
        except ServiceError as error:
            raise TaskError(error.code, error.message, retryable=False) from None

    async def _move(self, wanted: EntityMove) -> Mapping[str, Any]:
        machine, caller = parse_ref(wanted.machine, wanted.tenant_id, "machine"), _caller(wanted)
        request = TransitionRequest(
            actor=execution_actor(wanted.execution_id),
            to=wanted.to,
            transition=wanted.transition,
            notes=wanted.notes,
            context=wanted.context,
            data=wanted.data,
            idempotency_key=f"{TASK_KEYS}{wanted.key}",
        )
        if wanted.start:
            started = await self._start(caller, machine, wanted, request)
            if wanted.to is None and wanted.transition is None:
                return started
        entity = await self.entities.find(caller, machine, wanted.table, wanted.entity)
        moved = await self.entities.transition(caller, entity.id, request)
        return _output(moved.entity, moved.event)

    async def _start(
        self, caller: Caller, machine: Ref, wanted: EntityMove, request: TransitionRequest
    ) -> Mapping[str, Any]:
        """Start the entity, or leave it as it is if it exists."""
        first = replace(
            request, to=None, transition=None, data=None, idempotency_key=f"{request.idempotency_key}/start"
        )
        try:
            begun = EntityStart(machine, wanted.table, wanted.entity, first, wanted.data or {})
            moved = await self.entities.start(caller, begun)
        except EntityExists:
            found = await self.entities.find(caller, machine, wanted.table, wanted.entity)
            return _state_of(found, found.sequence, None, found.state)
        return _output(moved.entity, moved.event)


def _caller(wanted: EntityMove) -> Caller:
    """Only its tenant matters: the actor of the requests is the execution."""
    return Caller(wanted.tenant_id, "", execution_actor(wanted.execution_id).name, frozenset())


def _output(entity: Entity, event: EntityEvent) -> Mapping[str, Any]:
    return _state_of(entity, event.sequence, event.from_state, event.to_state)


def _state_of(entity: Entity, sequence: int, from_state: str | None, to_state: str | None) -> Mapping[str, Any]:
    return {
        "entity_id": str(entity.id),
        "sequence": sequence,
        "from_state": from_state,
        "to_state": to_state,
        "state": entity.state,
    }
