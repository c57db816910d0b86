"""Callers that are limited to some workflows: whether what a request names belongs to one of them."""

from dataclasses import dataclass
from uuid import UUID

from app.domain.callers import Caller
from app.domain.errors import PermissionDenied
from app.domain.permissions import Target
from app.domain.refs import Ref
from app.identity.ports import WorkflowKeys


@dataclass(frozen=True, slots=True)
class Named:
    """What a request names; None for what it does not."""

    workflow: Ref | None = None
    execution: UUID | None = None
    schedule: Ref | None = None


class WorkflowLimits:
    """Refuses what is not within a caller's limit. Only callers with a limit cost a read.

    keys: finds the key of a workflow.
    """

    def __init__(self, keys: WorkflowKeys) -> None:
        self._keys = keys

    async def check(self, caller: Caller, target: Target, named: Named) -> None:
        """Raise `PermissionDenied` if the caller has a limit and the request is not within it.

        What does not exist is refused, too: whether it exists is not for the caller to know.
        """
        if caller.workflows is None or target in (Target.NONE, Target.ASKED):
            return
        if not caller.workflows.matches(await self._key(caller.tenant_id, target, named)):
            raise PermissionDenied(
                f"the key is limited to the workflows {caller.workflows.text}; name one of them by its key or id"
            )

    async def _key(self, tenant_id: int, target: Target, named: Named) -> str | None:
        """The key of the workflow that is named, as far as the operation has a place to name one."""
        match target:
            case Target.WORKFLOW | Target.LIST if named.workflow is not None:
                return named.workflow.key or await self._keys.of_workflow(named.workflow)
            case Target.EXECUTION if named.execution is not None:
                return await self._keys.of_execution(tenant_id, named.execution)
            case Target.SCHEDULE if named.schedule is not None:
                return await self._keys.of_schedule(named.schedule)
            case _:
                return None
