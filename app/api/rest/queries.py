"""The query of the list of executions."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from app.api.rest.dependencies import MAX_LIMIT
from app.api.rest.views import ExecutionStatusName
from app.domain.states import ExecutionStatus
from app.engine.ports import ExecutionFilter


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far from now") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class ExecutionQuery(BaseModel):
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="How many items to answer at most.")
    status: ExecutionStatusName | None = Field(None, description="Only those in this status.")
    workflow_id: str | None = Field(None, description="Only those of this workflow: an id or a key.")
    created_after: Instant | None = Field(None, description="Only those created after this instant.")
    created_before: Instant | None = Field(None, description="Only those created before this instant.")

    def filter(self, workflow_id: int | None) -> ExecutionFilter:
        """`workflow_id` is the id behind this query's."""
        status = None if self.status is None else ExecutionStatus(self.status)
        return ExecutionFilter(workflow_id, status, self.created_after, self.created_before)
