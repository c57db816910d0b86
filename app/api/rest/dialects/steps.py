"""The request bodies of workflows that are described as steps, which run one after another."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from app.api.rest.body_model import Body, Description, Name, with_example
from app.api.rest.dialects.step_configs import config_of_task
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Problem
from app.domain.refs import KEY_PATTERN

StepType = Literal["delay", "webhook"]

EXAMPLE_STEPS: dict[str, Any] = {
    "id": "my-workflow",
    "name": "Demo Workflow",
    "description": "A sample workflow",
    "steps": [
        {"name": "delay", "type": "delay", "config": {"duration": 2}},
        {
            "name": "notify",
            "type": "webhook",
            "config": {
                "url": "https://example.org/post",
                "method": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": {"message": "Hello from workflow!", "user": "${user}"},
            },
        },
    ],
}
_TASKS = re.compile(r"\btasks(?=\[\d+\])")


class StepBody(Body):
    """One step."""

    model_config = with_example(EXAMPLE_STEPS["steps"][0])

    name: Name
    type: StepType
    config: dict[str, Any] = Field(
        default_factory=dict,
        description="`duration` in seconds of a `delay`; `url`, `method`, `headers`, `body` of a `webhook`. A string "
        "that is `${key}` and nothing else is replaced by that key of the payload.",
    )

    def draft(self, sequence: int) -> TaskDraft:
        return TaskDraft(self.name, sequence=sequence, type=self.type, config=config_of_task(self.config))


class SteppedWorkflow(Body):
    """A new workflow whose steps run one after another."""

    model_config = with_example(EXAMPLE_STEPS)

    id: str | None = Field(
        None,
        description="The workflow's key.",
        json_schema_extra={"pattern": f"^(?![0-9]+$){KEY_PATTERN.pattern}$"},
    )
    name: Name
    description: Description = None
    steps: list[StepBody] = Field(min_length=1)

    def draft(self) -> WorkflowDraft:
        tasks = tuple(step.draft(number) for number, step in enumerate(self.steps, start=1))
        return WorkflowDraft(self.name, self.description, self.id, tasks)


def in_words_of_steps(problems: Sequence[Problem]) -> list[Problem]:
    """The problems with the names of fields that the body has: `id` for the key, `steps` for the tasks."""
    return [
        Problem("id" if problem.path == "key" else _in_words(problem.path), _in_words(problem.message))
        for problem in problems
    ]


def _in_words(text: str) -> str:
    return _TASKS.sub("steps", text)
