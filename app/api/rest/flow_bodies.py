"""The request bodies of flows: a whole definition, which is stored under its id and run."""

from typing import Any

from pydantic import Field

from app.api.rest.body_model import Body, Description, Name, with_example
from app.api.rest.routing_bodies import EXAMPLE_CONDITION, ConditionBody, MaxVisits, conditions_of
from app.api.rest.workflow_bodies import IdempotencyKey
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.routing import END

EXAMPLE_FLOW: dict[str, Any] = {
    "id": "flow123",
    "name": "Data processing flow",
    "start_task": "task1",
    "tasks": [
        {"name": "task1", "description": "Fetch data"},
        {"name": "task2", "description": "Process data"},
        {"name": "task3", "description": "Store data"},
    ],
    "conditions": [
        EXAMPLE_CONDITION,
        {
            "name": "processed",
            "description": "Stores what was processed",
            "source_task": "task2",
            "outcome": "success",
            "target_task_success": "task3",
            "target_task_failure": END,
        },
    ],
}


class FlowTaskBody(Body):
    """A task that calls a registered function."""

    model_config = with_example(EXAMPLE_FLOW["tasks"][0])

    name: Name = Field(description="The name of the function, and of the task.")
    description: Description = None

    def draft(self, position: int) -> TaskDraft:
        """The task at `position` in the list. The position is its sequence, so that tasks keep their order in lists."""
        function = {"function": self.name}
        return TaskDraft(self.name, description=self.description, sequence=position, type="python", config=function)


class FlowBody(Body):
    """A whole flow."""

    model_config = with_example(EXAMPLE_FLOW)

    id: str = Field(description="The workflow's key: letters, digits, `.`, `_`, `-`; not only digits.")
    name: Name
    description: Description = None
    start_task: str
    tasks: list[FlowTaskBody]
    conditions: list[ConditionBody] = Field(default_factory=list)
    max_visits: MaxVisits = None

    def draft(self) -> WorkflowDraft:
        return WorkflowDraft(
            name=self.name,
            description=self.description,
            key=self.id,
            tasks=tuple(task.draft(position) for position, task in enumerate(self.tasks)),
            start_task=self.start_task,
            conditions=conditions_of(self.conditions),
            max_visits=self.max_visits,
        )


class FlowRunBody(Body):
    """A flow, and the input of its run."""

    model_config = with_example({"flow": EXAMPLE_FLOW})

    flow: FlowBody
    input: dict[str, Any] = Field(default_factory=dict, description="Given to every task.")
    idempotency_key: IdempotencyKey = Field(
        None, description="A second run of this flow with the same key returns the first one."
    )
