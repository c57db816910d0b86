"""The request bodies that control an execution."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from app.api.rest.body_model import Body
from app.api.rest.workflow_bodies import IdempotencyKey
from app.domain.definitions import MAX_NAME
from app.engine.controls import MAX_REASON, MAX_SIGNAL_NAME
from app.engine.repetitions import LATEST, MAX_REVISION

Reason = Annotated[str, Field(max_length=MAX_REASON, description="For people; it is stored in the history.")]


class ReasonBody(Body):
    """Why an execution is cancelled, paused or resumed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "started by mistake"}]})

    reason: Reason = ""


class SignalBody(Body):
    """A signal for an execution. `payload` is any JSON value; it becomes the output of the task that receives it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "approved", "payload": {"by": "Ada"}}]})

    name: str = Field(min_length=1, max_length=MAX_SIGNAL_NAME, description="The signal that the task waits for.")
    payload: Any = Field(None, description="Becomes the output of the task.")


class SkipBody(Body):
    """Which task to skip, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"task": "fetch", "reason": "done by hand"}]})

    task: str = Field(min_length=1, max_length=MAX_NAME, description="The task's name.")
    reason: Reason = ""


def _is_revision(value: Any) -> Any:
    if value is None or value == LATEST or (type(value) is int and 1 <= value <= MAX_REVISION):
        return value
    raise ValueError(f"must be 'latest', or the number of a revision, from 1 to {MAX_REVISION}")


Revision = Annotated[
    int | Literal["latest"] | None,
    BeforeValidator(_is_revision),
    Field(description="The revision of the workflow to run: a number, `latest`, or null for that of the execution."),
]


class RetryBody(Body):
    """On which revision of the workflow an execution is retried."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"revision": "latest"}]})

    revision: Revision = None


class RerunBody(Body):
    """The task from which on an execution runs again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from_task": "fetch", "idempotency_key": "again-1"}]})

    from_task: str = Field(min_length=1, max_length=MAX_NAME, description="This task and all tasks after it run again.")
    idempotency_key: IdempotencyKey = Field(
        None, description="A second rerun of this execution with the same key returns the execution of the first one."
    )
    revision: Revision = None
