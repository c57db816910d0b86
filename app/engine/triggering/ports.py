"""What triggers need from outside."""

from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from app.domain.executions import Execution
from app.engine.ports import Opening


class Storing(Enum):
    """What has become of a new execution.

    STORED: it is stored.
    TAKEN: there is an execution with this id, of this or any other tenant.
    REFUSED: the opening's conditions do not hold.
    """

    STORED = auto()
    TAKEN = auto()
    REFUSED = auto()


class RunStore(Protocol):
    async def store_run(self, tenant_id: int, run_id: UUID, opening: Opening, delay_seconds: float) -> Storing:
        """Store a new execution with its first event. Engines may claim it after `delay_seconds`."""

    async def get(self, tenant_id: int, execution_id: UUID) -> Execution | None: ...
