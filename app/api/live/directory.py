"""Finds the channel that a caller asks for, if the caller may follow it."""

from dataclasses import dataclass
from uuid import UUID

from app.api.live.channels import Channel, Kind, Name, parse_name
from app.definitions.service import DefinitionService
from app.domain.callers import Caller
from app.domain.errors import NotFound
from app.domain.refs import MAX_ID, parse_ref
from app.engine.identifiers import parse_execution_id
from app.engine.service import ExecutionService
from app.identity.admission import Admission
from app.identity.workflow_limits import Named
from app.machines.entities import EntityService


@dataclass(frozen=True, slots=True)
class Directory:
    """The channels.

    definitions: knows workflows and tasks.
    executions: knows executions.
    entities: knows entities.
    admission: knows what a caller may do.
    """

    definitions: DefinitionService
    executions: ExecutionService
    entities: EntityService
    admission: Admission

    async def channel(self, caller: Caller, text: str) -> Channel:
        """The channel with this name. Raise `Refusal` for a name that is none, `PermissionDenied`, and `NotFound` for
        what the tenant has not."""
        name = parse_name(text)
        self.admission.check_scopes(caller, name.permission)
        if name.kind is Kind.WORKFLOW:
            return await self._workflow(caller, name)
        if name.kind is Kind.EXECUTION:
            return await self._execution(caller, name)
        await self.admission.check_limit(caller, name.permission, Named())
        if name.kind is Kind.TASK:
            return await self._task(caller, name)
        if name.kind is Kind.ENTITY:
            return await self._entity(caller, name)
        return Channel(name.text, name.kind)

    async def _workflow(self, caller: Caller, name: Name) -> Channel:
        ref = parse_ref(name.id or "", caller.tenant_id)
        await self.admission.check_limit(caller, name.permission, Named(workflow=ref))
        document = await self.definitions.document(caller, ref)
        return Channel(name.text, name.kind, document.workflow_id)

    async def _execution(self, caller: Caller, name: Name) -> Channel:
        execution_id: UUID = parse_execution_id(name.id or "", "channel")
        await self.admission.check_limit(caller, name.permission, Named(execution=execution_id))
        execution = await self.executions.get(caller, execution_id)
        return Channel(name.text, name.kind, execution.id)

    async def _entity(self, caller: Caller, name: Name) -> Channel:
        entity = await self.entities.get(caller, parse_execution_id(name.id or "", "channel"))
        return Channel(name.text, name.kind, entity.id)

    async def _task(self, caller: Caller, name: Name) -> Channel:
        text = name.id or ""
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID):
            raise NotFound("task", text)
        await self.definitions.document_of_task(caller, int(text))
        return Channel(name.text, name.kind, int(text))
