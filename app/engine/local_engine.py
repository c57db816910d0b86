"""The port through which starting and watching use the engine of this process. A process need not have an engine."""

from typing import Protocol
from uuid import UUID

from app.domain.executions import Execution
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.planning.plan import Plan
from app.engine.ports import Opening


class LocalEngine(Protocol):
    """`app/engine/running/engine.py` implements it."""

    def has_room(self, group: Group) -> bool:
        """True when an execution of the workflow can be opened here."""

    async def open(self, execution: Execution, plan: Plan, opening: Opening) -> ExecutionStatus | None:
        """Start a new execution here; return its status once it is stored.

        None when the opening's conditions do not hold, or when the engine cannot tell whether it is stored.
        """

    def held(self, execution_id: UUID) -> tuple[Execution, int] | None:
        """An execution that runs here, and the number of its last stored event; None for any other."""


class NoEngine:
    """For a process without an engine; engines in other processes run its executions."""

    def has_room(self, group: Group) -> bool:
        return False

    async def open(self, execution: Execution, plan: Plan, opening: Opening) -> ExecutionStatus | None:
        return None

    def held(self, execution_id: UUID) -> tuple[Execution, int] | None:
        return None
