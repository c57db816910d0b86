"""What clients may send of the conditions that lead an execution from task to task."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.api.rest.body_model import Body, Description, Name, bounds, with_example
from app.domain.routing import DEFAULT_MAX_VISITS, END, Condition, RouteOutcome
from app.domain.routing_rules import MAX_VISITS

EXAMPLE_CONDITION = {
    "name": "fetched",
    "description": "Goes on with what was fetched",
    "source_task": "task1",
    "outcome": "success",
    "target_task_success": "task2",
    "target_task_failure": END,
}


class ConditionBody(Body):
    """Where an execution goes when a task has ended."""

    model_config = with_example(EXAMPLE_CONDITION)

    name: Name
    source_task: str = Field(description="The task whose end is judged; each has one condition at most.")
    outcome: Literal["success", "failure", "any"] = Field(description="The end that it waits for.")
    target_task_success: str = Field(description=f"Where a match leads: a task's name, or `{END}`.")
    target_task_failure: str = Field(END, description=f"Where anything else leads: a task's name, or `{END}`.")
    description: Description = None

    def condition(self) -> Condition:
        values = self.values(type(self).model_fields, {"outcome": RouteOutcome})
        return Condition(**values)


def conditions_of(bodies: Sequence[ConditionBody] | None) -> tuple[Condition, ...]:
    return tuple(body.condition() for body in bodies or ())


StartTask = Annotated[
    str | None,
    Field(description="Where an execution begins. With it, `conditions` say what comes next, and groups do not count."),
]
Conditions = Annotated[
    list[ConditionBody] | None, Field(description="They need a `start_task`. A task without one ends the execution.")
]
MaxVisits = Annotated[
    int | None,
    Field(
        description=f"How often one task may be visited before the execution fails; null: {DEFAULT_MAX_VISITS}.",
        json_schema_extra=bounds(1, MAX_VISITS),
    ),
]
