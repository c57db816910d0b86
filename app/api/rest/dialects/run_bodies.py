"""The request body of a trigger."""

from typing import Any

from pydantic import Field

from app.api.rest.body_model import Body, with_example
from app.domain.run_ids import MAX_RUN_ID


class TriggerBody(Body):
    """Which workflow to run, and with what."""

    model_config = with_example({"workflow_id": "my-workflow", "payload": {"user": "demo"}})

    workflow_id: str | int = Field(description="The workflow's id or key.")
    payload: dict[str, Any] = Field(default_factory=dict, description="The input of the run.")
    run_id: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_RUN_ID,
        description="What the run is called by. A UUID is its id, any other text stands for one. A second trigger with "
        "the same run id and workflow changes nothing.",
    )
