"""The query parameters of the list of executions."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.api.rest.body_model import QueryInstant
from app.api.rest.dependencies import MAX_LIMIT
from app.domain.definitions import MAX_NAME
from app.domain.states import ExecutionStatus
from app.domain.texts import text_problem
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import ids_with_prefix, parse_execution_id

_STATUS = "|".join(status.value for status in ExecutionStatus)


def _statuses(text: str) -> str:
    for word in text.split(","):
        if word not in set(ExecutionStatus):
            raise ValueError(f"{word!r} is not a status; these are: {', '.join(ExecutionStatus)}")
    return text


def _storable(text: str) -> str:
    if (problem := text_problem(text)) is not None:
        raise ValueError(problem)
    return text


def _prefix(text: str) -> str:
    try:
        ids_with_prefix(text)
    except ValueError:
        raise ValueError("must be 1 to 32 hexadecimal digits, with or without dashes") from None
    return text


Statuses = Annotated[
    str, AfterValidator(_statuses), Field(json_schema_extra={"pattern": f"^({_STATUS})(,({_STATUS}))*$"})
]
Prefix = Annotated[str, AfterValidator(_prefix), Field(json_schema_extra={"pattern": "^[0-9a-f]{1,32}$"})]
Text = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_storable)]


class ExecutionQuery(BaseModel):
    cursor: str | None = Field(None, description="`next_cursor` of the previous page.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="The largest number of items to return.")
    status: Statuses | None = Field(None, description="Only those in one of these statuses, as `failed,cancelled`.")
    workflow_id: str | None = Field(None, description="Only those of this workflow: an id or a key.")
    workflow_name: Text | None = Field(
        None, description="Only those of workflows whose name contains this, in any case; of at most 200 workflows."
    )
    parent: str | None = Field(None, description="Only those that tasks of this execution have started.")
    root_id: str | None = Field(None, description="Only those below this execution, the top of their family.")
    created_after: QueryInstant | None = Field(None, description="Only those created after this instant.")
    created_before: QueryInstant | None = Field(None, description="Only those created before this instant.")
    error_code: Text | None = Field(None, description="Only those that failed, or were cancelled, with this code.")
    id_prefix: Prefix | None = Field(None, description="Only those whose id begins with these hexadecimal digits.")
    unresolved: bool = Field(
        False,
        description="Only those that failed, and of which no later repetition has completed. Children are left out; "
        "they count with the execution at their top.",
    )

    def filter(self, workflow_id: int | None) -> ExecutionFilter:
        """Return the filter. `workflow_id` is the id that the query's `workflow_id` (an id or a key) stands for."""
        first_id, last_id = (None, None) if self.id_prefix is None else ids_with_prefix(self.id_prefix)
        return ExecutionFilter(
            workflow_id,
            self._statuses(),
            self.created_after,
            self.created_before,
            parent_id=None if self.parent is None else parse_execution_id(self.parent, "parent"),
            root_id=None if self.root_id is None else parse_execution_id(self.root_id, "root_id"),
            error_code=self.error_code,
            first_id=first_id,
            last_id=last_id,
            unresolved=self.unresolved,
        )

    def _statuses(self) -> Sequence[ExecutionStatus]:
        return () if self.status is None else [ExecutionStatus(word) for word in self.status.split(",")]
