"""The parts of request bodies about conditions, which choose the next task of an execution."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.api.rest.body_model import Body, Description, Name, bounds, with_example
from app.domain.routing import DEFAULT_MAX_VISITS, END, Condition, RouteOutcome
from app.domain.routing_rules import MAX_VISITS

EXAMPLE_CONDITION = {
    "name": "fetched",
    "description": "Continues with the data that was fetched",
    "source_task": "task1",
    "outcome": "success",
    "target_task_success": "task2",
    "target_task_failure": END,
}


class ConditionBody(Body):
    """Chooses the next task when a task has ended."""

    model_config = with_example(EXAMPLE_CONDITION)

    name: Name
    source_task: str = Field(description="The task whose outcome is checked; each task has one condition at most.")
    outcome: Literal["success", "failure", "any"] = Field(description="The outcome that matches.")
    target_task_success: str = Field(description=f"The next task after a match, by name, or `{END}`.")
    target_task_failure: str = Field(END, description=f"The next task after any other outcome, by name, or `{END}`.")
    description: Description = None

    def condition(self) -> Condition:
        values = self.values(type(self).model_fields, {"outcome": RouteOutcome})
        return Condition(**values)


def conditions_of(bodies: Sequence[ConditionBody] | None) -> tuple[Condition, ...]:
    return tuple(body.condition() for body in bodies or ())


StartTask = Annotated[
    str | None,
    Field(description="The first task. If given, `conditions` choose the next tasks, and groups have no effect."),
]
Conditions = Annotated[
    list[ConditionBody] | None,
    Field(description="They need a `start_task`. After a task without one, the execution ends."),
]
MaxVisits = Annotated[
    int | None,
    Field(
        description=f"How often a task may run before the execution fails; null means {DEFAULT_MAX_VISITS}.",
        json_schema_extra=bounds(1, MAX_VISITS),
    ),
]
